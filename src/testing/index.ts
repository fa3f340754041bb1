// For tests of apps: `merrow/testing`. Needs no test runner.
export { createTestNetwork, type TestNetwork } from '../sync/in-process.ts'
export { type CheckMergeOptions, checkMerge } from './check-merge.ts'
export { createTestClock, type TestClock } from './clock.ts'

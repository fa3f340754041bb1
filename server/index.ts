// Public names of `merrow/server`.
export { openLmdbLog } from './log/lmdb.ts'
export { openMemoryLog } from './log/memory.ts'
export type { Log, LogContent, LogEntry, Snapshot } from './log/port.ts'
export type { Level, Logger } from './logger.ts'
export { createRelay, type Relay, type RelayOptions } from './relay.ts'

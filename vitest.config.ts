// Test settings: what counts as a test, and the one closing line that says how many ran.
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import type { Reporter, TestModule } from 'vitest/node'

/** Prints `N passed, N failed, N skipped` as the last line, so that a run of no tests cannot look green. */
const closingLine: Reporter = {
  onTestRunEnd(modules: readonly TestModule[]) {
    const count = { passed: 0, failed: 0, skipped: 0, pending: 0 }
    for (const module of modules) for (const test of module.children.allTests()) count[test.result().state] += 1
    console.log(`${count.passed} passed, ${count.failed + count.pending} failed, ${count.skipped} skipped`)
  },
}

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

export default defineConfig({
  // So that the snippets of the docs, which import the package by name, run on the sources.
  resolve: {
    alias: [
      { find: /^merrow$/, replacement: source('src/index.ts') },
      { find: /^merrow\/server$/, replacement: source('server/index.ts') },
      { find: /^merrow\/(.+)$/, replacement: source('src/$1/index.ts') },
    ],
  },
  test: {
    include: ['src/**/*.test.ts', 'server/**/*.test.ts', 'demo/**/*.test.ts', 'bench/**/*.test.ts'],
    reporters: ['default', closingLine],
    // Files of one worker share loaded modules, which keep no state that a test could leave behind: a third of the time went into loading them again.
    isolate: false,
    // Both cores: most files wait for a disk, a process or a socket now and then.
    maxWorkers: '100%',
    // A test that hangs fails; one that shares a slow machine with others does not.
    testTimeout: 300_000,
    hookTimeout: 60_000,
  },
})

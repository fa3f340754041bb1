// Databases that exchange their documents when told to, without sockets: for tests of what concurrent writes lead to.
import type * as Y from 'yjs'
import { createDatabase, type Database, type Schema } from '../../index.ts'
import type { SyncAdapter, SyncContext } from '../../sync/index.ts'

/** A database whose documents are at hand. */
export interface TestReplica<S extends Schema> {
  readonly db: Database<S>
  readonly documents: SyncContext['documents']
}

/** A clock that stands still until it is told to go on. */
export interface TestClock {
  nowMs: number
  readonly now: () => number
}

/** Makes a clock at a fixed time. */
export const testClock = (nowMs = 1_700_000_000_000): TestClock => {
  const clock = { nowMs, now: () => clock.nowMs }
  return clock
}

/** A sync adapter that hands out its documents. */
export const documentsAdapter = (documents: Map<string, Y.Doc>): SyncAdapter => ({
  start(context) {
    for (const [name, document] of context.documents) documents.set(name, document)
    return {
      connection: 'offline',
      unsent: 0,
      error: undefined,
      connect: () => {},
      disconnect: () => {},
      acknowledged: async () => {},
      join: (name, document) => {
        documents.set(name, document)
        return { isSettled: true, acknowledged: async () => {}, leave: () => void documents.delete(name) }
      },
      synced: async () => {},
      close: () => {},
    }
  },
})

/** Opens a database in memory whose documents can be exchanged. */
export const openReplica = async <const S extends Schema>(
  schema: S,
  options: Partial<Parameters<typeof createDatabase<S>>[0]> = {},
): Promise<TestReplica<S>> => {
  const documents = new Map<string, Y.Doc>()
  const db = await createDatabase({ name: 'test', schema, sync: documentsAdapter(documents), ...options })
  return { db, documents }
}

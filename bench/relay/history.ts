// A table with a history, as the updates that a relay gets to see of it. Knows Merrow by its public names.
import * as Y from 'yjs'
import type { SyncAdapter } from '../../src/sync/port.ts'
import { loadMerrow } from '../build.ts'
import { createData } from '../data.ts'

/** A document as it came about. */
export interface History {
  /** In order: the rows by the thousand, then one for each edit. */
  readonly updates: readonly Uint8Array[]
  /** All of it as one update. */
  readonly state: Uint8Array
}

const ROWS_AT_ONCE = 1000

/** Inserts rows, then edits them one by one at random. */
export const writeHistory = async (rows: number, edits: number, seed: number): Promise<History> => {
  const { column: c, createDatabase, defineSchema, table } = await loadMerrow()
  const columns = { title: c.string(), done: c.boolean(), priority: c.number(), country: c.string() }
  const schema = defineSchema({ rows: table({ ...columns, lat: c.number(), lon: c.number() }) })
  const { sync, documentOf } = watchedSync()
  const db = await createDatabase({ name: 'bench', schema, sync })
  const doc = documentOf('rows')
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const data = createData(seed)
  const ids = await db.rows.insertMany(data.rows(rows), { chunk: ROWS_AT_ONCE })
  for (let at = 0; at < edits; at++) {
    // What is written in one turn is one update.
    await new Promise((resolve) => setImmediate(resolve))
    db.rows.update(data.pick(ids), data.patch())
  }
  await db.close()
  return { updates, state: Y.encodeStateAsUpdate(doc) }
}

/** A synchronisation with nobody, which lets its documents be seen. */
const watchedSync = () => {
  let documents: ReadonlyMap<string, Y.Doc> = new Map()
  const sync: SyncAdapter = {
    start(context) {
      documents = context.documents
      return {
        connection: 'offline',
        unsent: 0,
        error: undefined,
        connect() {},
        disconnect() {},
        acknowledged: async () => {},
        join: () => ({ isSettled: true, acknowledged: async () => {}, leave() {} }),
        synced: async () => {},
        close() {},
      }
    },
  }
  const documentOf = (table: string): Y.Doc => {
    for (const [name, doc] of documents) if (name.endsWith(table)) return doc
    throw new Error(`There is no document of ${table}.`)
  }
  return { sync, documentOf }
}

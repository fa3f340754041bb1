// What a document is made of, for `merrow inspect`. Knows Yjs; shows shapes and counts, nothing of what users wrote.
import { createHash } from 'node:crypto'
import * as Y from 'yjs'
import { isCreated, isDeleted, RowLog } from '../../src/rowlog/index.ts'
import { StampClock } from '../../src/stamp.ts'

/** One document, described. */
export interface Description {
  readonly bytes: number
  /** Of its state, so that two copies can be compared. */
  readonly digest: string
  readonly clients: number
  readonly structs: number
  /** Names of its root types. */
  readonly roots: readonly string[]
  /** If it is a table. */
  readonly rows?: { readonly live: number; readonly deleted: number; readonly unreadable: number }
}

/** Describes a document. @param updates - All of its updates. @throws If they cannot be loaded. */
export const describeDocument = (updates: readonly Uint8Array[]): Description => {
  const rows = new RowLog({ replica: 'inspect', author: undefined, clock: new StampClock(Date.now) })
  rows.load(updates)
  const doc = rows.document
  const state = Y.encodeStateAsUpdate(doc)
  const created = [...rows.entries.values()].filter(isCreated)
  const deleted = created.filter(isDeleted).length
  const table = { live: created.length - deleted, deleted, unreadable: rows.refused }
  return {
    bytes: state.length,
    digest: createHash('sha256').update(state).digest('hex').slice(0, 16),
    clients: doc.store.clients.size,
    structs: [...doc.store.clients.values()].reduce((sum, structs) => sum + structs.length, 0),
    roots: [...doc.share.keys()],
    ...(rows.entries.size === 0 ? {} : { rows: table }),
  }
}

// The usual way to keep a table in Yjs: one nested Y.Map a row in a root Y.Map, with one deep observer. Nothing listens for
// its updates, so that, unlike a Merrow table, it neither encodes nor stores what is written.
import * as Y from 'yjs'
import type { BenchPatch, BenchRow } from '../data.ts'
import type { DeviceRun, Peer, PeerTable } from '../peer.ts'

type Field = string | number | boolean

const open = (update?: Uint8Array): PeerTable => {
  const document = new Y.Doc()
  const rows = document.getMap<Y.Map<Field>>('rows')
  let heard = 0
  rows.observeDeep((events) => {
    for (const event of events) heard += event.target === rows ? (event as Y.YMapEvent<unknown>).keysChanged.size : 1
  })
  if (update !== undefined) Y.applyUpdate(document, update)

  const insert = ({ id, ...fields }: BenchRow): void => {
    rows.set(id, new Y.Map<Field>(Object.entries(fields)))
  }
  const read = (id: string, row: Y.Map<Field>): BenchRow =>
    Object.freeze({ id, ...row.toJSON() }) as unknown as BenchRow
  return {
    insertMany: (given) =>
      document.transact(() => {
        for (const row of given) insert(row)
      }),
    insert,
    update: (id, patch: BenchPatch) => {
      const row = rows.get(id)
      if (row === undefined) throw new Error(`There is no row ${id}.`)
      for (const [field, value] of Object.entries(patch)) row.set(field, value)
    },
    transact: (work) => document.transact(work),
    get: (id) => {
      const row = rows.get(id)
      return row === undefined ? undefined : read(id, row)
    },
    readAll: (visit) => {
      for (const [id, row] of rows) visit(read(id, row))
    },
    get heard() {
      return heard
    },
    saved: async () => {},
    store: async () => Y.encodeStateAsUpdate(document),
  }
}

/** One document stands for all devices; a run's edits share a transaction, which leaves the same structs sooner. */
const replay = (stored: Uint8Array, runs: readonly DeviceRun[]): Uint8Array => {
  const document = new Y.Doc()
  const rows = document.getMap<Y.Map<Field>>('rows')
  Y.applyUpdate(document, stored)
  for (const { clientId, edits } of runs) {
    document.clientID = clientId
    document.transact(() => {
      for (const { id, patch } of edits)
        for (const [field, value] of Object.entries(patch)) rows.get(id)?.set(field, value)
    })
  }
  return Y.encodeStateAsUpdate(document)
}

/** Raw Yjs with a Y.Map a row. */
export const peer: Peer = {
  name: 'nested-ymap',
  packages: ['yjs'],
  shortenedBy: 5,
  create: async () => open(),
  load: async (bytes) => open(bytes),
  replay,
}

// Merrow through its public names: a database of one table, stored as it goes along, with one subscriber.

import { RowLog } from '../../src/rowlog/index.ts'
import { StampClock } from '../../src/stamp.ts'
import { loadMerrow } from '../build.ts'
import type { DeviceRun, Peer, PeerTable } from '../peer.ts'
import { BenchStorage } from '../storage.ts'

const { column: c, createDatabase, defineSchema, table } = await loadMerrow()

const schema = defineSchema({
  rows: table({
    title: c.string(),
    done: c.boolean(),
    priority: c.number(),
    country: c.string(),
    lat: c.number(),
    lon: c.number(),
  }),
})

const open = async (storage: BenchStorage): Promise<PeerTable> => {
  const db = await createDatabase({ name: 'bench', schema, storage })
  const { rows } = db
  let heard = 0
  rows.subscribe(({ added, changed, removed }) => {
    heard += added.length + changed.length + removed.length
  })
  return {
    insertMany: (given) => {
      rows.insertMany(given)
    },
    insert: (row) => {
      rows.insert(row)
    },
    update: (id, patch) => rows.update(id, patch),
    transact: (work) => db.transact(work),
    get: (id) => rows.get(id),
    readAll: (visit) => {
      for (const row of rows.rows()) visit(row)
    },
    get heard() {
      return heard
    },
    saved: () => db.saved(),
    chunked: {
      async insert(given, chunk) {
        await rows.insertMany(given, { chunk })
      },
      async update(patch, chunk) {
        await rows.updateWhere({}, patch, { chunk })
      },
    },
    store: async () => {
      await db.saved()
      return storage.state()
    },
  }
}

/** As long as `<device>.<run>`, the name of a database's replica: it stands in the header of every segment. */
const REPLICA_LENGTH = 33

/**
 * One row log stands for all devices: it takes each one's client id in turn, seals what that one wrote and compacts, as a database does
 * when it closes. A run's edits share a Yjs transaction, which leaves the same structs sooner.
 */
const replay = (stored: Uint8Array, runs: readonly DeviceRun[]): Uint8Array => {
  let nowMs = runs[0]?.edits[0]?.atMs ?? 0
  const replica = String(runs[0]?.clientId).padStart(REPLICA_LENGTH, '.')
  const log = new RowLog({ replica, author: undefined, clock: new StampClock(() => nowMs), isFoldable: () => true })
  log.load([stored])
  for (const { clientId, edits } of runs) {
    log.document.clientID = clientId
    log.document.transact(() => {
      for (const { atMs, id, patch } of edits) {
        nowMs = atMs
        log.stage(id, false, Object.keys(patch), Object.values(patch))
        log.commit()
      }
      log.seal()
      log.compact()
    }, log)
  }
  return log.encode()
}

/** Merrow itself. */
export const peer: Peer = {
  name: 'merrow',
  packages: ['yjs', 'lib0'],
  shortenedBy: 1,
  create: () => open(new BenchStorage()),
  load: (bytes) => open(new BenchStorage(bytes)),
  replay,
}

// Merrow through its public names: a database of one table, stored as it goes along, with one subscriber.
import { loadMerrow } from '../build.ts'
import type { Peer, PeerTable } from '../peer.ts'
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
    store: async () => {
      await db.saved()
      return storage.state()
    },
  }
}

/** Merrow itself. */
export const peer: Peer = {
  name: 'merrow',
  packages: ['yjs', 'lib0'],
  shortenedBy: 1,
  create: () => open(new BenchStorage()),
  load: (bytes) => open(new BenchStorage(bytes)),
}

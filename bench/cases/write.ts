// Write: bulk and single writes, each observed and each in a transaction of its own, and point reads.
import { againstOthers, type BenchCase } from '../bench-case.ts'
import { createData } from '../data.ts'
import { timeMs } from '../measure.ts'

const SINGLES = 10_000
const READS = 200_000

/**
 * Times one write and one read of each kind. A single write is followed by one microtask, within which Merrow commits and
 * tells its subscriber; its queued storage appends are waited for at the end of each kind, inside the time.
 */
export const benchCase: BenchCase = {
  title: `bulk insert, then ${SINGLES} observed inserts and updates one by one, and ${READS} point reads`,
  isExact: false,
  needsStored: false,
  takes: () => true,
  async measure(peer, { rows, seed }) {
    const data = createData(seed)
    const table = await peer.create()
    const bulk = data.rows(rows)
    const singles = data.rows(SINGLES)
    const ids = bulk.map(({ id }) => id)
    const updates = Array.from({ length: SINGLES }, () => [data.pick(ids), data.patch()] as const)
    const reads = Array.from({ length: READS }, () => data.pick(ids))

    const bulkMs = await timeMs(async () => {
      table.insertMany(bulk)
      await table.saved()
    })
    const insertMs = await timeMs(async () => {
      for (const row of singles) {
        table.insert(row)
        await null
      }
      await table.saved()
    })
    const updateMs = await timeMs(async () => {
      for (const [id, patch] of updates) {
        table.update(id, patch)
        await null
      }
      await table.saved()
    })
    const expected = rows + 2 * SINGLES
    if (table.heard !== expected)
      throw new Error(`The subscriber of ${peer.name} heard of ${table.heard} changes, not ${expected}.`)
    let sum = 0
    const readMs = await timeMs(async () => {
      for (const id of reads) sum += table.get(id)?.priority ?? Number.NaN
    })
    return {
      bulk: (bulkMs * 1000) / rows,
      insert: (insertMs * 1000) / SINGLES,
      update: (updateMs * 1000) / SINGLES,
      read: (readMs * 1e6) / READS,
      checksum: sum,
    }
  },
  lines: (result) => [
    ...againstOthers(result, { title: 'bulk insert', unit: 'µs/row', figure: 'bulk' }, { 'nested-ymap': 0.5 }),
    ...againstOthers(result, { title: 'insert', unit: 'µs', figure: 'insert' }, { 'nested-ymap': 1 }),
    ...againstOthers(result, { title: 'update', unit: 'µs', figure: 'update' }, { 'nested-ymap': 1 }),
    ...againstOthers(result, { title: 'point read', unit: 'ns', figure: 'read' }, { 'plain-map': 1.5 }),
  ],
}

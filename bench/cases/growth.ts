// Growth: what many updates to few rows leave behind in storage.
import { type BenchCase, SUBJECT } from '../bench-case.ts'
import { createData } from '../data.ts'

const HOT_SHARE = 1 / 100
const UPDATES_PER_ROW = 10
const UPDATES_PER_TRANSACTION = 100

/** Ten updates for every row there is, all of them to one row in a hundred, one field each, a hundred a transaction. */
export const benchCase: BenchCase = {
  title:
    'stored bytes after 10 updates a row, all to 1% of the rows, beside the same table fresh; fewer updates for slow peers',
  isExact: true,
  needsStored: false,
  takes: (peer) => peer !== 'plain-map',
  async measure(peer, { rows, seed }) {
    const data = createData(seed)
    const table = await peer.create()
    const given = data.rows(rows)
    table.insertMany(given)
    const fresh = (await table.store()).length
    const hot = given.slice(0, Math.ceil(rows * HOT_SHARE)).map(({ id }) => id)
    const updates = (rows * UPDATES_PER_ROW) / peer.shortenedBy
    const step = (): void => table.update(data.pick(hot), data.patch())
    for (let done = 0; done < updates; done += UPDATES_PER_TRANSACTION) {
      table.transact(() => {
        for (let at = 0; at < UPDATES_PER_TRANSACTION; at++) step()
      })
      await table.saved()
    }
    return { freshMb: fresh / 1e6, grownMb: (await table.store()).length / 1e6, updates }
  },
  lines: (result) =>
    Object.entries(result).map(([peer, { updates }]) => ({
      title: `after ${updates?.median} updates`,
      unit: 'MB',
      subject: { peer, figure: 'grownMb' },
      yardstick: { peer, figure: 'freshMb' },
      atMost: peer === SUBJECT ? 1.1 : undefined,
    })),
}

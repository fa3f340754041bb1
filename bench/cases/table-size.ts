// Table size: whether one update costs the same in a large table as in a small one.
import { againstOthers, type BenchCase, SUBJECT } from '../bench-case.ts'
import { createData } from '../data.ts'
import { timeMs } from '../measure.ts'
import type { Peer } from '../peer.ts'

const SMALL_SHARE = 1 / 100
const UPDATES = 20_000
const WARM_UP = 20_000

/**
 * One-field updates, each observed and in a transaction of its own, on random rows. Both tables have as many updates to as
 * many rows, so that as many fields are written over: in the large one they are every hundredth row.
 */
export const benchCase: BenchCase = {
  title: `${UPDATES} observed updates of one field each, one by one, after ${WARM_UP} to warm up: in the whole table and in one of a hundredth of its rows`,
  isExact: false,
  needsStored: false,
  takes: () => true,
  async measure(peer, { rows, seed }) {
    const written = Math.ceil(rows * SMALL_SHARE)
    return {
      small: await updateUs(peer, written, { written, seed }),
      large: await updateUs(peer, rows, { written, seed }),
    }
  },
  lines: (result) => [
    ...Object.keys(result).map((peer) => ({
      title: 'update, large beside small',
      unit: 'µs' as const,
      subject: { peer, figure: 'large' },
      yardstick: { peer, figure: 'small' },
      atMost: peer === SUBJECT ? 1.5 : undefined,
    })),
    ...againstOthers(result, { title: 'update, small table', unit: 'µs', figure: 'small' }, { 'nested-ymap': 1 }),
    ...againstOthers(result, { title: 'update, large table', unit: 'µs', figure: 'large' }, { 'nested-ymap': 1 }),
  ],
}

/** Mean of the updates of one table, once code has been compiled for it. */
const updateUs = async (
  peer: Peer,
  rows: number,
  { written, seed }: { readonly written: number; readonly seed: number },
) => {
  const data = createData(seed)
  const table = await peer.create()
  const given = data.rows(rows)
  table.insertMany(given)
  await table.saved()
  const ids = given.filter((_, at) => at % Math.floor(rows / written) === 0).map(({ id }) => id)
  const updates = Array.from({ length: WARM_UP + UPDATES }, () => [data.pick(ids), data.patch()] as const)
  const run = async (from: number, to: number): Promise<void> => {
    for (const [id, patch] of updates.slice(from, to)) {
      table.update(id, patch)
      await null
    }
    await table.saved()
  }
  await run(0, WARM_UP)
  const ms = await timeMs(() => run(WARM_UP, updates.length))
  const expected = rows + updates.length
  if (table.heard !== expected)
    throw new Error(`The subscriber of ${peer.name} heard of ${table.heard} changes, not ${expected}.`)
  return (ms * 1000) / UPDATES
}

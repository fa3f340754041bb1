// Bulk: for how long a write of all rows at once holds the thread, in chunks and in one go.
import { type BenchCase, type Line, SUBJECT } from '../bench-case.ts'
import { createData } from '../data.ts'
import { longestBlockMs } from '../measure.ts'

const CHUNK = 500
/** What a frame or a keystroke may wait for. */
const LIMIT_MS = 50

/** One transaction over all rows, observed and stored; the writes of a chunked one are let go of to the event loop between chunks. */
export const benchCase: BenchCase = {
  title: `longest block of the thread by an insert, and an update, of all rows in one step, in chunks of ${CHUNK} and whole; CPU time of the process within the block, so that other programs do not count`,
  isExact: false,
  needsStored: false,
  takes: (peer) => peer === SUBJECT,
  async measure(peer, { rows, seed }) {
    const given = createData(seed).rows(rows)
    const table = await peer.create()
    const { chunked } = table
    if (chunked === undefined) throw new Error(`${peer.name} has no writes in chunks.`)
    const insertMs = await longestBlockMs(async () => {
      await chunked.insert(given, CHUNK)
      await table.saved()
    })
    const updateMs = await longestBlockMs(async () => {
      await chunked.update({ priority: -1 }, CHUNK)
      await table.saved()
    })
    // Last, so that its rows are not in the way of the collector before.
    const whole = await peer.create()
    const wholeMs = await longestBlockMs(async () => {
      whole.insertMany(given)
      await whole.saved()
    })
    if (table.heard !== 2 * rows) throw new Error(`The subscriber heard of ${table.heard} changes, not ${2 * rows}.`)
    return { wholeMs, insertMs, updateMs, limitMs: LIMIT_MS }
  },
  lines: () => [
    beside('longest block, insert in chunks', 'insertMs', 'limitMs', 1),
    beside('longest block, update in chunks', 'updateMs', 'limitMs', 1),
    beside('longest block, insert in chunks', 'insertMs', 'wholeMs'),
  ],
}

const beside = (title: string, figure: string, yardstick: string, atMost?: number): Line => ({
  title,
  unit: 'ms',
  subject: { peer: SUBJECT, figure },
  yardstick: { peer: SUBJECT, figure: yardstick },
  atMost,
})

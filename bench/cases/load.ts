// Load: from stored bytes to the first full read, in a process that has just started.
import { againstOthers, type BenchCase } from '../bench-case.ts'
import { Checksum } from '../data.ts'
import { timeMs } from '../measure.ts'

/** Opening, then materialising every row and touching its every field; that is what a first query costs. */
export const benchCase: BenchCase = {
  title: 'stored bytes to the first full read: open, materialise every row, touch every field',
  isExact: false,
  needsStored: true,
  takes: () => true,
  async measure(peer, { rows, readStored }) {
    const stored = await readStored()
    const checksum = new Checksum()
    const loadMs = await timeMs(async () => {
      const table = await peer.load(stored)
      table.readAll(checksum.add)
    })
    if (checksum.rows !== rows) throw new Error(`${peer.name} read ${checksum.rows} rows of ${rows}.`)
    return { loadMs, checksum: checksum.sum }
  },
  lines: (result) =>
    againstOthers(result, { title: 'load and read', unit: 'ms', figure: 'loadMs' }, { 'nested-ymap': 1 / 3 }),
}

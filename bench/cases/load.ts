// Load: from stored bytes to the first full read, and to the first write, in a process that has just started.
import { againstOthers, type BenchCase } from '../bench-case.ts'
import { type BenchRow, Checksum, createData } from '../data.ts'
import { timeMs } from '../measure.ts'
import type { PeerTable } from '../peer.ts'

/** Id of the row that is written: of none that is there. */
const NEW_ID = '01990000-0000-7000-8000-000000000000'

/** Opening, then materialising every row and touching its every field; that is what a first query costs. */
export const benchCase: BenchCase = {
  title: 'stored bytes to the first full read: open, materialise every row, touch every field',
  isExact: false,
  needsStored: true,
  takes: () => true,
  async measure(peer, { rows, seed, readStored }) {
    const stored = await readStored()
    const checksum = new Checksum()
    const row = { ...(createData(seed).rows(1)[0] as BenchRow), id: NEW_ID }
    let table: PeerTable | undefined
    const loadMs = await timeMs(async () => {
      table = await peer.load(stored)
      table.readAll(checksum.add)
    })
    const writeMs = await timeMs(async () => {
      table?.insert(row)
      await table?.saved()
    })
    if (checksum.rows !== rows) throw new Error(`${peer.name} read ${checksum.rows} rows of ${rows}.`)
    return { loadMs, readyMs: loadMs + writeMs, checksum: checksum.sum }
  },
  lines: (result) => [
    ...againstOthers(result, { title: 'load and read', unit: 'ms', figure: 'loadMs' }, { 'nested-ymap': 1 / 3 }),
    ...againstOthers(result, { title: 'load, read, and write once', unit: 'ms', figure: 'readyMs' }, {}),
  ],
}

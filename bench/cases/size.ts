// Size: what fresh rows take in storage, beside the same rows as JSON.
import { againstOthers, type BenchCase } from '../bench-case.ts'
import { createData } from '../data.ts'

/** Stored bytes of fresh rows. The design's goal is 0.8 of JSON, its bound 0.9. */
export const benchCase: BenchCase = {
  title: 'stored bytes of fresh six-field rows (plain-map stores JSON)',
  isExact: true,
  needsStored: false,
  takes: () => true,
  async measure(peer, { rows, seed }) {
    const table = await peer.create()
    table.insertMany(createData(seed).rows(rows))
    const stored = await table.store()
    return { bytesPerRow: stored.length / rows }
  },
  lines: (result) =>
    againstOthers(
      result,
      { title: 'stored', unit: 'B/row', figure: 'bytesPerRow' },
      { 'plain-map': 0.9, 'nested-ymap': 1 },
    ),
}

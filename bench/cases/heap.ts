// Heap: what a loaded table holds in memory once every row was read.
import { againstOthers, type BenchCase } from '../bench-case.ts'
import { Checksum, createData } from '../data.ts'
import { heldBytes } from '../measure.ts'
import type { Peer, PeerTable } from '../peer.ts'

/**
 * Memory after garbage collection, less what the process held before. The stored bytes are let go of first. Rows that were
 * read count only where the peer keeps them itself: Merrow does, nested Y.Maps do not.
 */
export const benchCase: BenchCase = {
  title: 'memory held by a loaded table after every row was read and garbage collected',
  isExact: false,
  needsStored: true,
  takes: () => true,
  async measure(peer, { rows, seed, readStored }) {
    await warmUp(peer, seed)
    const before = await heldBytes()
    const table = await loadAndRead(peer, readStored)
    const after = await heldBytes()
    const checksum = new Checksum()
    table.readAll(checksum.add)
    return { heapPerRow: (after - before) / rows, checksum: checksum.sum }
  },
  lines: (result) =>
    againstOthers(
      result,
      { title: 'held', unit: 'B/row', figure: 'heapPerRow' },
      { 'nested-ymap': 1 / 3, 'plain-map': 3 },
    ),
}

/** Has code compiled and singletons made, so that they do not count as rows. */
const warmUp = async (peer: Peer, seed: number): Promise<void> => {
  const table = await peer.create()
  table.insertMany(createData(seed).rows(100))
  await loadAndRead(peer, () => table.store())
}

/** A function of its own, so that nothing on the measuring stack holds the stored bytes. */
const loadAndRead = async (peer: Peer, readStored: () => Promise<Uint8Array>): Promise<PeerTable> => {
  const table = await peer.load(await readStored())
  table.readAll(new Checksum().add)
  return table
}

// Placing a block: its writes become patches of the segment that holds it. Knows shapes; no document, no entries.
import type { PackedBlock } from './block.ts'
import { type BlockSource, Patch, Segment } from './segment.ts'
import type { ShapeBook } from './shape.ts'

/** A row's patches in a block, lowest first. */
export interface PlacedRow {
  readonly id: string
  readonly patches: readonly Patch[]
}

/** Takes a block to be in a segment. @returns its rows. */
export const placeBlock = (
  segment: Segment,
  block: PackedBlock,
  { bytes, shapes: book }: { readonly bytes: number; readonly shapes: ShapeBook },
): readonly PlacedRow[] => {
  const { packedAt, packer, ids, counts, raws, writerNumbers } = block
  const source: BlockSource = { packedAt, packer, ids, patches: raws.length, bytes }
  segment.block = source
  segment.sealed = true
  segment.live = raws.length
  const shapes = block.shapes.map(({ insert, columns }) => (insert ? book.insert(columns) : book.update(columns)))
  // One face of the segment for each writer, since a patch has its writer from its segment.
  const faces = block.writers.map(({ replica, author }) => {
    const face = new Segment(segment.list, { replica, author, since: 0 }, shapes)
    face.block = source
    return face
  })
  let from = 0
  return ids.map((id, row) => {
    const patches: Patch[] = []
    for (const end = from + (counts[row] as number); from < end; from++) {
      const raw = raws[from] as [number, string, number]
      raw[1] = id
      patches.push(new Patch(faces[writerNumbers[from] as number] as Segment, raw))
    }
    return { id, patches }
  })
}

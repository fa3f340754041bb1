// Placing a block: its writes become patches of the segment that holds it, and entries of its rows. Knows shapes; no document.
import type { PackedBlock } from './block.ts'
import { Entry } from './entry.ts'
import type { RawPatch } from './format.ts'
import { type BlockSource, Patch, Segment } from './segment.ts'
import type { Shape, ShapeBook } from './shape.ts'

/** What a block brings. */
export interface PlacedBlock {
  /** Each of its rows, made of the block's patches alone. */
  readonly rows: readonly Entry[]
  /** The stamp of each patch. */
  readonly stamps: Float64Array
}

/** Takes a block to be in a segment. */
export const placeBlock = (
  segment: Segment,
  block: PackedBlock,
  { bytes, shapes: book }: { readonly bytes: number; readonly shapes: ShapeBook },
): PlacedBlock => {
  const { packedAt, packer, ids, counts, raws, stamps, writerNumbers } = block
  const source: BlockSource = { packedAt, packer, ids, patches: raws.length, bytes }
  segment.block = source
  segment.sealed = true
  segment.live = raws.length
  const shapes: Shape[] = []
  let mayPurge = false
  block.shapes.forEach((shape, number) => {
    if (shape === undefined) return
    const known = shape.insert ? book.insert(shape.columns) : book.update(shape.columns)
    shapes[number] = known
    mayPurge ||= known.isPurge
  })
  // One face of the segment for each writer, since a patch has its writer from its segment.
  const faces = block.writers.map(({ replica, author }) => {
    const face = new Segment(segment.list, { replica, author, since: 0 }, shapes)
    face.block = source
    return face
  })
  const rows: Entry[] = []
  let from = 0
  for (let row = 0; row < ids.length; row++) {
    const count = counts[row] as number
    const patches = new Array<Patch>(count)
    let isPlain = !mayPurge
    for (let at = 0; at < count; at++, from++) {
      patches[at] = new Patch(faces[writerNumbers[from] as number] as Segment, raws[from] as RawPatch)
      if (at > 0 && (stamps[from - 1] as number) >= (stamps[from] as number)) isPlain = false
    }
    const id = ids[row] as string
    rows.push(isPlain ? new Entry(id, patches, patches) : new Entry(id, patches))
  }
  return { rows, stamps }
}

// Placing a block: its rows become entries, and, once somebody asks for them, its writes patches of the segment that holds it. Knows
// shapes; no document.
import { type PackedBlock, rawsOf } from './block.ts'
import { Entry, type PackedRows } from './entry.ts'
import { type BlockSource, Patch, Segment } from './segment.ts'
import { CREATED, PURGED, type Shape, type ShapeBook } from './shape.ts'

/** A block in its segment. */
export class PlacedBlock implements PackedRows {
  /** The stamp of each patch. */
  readonly stamps: Float64Array
  readonly segment: Segment
  readonly #block: PackedBlock
  readonly #shapes: readonly Shape[]
  /** One face of the segment for each writer, since a patch has its writer from its segment. */
  readonly #faces: readonly Segment[]

  /** Takes a block to be in a segment. */
  constructor(
    segment: Segment,
    block: PackedBlock,
    { bytes, shapes: book }: { readonly bytes: number; readonly shapes: ShapeBook },
  ) {
    const { packedAt, packer, ids, stamps } = block
    const source: BlockSource = { packedAt, packer, ids, patches: stamps.length, bytes }
    segment.block = source
    segment.sealed = true
    segment.live = stamps.length
    this.segment = segment
    this.stamps = stamps
    this.#block = block
    const shapes: Shape[] = []
    block.shapes.forEach((shape, number) => {
      if (shape !== undefined) shapes[number] = shape.insert ? book.insert(shape.columns) : book.update(shape.columns)
    })
    this.#shapes = shapes
    this.#faces = block.writers.map(({ replica, author }) => {
      const face = new Segment(segment.list, { replica, author, since: 0 }, shapes)
      face.block = source
      return face
    })
  }

  /** Each of its rows, made of the block's patches alone. */
  entries(): readonly Entry[] {
    const { ids, fields } = this.#block
    const isPlain = !fields.includes(PURGED) && !fields.includes(CREATED)
    const entries = new Array<Entry>(ids.length)
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row] as string
      entries[row] = isPlain && this.#isOrdered(row) ? Entry.packed(id, this, row) : new Entry(id, this.patchesOf(row))
    }
    return entries
  }

  patchesOf(row: number): readonly Patch[] {
    const { layout, writerNumbers } = this.#block
    const from = layout.first[row] as number
    return rawsOf(this.#block, row).map(
      (raw, at) => new Patch(this.#faces[writerNumbers[from + at] as number] as Segment, raw),
    )
  }

  columnOf(field: string): { readonly values: readonly unknown[]; readonly last: Int32Array } | undefined {
    const { fields, columns, layout } = this.#block
    const at = fields.indexOf(field)
    return at < 0 ? undefined : { values: columns[at] as readonly unknown[], last: layout.last[at] as Int32Array }
  }

  get fields(): readonly string[] {
    return this.#block.fields
  }

  createdAt(row: number): number | undefined {
    return this.stamps[this.#block.layout.creating[row] as number]
  }

  lastOf(row: number): { readonly stamp: number; readonly shape: Shape; readonly author: string | undefined } {
    const { layout, stamps, writers, writerNumbers } = this.#block
    const last = (layout.first[row + 1] as number) - 1
    return {
      stamp: stamps[last] as number,
      shape: this.#shapes[layout.shapeNumbers[last] as number] as Shape,
      author: writers[writerNumbers[last] as number]?.author,
    }
  }

  /** Whether a row has patches, each later than the one before, so that none is a copy. */
  #isOrdered(row: number): boolean {
    const { first } = this.#block.layout
    const end = first[row + 1] as number
    for (let patch = (first[row] as number) + 1; patch < end; patch++)
      if ((this.stamps[patch - 1] as number) >= (this.stamps[patch] as number)) return false
    return end > (first[row] as number)
  }
}

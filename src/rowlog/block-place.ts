// Placing a block: its writes become patches of the segment that holds it. Knows shapes; no document, no entries.
import type { Block, BlockPatch } from './block.ts'
import type { RawPatch } from './format.ts'
import { type BlockSource, Patch, Segment } from './segment.ts'
import type { Shape, ShapeBook } from './shape.ts'

/** A row's patches in a block, lowest first. */
export interface PlacedRow {
  readonly id: string
  readonly patches: readonly Patch[]
}

/** Takes a block to be in a segment. @returns its rows. */
export const placeBlock = (
  segment: Segment,
  { packedAt, packer, rows }: Block,
  { bytes, shapes }: { readonly bytes: number; readonly shapes: ShapeBook },
): readonly PlacedRow[] => {
  const source: BlockSource = { packedAt, packer, ids: rows.map(({ id }) => id), bytes }
  const places = new Places(segment, source, shapes)
  segment.block = source
  segment.sealed = true
  const placed = rows.map(({ id, patches }) => ({ id, patches: patches.map((patch) => places.patch(id, patch)) }))
  segment.live = rows.reduce((sum, { patches }) => sum + patches.length, 0)
  return placed
}

/** One face of the segment for each writer, since a patch has its writer from its segment; all share their shapes. */
class Places {
  readonly #segment: Segment
  readonly #source: BlockSource
  readonly #book: ShapeBook
  readonly #shapes: Shape[] = []
  readonly #numbers = new Map<readonly string[], number>()
  readonly #faces = new Map<string, Segment>()

  constructor(segment: Segment, source: BlockSource, book: ShapeBook) {
    this.#segment = segment
    this.#source = source
    this.#book = book
  }

  patch(id: string, { insert, columns, values, stamp, replica, author }: BlockPatch): Patch {
    const raw = [this.#shapeNumber(insert, columns), id, stamp].concat(values as never) as unknown as RawPatch
    return new Patch(this.#face(replica, author), raw)
  }

  /** Patches of one shape share their list of columns. */
  #shapeNumber(insert: boolean, columns: readonly string[]): number {
    let number = this.#numbers.get(columns)
    if (number === undefined) {
      number = this.#shapes.push(insert ? this.#book.insert(columns) : this.#book.update(columns)) - 1
      this.#numbers.set(columns, number)
    }
    return number
  }

  #face(replica: string, author: string | undefined): Segment {
    const key = `${replica} ${author ?? ''}`
    let face = this.#faces.get(key)
    if (face === undefined) {
      face = new Segment(this.#segment.list, { replica, author, since: 0 }, this.#shapes)
      face.block = this.#source
      this.#faces.set(key, face)
    }
    return face
  }
}

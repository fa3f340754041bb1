// Where the values of each row of a block lie in its columns. Knows numbers; no values, no patches.
import type { NumberedShape } from './block-shapes.ts'

/** The patches of a block, by numbers: of their shapes, and of the fields that these write. */
export interface Layout {
  /** The first patch of each row, and the end of the last. */
  readonly first: Uint32Array
  readonly shapeNumbers: Uint32Array
  readonly shapes: readonly NumberedShape[]
  /** By field, the place in its column of each row's last value; -1 where a row has none. Those before it lie before it. */
  readonly last: readonly Int32Array[]
  /** The last patch of each row that creates it; -1 if none does. */
  readonly creating: Int32Array
}

/** Lays out a block. Plain loops over numbers: this runs once a patch at every load. */
export const layOut = (
  counts: readonly number[],
  shapes: readonly NumberedShape[],
  shapeNumbers: Uint32Array,
  fields: number,
): Layout => {
  const rows = counts.length
  const first = new Uint32Array(rows + 1)
  const creating = new Int32Array(rows).fill(-1)
  const last: Int32Array[] = []
  for (let field = 0; field < fields; field++) last.push(new Int32Array(rows).fill(-1))
  const next = new Int32Array(fields)
  let patch = 0
  for (let row = 0; row < rows; row++) {
    first[row] = patch
    for (const end = patch + (counts[row] as number); patch < end; patch++) {
      const shape = shapes[shapeNumbers[patch] as number] as NumberedShape
      if (shape.insert) creating[row] = patch
      const own = shape.fields
      for (let at = 0; at < own.length; at++) {
        const field = own[at] as number
        const place = next[field] as number
        next[field] = place + 1
        ;(last[field] as Int32Array)[row] = place
      }
    }
  }
  first[rows] = patch
  return { first, shapeNumbers, shapes, last, creating }
}

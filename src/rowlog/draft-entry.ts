// Draft entries: what a new row would be, to look at before it is staged. Knows no document.
import { Entry } from './entry.ts'
import type { Header } from './format.ts'
import { Patch, Segment } from './segment.ts'
import type { ShapeBook } from './shape.ts'

/** What a draft is made of. */
export interface Draft {
  readonly id: string
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
  readonly stamp: number
}

/** The entry that the insert of a row would make; it stands in no log. */
export const draftEntry = (
  { id, columns, values, stamp }: Draft,
  writer: Omit<Header, 'since'>,
  shapes: ShapeBook,
): Entry => {
  const segment = new Segment(undefined, { ...writer, since: stamp })
  segment.shapes.push(shapes.insert(columns))
  return new Entry(id, [new Patch(segment, [0, id, 0, ...values])])
}

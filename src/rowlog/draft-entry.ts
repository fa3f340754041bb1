// Draft entries: what a new row would be, to look at before it is staged. Knows no document.
import { Entry } from './entry.ts'
import type { Header } from './format.ts'
import { Patch, Segment } from './segment.ts'
import { type Shape, ShapeBook } from './shape.ts'

/** What a draft is made of. */
export interface Draft {
  readonly id: string
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
  readonly stamp: number
}

/** Makes what the insert of a row would be: an entry that stands in no log. */
export const createDrafts = (writer: Omit<Header, 'since'>): ((draft: Draft) => Entry) => {
  const shapes = new ShapeBook()
  const segments = new Map<Shape, Segment>()
  const segmentOf = (shape: Shape): Segment => {
    const known = segments.get(shape)
    if (known !== undefined) return known
    const segment = new Segment(undefined, { replica: writer.replica, author: writer.author, since: 0 })
    segment.shapes.push(shape)
    segments.set(shape, segment)
    return segment
  }
  return ({ id, columns, values, stamp }) =>
    Entry.only(id, new Patch(segmentOf(shapes.insert(columns)), [0, id, stamp, ...values]))
}

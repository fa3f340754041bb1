// Orders: by columns, each with a direction and a place for missing values, ties by id. Knows no rows but by their columns.
import type { AnyRow, QueryColumn } from './catalog.ts'
import { compareValues, isMissing } from './values.ts'

/** Which way. */
export type Direction = 'asc' | 'desc'

/** One column of an order. */
export interface OrderTerm {
  readonly column: QueryColumn
  readonly direction: Direction
  /** Where rows without a value go. */
  readonly nulls: 'first' | 'last'
}

/** Orders two rows. */
export type Compare = (a: AnyRow, b: AnyRow) => number

/** Where missing values go if nobody says: as if they were above all others. */
export const defaultNulls = (direction: Direction): 'first' | 'last' => (direction === 'asc' ? 'last' : 'first')

/** The comparison that an order means. Ties are broken by id, in the direction of the last column, so that no two rows are equal. */
export const compileOrder = (terms: readonly OrderTerm[]): Compare => {
  const parts = terms.map(compileTerm)
  const byId: Compare = terms.at(-1)?.direction === 'desc' ? (a, b) => compareIds(b, a) : compareIds
  const [first, ...rest] = parts
  if (first === undefined) return byId
  if (rest.length === 0) return (a, b) => first(a, b) || byId(a, b)
  return (a, b) => {
    for (const part of parts) {
      const order = part(a, b)
      if (order !== 0) return order
    }
    return byId(a, b)
  }
}

const compareIds: Compare = ({ id: a }, { id: b }) => (a === b ? 0 : a < b ? -1 : 1)

const compileTerm = ({ column: { read }, direction, nulls }: OrderTerm): Compare => {
  const sign = direction === 'asc' ? 1 : -1
  if (nulls === defaultNulls(direction)) return (a, b) => sign * compareValues(read(a), read(b))
  const missing = nulls === 'first' ? -1 : 1
  return (a, b) => {
    const [left, right] = [read(a), read(b)]
    if (isMissing(left) || isMissing(right))
      return isMissing(left) === isMissing(right) ? 0 : isMissing(left) ? missing : -missing
    return sign * compareValues(left, right)
  }
}

/** Names an order. */
export const keyOfOrder = (terms: readonly OrderTerm[]): string =>
  terms.map(({ column, direction, nulls }) => `${column.name} ${direction} ${nulls}`).join(', ')

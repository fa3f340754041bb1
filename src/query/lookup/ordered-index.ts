// An ordered index: rows sorted by some columns, then id. Knows no conditions, only bounds.
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { type Compare, compileOrder } from '../plan/order.ts'
import { compareValues, HIGHEST, LOWEST } from '../plan/values.ts'
import { SortedSet } from './sorted-set.ts'

/** A place between rows: the values of the first columns, and which side of the rows that have them. */
export interface Bound {
  readonly values: readonly unknown[]
  readonly side: 'before' | 'after'
  /** The row itself, if all values are given. */
  readonly id?: string | undefined
}

/** Rows sorted by columns, ascending, missing values last, ties by id. */
export class OrderedIndex {
  readonly columns: readonly QueryColumn[]
  readonly #compare: Compare
  #rows: SortedSet<AnyRow>

  constructor(columns: readonly QueryColumn[]) {
    this.columns = columns
    this.#compare = compileOrder(columns.map((column) => ({ column, direction: 'asc', nulls: 'last' })))
    this.#rows = new SortedSet(this.#compare)
  }

  /** Takes in all rows of a table. */
  build(rows: Iterable<AnyRow>): void {
    const { read } = this.columns[0] as QueryColumn
    // Sorted with the first column's values at hand: to come by them in each comparison takes most of the time.
    const keyed = Array.from(rows, (row) => ({ key: read(row), row }))
    keyed.sort((a, b) => compareValues(a.key, b.key) || this.#compare(a.row, b.row))
    this.#rows = new SortedSet(
      this.#compare,
      keyed.map(({ row }) => row),
    )
  }

  /** Takes in that a row became another, came, or went. */
  change(was: AnyRow | undefined, is: AnyRow | undefined): void {
    if (was !== undefined && (is === undefined || this.#compare(was, is) !== 0)) this.#rows.delete(was)
    if (is !== undefined) this.#rows.add(is)
  }

  /** The rows between two bounds, in order or in reverse. @param most - No more than so many are wanted. */
  range(low: Bound, high: Bound, isReverse: boolean, most = Number.POSITIVE_INFINITY): readonly AnyRow[] {
    const [bottom, top] = [this.#probe(low), this.#probe(high)]
    return isReverse ? this.#rows.downBetween(top, bottom, most) : this.#rows.between(bottom, top, most)
  }

  /** The rows between two bounds, in order or in reverse, one by one: nobody knows how many will be wanted. */
  *walk(low: Bound, high: Bound, isReverse: boolean): Generator<AnyRow, void, undefined> {
    const [bottom, top] = [this.#probe(low), this.#probe(high)]
    for (const row of isReverse ? this.#rows.downFrom(top) : this.#rows.from(bottom)) {
      if (isReverse ? this.#compare(row, bottom) < 0 : this.#compare(row, top) > 0) return
      yield row
    }
  }

  /** A row that stands where the bound is: no row has such an id. */
  #probe({ values, side, id = side === 'before' ? '' : LAST_ID }: Bound): AnyRow {
    const rest = side === 'before' ? LOWEST : HIGHEST
    const probe: Record<string, unknown> = { id }
    this.columns.forEach(({ name, holds }, at) => {
      const value = at < values.length ? values[at] : rest
      probe[name] = holds === 'date' && typeof value === 'number' ? new Date(value) : value
    })
    return probe as unknown as AnyRow
  }
}

/** Above every id, none of which is longer than 256 characters. */
const LAST_ID = '\uffff'.repeat(257)

// A hash index: rows by the values of some columns. Knows no order.
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { keyOfValues } from '../plan/values.ts'

const NONE: ReadonlySet<AnyRow> = new Set()

/** Rows by the values of one column or several. */
export class HashIndex {
  readonly columns: readonly QueryColumn[]
  readonly #rows = new Map<unknown, Set<AnyRow>>()
  /** Those of more than one row. */
  readonly #shared = new Map<unknown, Set<AnyRow>>()
  readonly #keyOf: (row: AnyRow) => unknown

  constructor(columns: readonly QueryColumn[]) {
    this.columns = columns
    const [first] = columns as [QueryColumn]
    this.#keyOf = columns.length === 1 ? first.read : (row) => keyOfValues(columns.map(({ read }) => read(row)))
  }

  /** The rows with these values, one a column. */
  get(values: readonly unknown[]): ReadonlySet<AnyRow> {
    return this.#rows.get(values.length === 1 ? values[0] : keyOfValues(values)) ?? NONE
  }

  /** The rows that have the same values as one. */
  like(row: AnyRow): ReadonlySet<AnyRow> {
    return this.#rows.get(this.#keyOf(row)) ?? NONE
  }

  /** The rows that have the same values as others, those together. */
  shared(): Iterable<ReadonlySet<AnyRow>> {
    return this.#shared.values()
  }

  /** Takes in all rows of a table. */
  build(rows: Iterable<AnyRow>): void {
    for (const row of rows) this.#add(row)
  }

  /** Takes in that a row became another, came, or went. */
  change(was: AnyRow | undefined, is: AnyRow | undefined): void {
    if (was !== undefined && is !== undefined) {
      const rows = this.#rows.get(this.#keyOf(was))
      if (rows !== undefined && this.#keyOf(was) === this.#keyOf(is) && rows.delete(was)) {
        rows.add(is)
        return
      }
    }
    if (was !== undefined) this.#remove(was)
    if (is !== undefined) this.#add(is)
  }

  #add(row: AnyRow): void {
    const key = this.#keyOf(row)
    const rows = this.#rows.get(key)
    if (rows === undefined) this.#rows.set(key, new Set([row]))
    else if (rows.add(row).size === 2) this.#shared.set(key, rows)
  }

  #remove(row: AnyRow): void {
    const key = this.#keyOf(row)
    const rows = this.#rows.get(key)
    if (!rows?.delete(row)) return
    if (rows.size === 1) this.#shared.delete(key)
    if (rows.size === 0) this.#rows.delete(key)
  }
}

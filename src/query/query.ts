// Queries: rows by equality, once or live. Knows rows and their changes; not where they are kept.
import { MerrowError, show } from '../errors.ts'
import type { Columns, RowOf } from '../schema/index.ts'
import type { RowTable, TableChange } from '../table/index.ts'

type Comparable<T> = T extends string | number | boolean | Date | null | undefined ? T : never

/** Columns and the values that they must have; `undefined` matches rows that lack the column. */
export type Filter<R> = { readonly [K in keyof R]?: Comparable<R[K]> | undefined }

/** What a live query tells: all rows, and how they differ from the last time. */
export interface QueryChange<R> {
  readonly rows: readonly R[]
  readonly added: readonly R[]
  /** Rows as they are now that were in the result before. */
  readonly changed: readonly R[]
  /** Rows as they last were in the result. */
  readonly removed: readonly R[]
}

/** A query over one table. Immutable; nothing is read until it is asked. */
export class Query<C extends Columns> {
  readonly #table: RowTable<C>
  readonly #matches: (row: RowOf<C>) => boolean

  /** @internal Made by `table.where()`. */
  constructor(table: RowTable<C>, columns: readonly string[], filter: Filter<RowOf<C>>) {
    this.#table = table
    this.#matches = compile(table.name, columns, filter)
  }

  /** The rows, in no particular order. */
  all(): RowOf<C>[] {
    const rows: RowOf<C>[] = []
    for (const row of this.#table.rows()) if (this.#matches(row)) rows.push(row)
    return rows
  }

  /** One of the rows; undefined if there is none. */
  first(): RowOf<C> | undefined {
    for (const row of this.#table.rows()) if (this.#matches(row)) return row
    return undefined
  }

  /** How many rows there are. */
  count(): number {
    let count = 0
    for (const row of this.#table.rows()) if (this.#matches(row)) count += 1
    return count
  }

  /**
   * Calls `listener` at once with the current rows (all of them `added`), then once after each transaction that changes them.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: (change: QueryChange<RowOf<C>>) => void): () => void {
    const result = new Map(this.all().map((row) => [row.id, row]))
    const stop = this.#table.subscribe((change) => {
      const difference = this.#apply(result, change)
      if (difference !== undefined) listener({ rows: [...result.values()], ...difference })
    })
    const rows = [...result.values()]
    listener({ rows, added: rows, changed: [], removed: [] })
    return stop
  }

  #apply(
    result: Map<string, RowOf<C>>,
    change: TableChange<RowOf<C>>,
  ): Omit<QueryChange<RowOf<C>>, 'rows'> | undefined {
    const added: RowOf<C>[] = []
    const changed: RowOf<C>[] = []
    const removed: RowOf<C>[] = []
    const leave = (row: RowOf<C>): void => {
      const last = result.get(row.id)
      if (last !== undefined && result.delete(row.id)) removed.push(last)
    }
    for (const row of change.removed) leave(row)
    for (const row of [...change.added, ...change.changed]) {
      if (!this.#matches(row)) leave(row)
      else {
        if (result.has(row.id)) changed.push(row)
        else added.push(row)
        result.set(row.id, row)
      }
    }
    return added.length + changed.length + removed.length === 0 ? undefined : { added, changed, removed }
  }
}

const compile = <R>(table: string, columns: readonly string[], filter: Filter<R>): ((row: R) => boolean) => {
  const conditions = Object.entries(filter).map(([column, value]) => {
    if (!columns.includes(column))
      throw new MerrowError(
        'invalid_argument',
        `where() on table "${table}": there is no column ${show(column)}; the columns are ${columns.join(', ')}.`,
      )
    if (typeof value === 'object' && value !== null && !(value instanceof Date))
      throw new MerrowError(
        'invalid_argument',
        `where() on table "${table}": column "${column}" = ${show(value)}: compare with a string, number, boolean, date, null or undefined.`,
      )
    return [column as keyof R, value instanceof Date ? value.getTime() : value] as const
  })
  return (row) => conditions.every(([column, value]) => comparable(row[column]) === value)
}

const comparable = (value: unknown): unknown => (value instanceof Date ? value.getTime() : value)

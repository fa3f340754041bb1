// Unions: the rows of several tables as one list. Knows tables; not how they are stored, synced or queried. Writes nothing.
import { MerrowError, show } from '../errors.ts'
import type { Table } from '../query/index.ts'
import type { Columns, Row, RowOf, Schema } from '../schema/index.ts'
import type { ColumnsOf, TableSource } from './types.ts'
import { type ViewChange, Watch } from './watch.ts'

/** A table that a union can list: it has no column called `table`. */
export type Listable<S extends Schema> = {
  [N in keyof S['tables'] & string]: 'table' extends keyof ColumnsOf<S, N> ? never : N
}[keyof S['tables'] & string]

type Flat<T> = { [K in keyof T]: T[K] } & {}

/** A row of one of a union's tables, with the table's name: a discriminated union on `table`. */
export type UnionRow<S extends Schema, N extends keyof S['tables']> = N extends N
  ? Flat<{ readonly table: N } & Row<S, N>>
  : never

/**
 * Several tables as one list. Rows are frozen, and the same while the table's row is the same.
 *
 * Read-only: write through the tables, such as `db[row.table].delete(row.id)`.
 */
export class Union<S extends Schema, N extends keyof S['tables'] & string> {
  readonly #tables: ReadonlyMap<string, Table<Columns>>
  readonly #listed = new WeakMap<RowOf<Columns>, UnionRow<S, N>>()
  readonly #watch: Watch<UnionRow<S, N>>

  /** @internal Unions are made by `db.union()`. */
  constructor(tables: readonly Table<Columns>[], onError: (error: unknown) => void) {
    this.#tables = new Map(tables.map((table) => [table.name, table]))
    this.#watch = new Watch({
      tables,
      key: keyOf,
      read: (table, id) => this.get(table as N, id) as UnionRow<S, N> | undefined,
      rows: () => this.all().map((row) => [keyOf(row.table, row.id), row] as const),
      onError,
    })
  }

  /** The rows of all tables, one table after another; soft-deleted ones only if asked for `withDeleted`. */
  all(options: { readonly withDeleted?: boolean } = {}): UnionRow<S, N>[] {
    return [...this.#tables.values()].flatMap((table) =>
      Array.from(table.rows(options), (row) => this.#list(table.name, row)),
    )
  }

  /** The row of one of the tables; undefined if it is unknown there, or soft-deleted. @throws `unknown_table` for a table that is not listed */
  get<T extends N>(table: T, id: string): UnionRow<S, T> | undefined {
    const found = this.#tables.get(table)
    if (found === undefined)
      throw new MerrowError(
        'unknown_table',
        `This union has no table ${show(table)}; it lists ${[...this.#tables.keys()].join(', ')}.`,
      )
    const row = found.get(id)
    return row && (this.#list(table, row) as unknown as UnionRow<S, T>)
  }

  /** The row of the first of the tables that has it; undefined if none does. */
  find(id: string): UnionRow<S, N> | undefined {
    for (const [name, table] of this.#tables) {
      const row = table.get(id)
      if (row !== undefined) return this.#list(name, row)
    }
    return undefined
  }

  /** How many rows there are. */
  count(): number {
    let count = 0
    for (const table of this.#tables.values()) for (const _row of table.rows()) count += 1
    return count
  }

  /**
   * Calls `listener` after each transaction, local or from elsewhere, that changes rows here: once, however many tables it wrote to.
   * A row moved from one table to another is one `removed` and one `added`.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: (change: ViewChange<UnionRow<S, N>>) => void): () => void {
    return this.#watch.subscribe(listener)
  }

  #list(table: string, row: RowOf<Columns>): UnionRow<S, N> {
    let listed = this.#listed.get(row)
    if (listed === undefined) {
      listed = Object.freeze({ table, ...row }) as unknown as UnionRow<S, N>
      this.#listed.set(row, listed)
    }
    return listed
  }
}

/** Table names hold no slash, so that no two rows share a key. */
const keyOf = (table: string, id: string): string => `${table}/${id}`

/**
 * Makes the union that `db.union()` gives.
 *
 * @param source - Whose tables it lists.
 * @param names - The tables, each once; their order is that of `all()` and `find()`.
 * @throws {@link MerrowError} `unknown_table`; `invalid_argument` for no table, one twice, or one with a column called `table`.
 */
export const createUnion = <S extends Schema, N extends Listable<S>>(
  source: TableSource<S>,
  names: readonly N[],
): Union<S, N> => {
  if (!Array.isArray(names) || names.length === 0 || new Set(names).size !== names.length)
    throw new MerrowError(
      'invalid_argument',
      `union(${show(names)}): list one table or more, each once: union(['tasks', 'archivedTasks']).`,
    )
  const tables = names.map((name) => source.table(name))
  for (const { name } of tables)
    if (source.schema.tables[name]?.columnNames.includes('table'))
      throw new MerrowError(
        'invalid_argument',
        `union(): table "${name}" has a column "table", which a union's rows use for the name of their table. Rename the column.`,
        { table: name },
      )
  return new Union<S, N>(tables, source.onError)
}

// The table as apps see it: rows, and queries over them. Adds queries to the table layer, which knows none.
import type { Columns, PatchOf, RowOf } from '../schema/index.ts'
import { type ChunkOptions, RowTable, type TableOptions } from '../table/index.ts'
import { type Filter, Query } from './query.ts'

const META_COLUMNS = ['id', 'createdAt', 'updatedAt', 'updatedBy']

/** A table: `db.tasks`. */
export class Table<C extends Columns> extends RowTable<C> {
  readonly #columns: readonly string[]

  /** @internal Tables are made by `createDatabase`. */
  constructor(options: TableOptions<C>) {
    super(options)
    this.#columns = [...META_COLUMNS, ...options.schema.columnNames]
  }

  /**
   * A query for the rows whose columns have these values.
   *
   * @example db.tasks.where({ done: false }).all()
   * @throws {@link MerrowError} `invalid_argument` for an unknown column or a value that cannot be compared.
   */
  where(filter: Filter<RowOf<C>>): Query<C> {
    return new Query(this, this.#columns, filter)
  }

  /** All rows, in no particular order; soft-deleted ones only if asked for `withDeleted`. */
  all(options: { readonly withDeleted?: boolean } = {}): RowOf<C>[] {
    return [...this.rows(options)]
  }

  /**
   * Writes the same columns to all rows that match, in one transaction. With `{ chunk }` it lets others run between chunks, as
   * `insertMany` does; it writes to the rows that match when it begins.
   *
   * @returns How many rows there were. @throws {@link MerrowError} as `where` and `update`; nothing is written then.
   * @example db.tasks.updateWhere({ projectId }, { done: true })
   */
  updateWhere(filter: Filter<RowOf<C>>, patch: PatchOf<C>): number
  updateWhere(filter: Filter<RowOf<C>>, patch: PatchOf<C>, options: ChunkOptions): Promise<number>
  updateWhere(filter: Filter<RowOf<C>>, patch: PatchOf<C>, options?: ChunkOptions): number | Promise<number> {
    if (options === undefined) return this.#forAll(filter, ({ id }) => this.update(id, patch))
    return this.#inChunks(filter, options, (id) => this.prepareUpdate(id, patch))
  }

  /** Soft-deletes all rows that match, in one transaction; with `{ chunk }` as `updateWhere` does. @returns How many there were. */
  deleteWhere(filter: Filter<RowOf<C>>): number
  deleteWhere(filter: Filter<RowOf<C>>, options: ChunkOptions): Promise<number>
  deleteWhere(filter: Filter<RowOf<C>>, options?: ChunkOptions): number | Promise<number> {
    if (options === undefined) return this.#forAll(filter, ({ id }) => this.delete(id))
    return this.#inChunks(filter, options, (id) => this.prepareDelete(id))
  }

  #forAll(filter: Filter<RowOf<C>>, write: (row: RowOf<C>) => void): number {
    const rows = this.where(filter).all()
    this.together(() => rows.forEach(write))
    return rows.length
  }

  async #inChunks(
    filter: Filter<RowOf<C>>,
    options: ChunkOptions,
    prepare: (id: string) => () => void,
  ): Promise<number> {
    const ids = this.where(filter)
      .all()
      .map(({ id }) => id)
    await this.inChunks(ids, options, prepare)
    return ids.length
  }
}

// The table as apps see it: rows, queries over them, uniqueness, search. Adds these to the table layer, which knows none.
import { MerrowError } from '../errors.ts'
import type { Columns, InsertOf, PatchOf, RowOf, Schema } from '../schema/index.ts'
import { type ChunkOptions, RowTable, type TableOptions } from '../table/index.ts'
import type { OrderOptions, QueryContext } from './context.ts'
import type { GroupQuery } from './group-query.ts'
import { LiveTable } from './live/live-table.ts'
import { Uniqueness } from './lookup/uniqueness.ts'
import { Made } from './made.ts'
import type { AnyRow, TableInfo } from './plan/catalog.ts'
import { readFilter, refuseQuery } from './plan/condition.ts'
import { compilePlan } from './plan/evaluate.ts'
import type { Direction } from './plan/order.ts'
import { planOf } from './plan/plan.ts'
import { Query } from './query.ts'
import { SearchIndex } from './search/search-index.ts'
import { type SearchOptions, SearchQuery } from './search/search-query.ts'
import type * as Types from './types.ts'

/** A table: `db.tasks`. */
export class Table<C extends Columns, S extends Schema = Schema, N extends string = string> extends RowTable<C> {
  readonly #context: QueryContext
  readonly #info: TableInfo
  readonly #live: LiveTable
  readonly #uniqueness: Uniqueness
  #searchIndex: SearchIndex | undefined
  /** The query for all rows, which all others begin with. */
  #whole: Query<S, N, RowOf<C>> | undefined

  /** @internal Tables are made by `createDatabase`. */
  constructor(options: TableOptions<C> & { readonly queries: QueryContext }) {
    super(options)
    const { queries, name, onError } = options
    this.#context = queries
    this.#info = queries.catalog.get(name) as TableInfo
    const access = {
      row: (id: string) => this.get(id, { withDeleted: true }) as unknown as AnyRow | undefined,
      all: (withDeleted: boolean) => this.rows({ withDeleted }) as unknown as Iterable<AnyRow>,
      unannounced: () => unannounced(),
    }
    this.#live = new LiveTable(this.#info, access, (origin) => this.#announced(origin))
    const unannounced = this.feedTo(this.#live.mirror as never)
    this.#uniqueness = new Uniqueness(this.#live, onError)
    queries.engine.join(this.#live)
  }

  /**
   * A query for the rows of which a filter holds.
   *
   * @example db.tasks.where({ done: false, priority: { gte: 2 } }).orderBy('priority', 'desc').limit(20).all()
   * @throws {@link MerrowError} `invalid_argument` for an unknown column or operator, or a value that cannot be compared.
   */
  where(filter: Types.Filter<S, N>): Query<S, N, RowOf<C>> {
    return this.#query().where(filter)
  }

  /** All rows, ordered by a column; see `Query.orderBy`. */
  orderBy(
    column: Types.OrderedColumn<Types.RowIn<S, N>>,
    direction?: Direction,
    options?: OrderOptions,
  ): Query<S, N, RowOf<C>> {
    return this.#query().orderBy(column, direction, options)
  }

  /** All rows by groups, with figures; see `Query.groupBy`. */
  groupBy<
    const K extends Types.OrderedColumn<Types.RowIn<S, N>>,
    const A extends Readonly<Record<string, Types.Aggregate<Types.RowIn<S, N>>>>,
  >(columns: readonly K[], figures: A = {} as A): GroupQuery<Types.GroupRow<Types.RowIn<S, N>, K, A>> {
    return this.#query().groupBy(columns, figures)
  }

  /**
   * The rows whose columns, declared `.search()`, have these words, best first. Letters are compared without case and accents; text in
   * scripts without spaces is cut into words as `Intl.Segmenter` does.
   *
   * @param options - How words are compared, and a filter, `where`.
   * @example db.tasks.search('harbor fair', { prefix: true, fuzzy: true, limit: 20, where: { done: false } }).all()
   * @throws {@link MerrowError} `invalid_argument` if the table declares no such columns, or for options that cannot be.
   */
  search(words: string, options: SearchOptions & { readonly where?: Types.Filter<S, N> } = {}): SearchQuery<RowOf<C>> {
    const { searched } = this.#info.lookups
    if (searched.length === 0)
      throw refuseQuery(
        { table: this.#info, call: 'search()' },
        'it declares no columns to search. Say which: table({ ... }).search(...).',
      )
    const { where = {}, ...how } = options
    const condition = readFilter({ catalog: this.#context.catalog, table: this.#info, call: 'search()' }, where)
    const compiled = compilePlan({ ...planOf(this.#info), condition }, this.#context.engine)
    const index = () => {
      this.#searchIndex ??= new SearchIndex(searched, this.#live)
      return this.#searchIndex
    }
    return new SearchQuery<RowOf<C>>(this.#context.engine, { index, compiled }, words, how)
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
   * @example db.tasks.updateWhere({ dueAt: { lt: new Date() } }, { done: true })
   */
  updateWhere(filter: Types.Filter<S, N>, patch: PatchOf<C>): number
  updateWhere(filter: Types.Filter<S, N>, patch: PatchOf<C>, options: ChunkOptions): Promise<number>
  updateWhere(filter: Types.Filter<S, N>, patch: PatchOf<C>, options?: ChunkOptions): number | Promise<number> {
    if (options === undefined) return this.#forAll(filter, ({ id }) => this.update(id, patch))
    return this.#inChunks(filter, options, (id) => this.prepareUpdate(id, patch))
  }

  /** Soft-deletes all rows that match, in one transaction; with `{ chunk }` as `updateWhere` does. @returns How many there were. */
  deleteWhere(filter: Types.Filter<S, N>): number
  deleteWhere(filter: Types.Filter<S, N>, options: ChunkOptions): Promise<number>
  deleteWhere(filter: Types.Filter<S, N>, options?: ChunkOptions): number | Promise<number> {
    if (options === undefined) return this.#forAll(filter, ({ id }) => this.delete(id))
    return this.#inChunks(filter, options, (id) => this.prepareDelete(id))
  }

  /** Rows that have the same values in columns declared `.unique()`, which merging can bring about. Empty without any. */
  get duplicates(): Uniqueness {
    return this.#uniqueness
  }

  override insert(row: InsertOf<C>): string {
    return this.#unique(() => super.insert(row))
  }

  override insertMany(rows: readonly InsertOf<C>[]): string[]
  override insertMany(rows: readonly InsertOf<C>[], options: ChunkOptions): Promise<string[]>
  override insertMany(rows: readonly InsertOf<C>[], options?: ChunkOptions): string[] | Promise<string[]> {
    if (options === undefined) return this.#unique(() => super.insertMany(rows))
    this.#assertChunkable()
    return super.insertMany(rows, options)
  }

  override update(...given: Parameters<RowTable<C>['update']>): void {
    if (this.#uniqueness.isAsked) this.#unique(() => super.update(...given))
    else super.update(given[0], given[1])
  }

  override upsert(row: InsertOf<C>): string {
    return this.#unique(() => super.upsert(row))
  }

  override restore(id: string): void {
    this.#unique(() => super.restore(id))
  }

  /** @internal Says whether rows are on their way from storage, for those who follow queries. */
  setLoading(isLoading: boolean): void {
    this.#context.engine.setLoading(this.name, isLoading)
  }

  #unique<T>(write: () => T): T {
    if (!this.#uniqueness.isAsked) return write()
    return this.atomically(() => this.#uniqueness.check(write))
  }

  #query(): Query<S, N, RowOf<C>> {
    this.#whole ??= new Query<S, N, RowOf<C>>(this.#context, planOf(this.#info), new Made())
    return this.#whole
  }

  #announced(origin: 'local' | 'remote'): void {
    this.#uniqueness.tell()
    // What is written here may be one transaction over several tables: the end of it is told elsewhere.
    if (origin === 'remote') this.#context.engine.refresh()
  }

  #forAll(filter: Types.Filter<S, N>, write: (row: { readonly id: string }) => void): number {
    const rows = this.where(filter).all() as readonly { readonly id: string }[]
    this.together(() => rows.forEach(write))
    return rows.length
  }

  async #inChunks(
    filter: Types.Filter<S, N>,
    options: ChunkOptions,
    prepare: (id: string) => () => void,
  ): Promise<number> {
    this.#assertChunkable()
    const rows = this.where(filter).all() as readonly { readonly id: string }[]
    await this.inChunks(
      rows.map(({ id }) => id),
      options,
      prepare,
    )
    return rows.length
  }

  /** What is written in chunks cannot be taken back once a later one turns out to be double. */
  #assertChunkable(): void {
    if (this.#uniqueness.isAsked)
      throw new MerrowError(
        'unsupported',
        `Table "${this.name}" has unique columns, and writes in chunks cannot be checked against one another. Leave out { chunk }: nothing was written.`,
        { table: this.name },
      )
  }
}

// Views: one object spread over several tables, keyed by one id. Knows tables; not how they are stored, synced or queried.
import { MerrowError, show } from '../errors.ts'
import type { Schema } from '../schema/index.ts'
import { createDraft, diffDraft } from '../table/draft.ts'
import { assertRecord, type Merged, type MergeOptions, mergeColumns, valueIn } from './merge.ts'
import { type AnyRow, Objects } from './objects.ts'
import { type Part, readParts } from './parts.ts'
import { assertColumns, insertShares, shareOf, writeShare } from './shares.ts'
import type * as Types from './types.ts'
import { type ViewChange, Watch } from './watch.ts'

/** What `db.view` takes beside its columns. */
export interface ViewOptions<A> {
  /** The table whose row makes the object exist; the first one if left out. Named, its columns are typed as always there. */
  readonly anchor?: A
}

/**
 * One object spread over several tables, with a row in each under one id. It exists while its anchor row does.
 *
 * Reads are synchronous and see this replica's own writes at once. Every write goes through the tables, in one transaction.
 * Any object can be a record: `split` says what it holds for which table, and `merge` fills its gaps or overrides it.
 */
export class View<S extends Schema, P, A = never> {
  readonly #source: Types.TableSource
  readonly #parts: readonly Part[]
  readonly #anchor: Part
  readonly #names: readonly string[]
  readonly #label: string
  readonly #objects: Objects
  readonly #watch: Watch<Types.ViewRow<S, P, A>>

  /** @internal Views are made by `db.view()`. */
  constructor(source: Types.TableSource, parts: readonly Part[], anchor: Part) {
    this.#source = source
    this.#parts = parts
    this.#anchor = anchor
    this.#names = parts.flatMap(({ columns }) => columns.map(([name]) => name))
    this.#label = `View of ${parts.map(({ table }) => table.name).join(', ')}`
    this.#objects = new Objects(parts, anchor, (id) => this.#watch.lastTold(id) as never)
    this.#watch = new Watch({
      tables: parts.map(({ table }) => table),
      key: (_table, id) => id,
      read: (_table, id) => this.get(id),
      rows: () => this.all().map((row) => [(row as { readonly id: string }).id, row] as const),
      onError: source.onError,
    })
  }

  /** The object, frozen, and the same one while its rows are the same; undefined while it has no anchor row, or a soft-deleted one. */
  get(id: string): Types.ViewRow<S, P, A> | undefined {
    const anchor = this.#anchor.table.get(id)
    return anchor && this.#show(anchor)
  }

  /** All objects, in no particular order. */
  all(): Types.ViewRow<S, P, A>[] {
    return Array.from(this.#anchor.table.rows(), (anchor) => this.#show(anchor))
  }

  /**
   * Inserts an object: each table's share, under one id. The anchor always gets a row; another table if the object has a value for it.
   *
   * @returns Its id: the given one, or a new one.
   * @throws {@link MerrowError} `invalid_value`, or `row_exists` if one of these tables has that id. Nothing is written then.
   */
  insert(object: Types.ViewInsert<S, P, A>): string {
    assertColumns(`${this.#label}, insert`, ['id', ...this.#names], object)
    return this.#source.transact(() => insertShares(this.#parts, this.#anchor, object, 'insert'))
  }

  /**
   * Changes some columns of an object, in the tables that these belong to alone. If it has a value for a table without a row
   * for the object, or with a soft-deleted one, that table gets one, or gets it back.
   *
   * @param change - The columns to write, or a function that changes a draft of the object.
   * @throws {@link MerrowError} `row_not_found` without an anchor row; `invalid_value`, also if a row that has to be made would
   * lack a required column. Nothing is written then.
   */
  update(id: string, change: Types.ViewPatch<S, P> | ((draft: Types.ViewDraft<S, P, A>) => void)): void {
    const anchor = this.#require(id, 'update')
    const patch = typeof change === 'function' ? this.#draw(anchor, change) : change
    assertColumns(`${this.#label}, update of ${show(id)}`, this.#names, patch)
    this.#write(anchor, patch)
  }

  /**
   * Inserts an object, or changes the one with its id where the given one differs, restoring it if it was soft-deleted. Columns that
   * hold the given value already are not written, so others' changes to them stand.
   *
   * @returns Its id.
   * @throws {@link MerrowError} `invalid_value`. Nothing is written then.
   *
   * @example
   * view.upsert(view.merge(id, imported, { override: true }))
   */
  upsert(object: Types.ViewInsert<S, P, A>): string {
    assertColumns(`${this.#label}, upsert`, ['id', ...this.#names], object)
    return this.#source.transact(() => {
      const id = valueIn(object, 'id') as string
      const known = this.#anchor.table.get(id, { withDeleted: true })
      if (known === undefined) return insertShares(this.#parts, this.#anchor, object, 'upsert')
      if (known.deletedAt !== undefined) this.restore(id)
      const anchor = this.#require(id, 'upsert')
      this.#write(anchor, diffDraft(this.#objects.of(anchor), mergeColumns(this.#names, object, {}, false)))
      return id
    })
  }

  /** Soft-deletes an object: its rows in all tables that have one. @throws `row_not_found` without an anchor row */
  delete(id: string): void {
    this.#forEachRow(id, 'delete')
  }

  /** Brings a soft-deleted object back: its rows in all tables that have one. @throws `row_not_found` without an anchor row */
  restore(id: string): void {
    this.#forEachRow(id, 'restore')
  }

  /**
   * Calls `listener` after each transaction, local or from elsewhere, that changes objects here: once, however many tables it wrote
   * to. Tables of a transaction made elsewhere may arrive, and be told, one by one.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: (change: ViewChange<Types.ViewRow<S, P, A>>) => void): () => void {
    return this.#watch.subscribe(listener)
  }

  /**
   * Merges a record with another, both of any shape, in the columns of this view. Writes nothing: `insert` or `upsert` take the result.
   *
   * @param record - An object that holds columns, or the id of one that is here.
   * @param other - What fills the gaps of `record` or, with `override`, replaces what it holds. Its own gaps replace nothing.
   * @returns A new frozen record of this view's columns alone, with the id of `record`, else of `other`.
   * @throws {@link MerrowError} `row_not_found` for an unknown id, `invalid_argument` for what is no object.
   */
  merge<B extends Types.ViewRecord<P>, const O extends boolean = false>(
    record: string,
    other: B,
    options?: MergeOptions<O>,
  ): Merged<Types.ViewRow<S, P, A>, Types.Held<B, P>, O>
  merge<R extends Types.ViewRecord<P>, B extends Types.ViewRecord<P>, const O extends boolean = false>(
    record: R,
    other: B,
    options?: MergeOptions<O>,
  ): Merged<Types.Held<R, P>, Types.Held<B, P>, O>
  merge(record: object | string, other: object, options: MergeOptions = {}): object {
    const own = typeof record === 'string' ? this.#objects.of(this.#require(record, 'merge')) : record
    assertRecord(own, 'merge()')
    assertRecord(other, 'merge()')
    return mergeColumns(['id', ...this.#names], own, other, options.override === true)
  }

  /**
   * What a record of any shape holds for which table: under the table's own column names, with the record's id, as `upsert` of
   * that table takes it. Gaps, and what belongs to none of these tables, are left out.
   */
  split(record: Types.ViewRecord<P>): Types.Shares<S, P> {
    assertRecord(record, 'split()')
    const id = valueIn(record, 'id')
    const shares = this.#parts.map((part): [string, object] => {
      const share = shareOf(part, record)
      return [part.table.name, Object.freeze(id === undefined ? share : { id, ...share })]
    })
    return Object.freeze(Object.fromEntries(shares)) as Types.Shares<S, P>
  }

  #show(anchor: AnyRow): Types.ViewRow<S, P, A> {
    return this.#objects.of(anchor) as unknown as Types.ViewRow<S, P, A>
  }

  #require(id: string, what: string): AnyRow {
    const { table } = this.#anchor
    const row = table.get(id, { withDeleted: true })
    if (row === undefined)
      throw new MerrowError(
        'row_not_found',
        `${this.#label}: its anchor, table "${table.name}", has no row ${show(id)} to ${what}. Insert it first, or use upsert().`,
        { table: table.name, id },
      )
    return row
  }

  #draw(anchor: AnyRow, change: (draft: Types.ViewDraft<S, P, A>) => void): object {
    const object = this.#objects.of(anchor)
    const draft = createDraft(object, this.#names)
    change(draft as Types.ViewDraft<S, P, A>)
    return diffDraft(object, draft)
  }

  #write(anchor: AnyRow, patch: object): void {
    this.#source.transact(() => {
      for (const part of this.#parts) writeShare(part, anchor, patch)
    })
  }

  #forEachRow(id: string, what: 'delete' | 'restore'): void {
    this.#require(id, what)
    this.#source.transact(() => {
      for (const { table } of this.#parts) if (table.get(id, { withDeleted: true }) !== undefined) table[what](id)
    })
  }
}

/**
 * Makes the view that `db.view()` gives.
 *
 * @param source - Whose tables it stands on.
 * @param parts - Table name -> its columns, as a list or under new names, `{ newName: 'column' }`.
 * @throws {@link MerrowError} `unknown_table`; `invalid_argument` for a column that is unknown or shown twice, or a name that is taken.
 */
export const createView = <S extends Schema, const P extends Types.Parts<S>, const A extends keyof P & string = never>(
  source: Types.TableSource<S>,
  parts: P & Types.CheckedParts<S, P>,
  options: ViewOptions<A> = {},
): View<S, P, A> => {
  const read = readParts(source, parts)
  const anchor = options.anchor === undefined ? read[0] : read.find(({ table }) => table.name === options.anchor)
  if (anchor === undefined)
    throw new MerrowError(
      'invalid_argument',
      `view({ ... }, { anchor: ${show(options.anchor)} }): the anchor is one of its tables, ${Object.keys(parts).join(' or ')}.`,
    )
  return new View<S, P, A>(source, read, anchor)
}

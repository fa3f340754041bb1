// Rows of one table: reading, writing, and telling of changes. Knows the row log and the columns; not queries, storage or network.
import { MerrowError, show } from '../errors.ts'
import { isCreated, isDeleted, type RowChanges, type RowLog } from '../rowlog/index.ts'
import type { Columns, DraftOf, InsertOf, PatchOf, RowOf, StoredFields, TableSchema } from '../schema/index.ts'
import type { RowStatus } from '../status.ts'
import { describeChange, type Origin, type TableChange, visible } from './changes.ts'
import { ConflictFinder } from './conflict-finder.ts'
import type { Conflict, ConflictingWrite, ConflictSource, Conflicts } from './conflicts.ts'
import { createDraft, diffDraft } from './draft.ts'
import { type HistoryEntry, historyOf } from './history.ts'
import { type AfterWrite, type BeforeWrite, Hooks, type WriteKind } from './hooks.ts'
import { RowBuilder } from './row-builder.ts'
import { RowWriter } from './row-writer.ts'
import type { UndoStack } from './undo.ts'
import type { WriteBatch } from './write-batch.ts'

/** What a table is given to work with. */
export interface TableOptions<C extends Columns> {
  readonly name: string
  readonly schema: TableSchema<C>
  readonly log: RowLog
  readonly batch: WriteBatch
  readonly undo: UndoStack
  readonly conflicts: Conflicts
  readonly makeId: () => string
  /** How a row stands with its backend. */
  readonly statusOf: (id: string) => RowStatus
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Told of errors that listeners throw. */
  readonly onError: (error: unknown) => void
}

type Loose = Readonly<Record<string, unknown>>

const MAX_ID_LENGTH = 256

/** The rows of one table. Reads are synchronous and see this replica's own writes at once. */
export class RowTable<C extends Columns> implements ConflictSource {
  /** The table's name in the schema. */
  readonly name: string
  readonly #schema: TableSchema<C>
  readonly #log: RowLog
  readonly #batch: WriteBatch
  readonly #undo: UndoStack
  readonly #makeId: () => string
  readonly #statusOf: (id: string) => RowStatus
  readonly #now: () => number
  readonly #onError: (error: unknown) => void
  readonly #rows: RowBuilder<RowOf<C>>
  readonly #writer: RowWriter
  readonly #finder: ConflictFinder
  readonly #conflicts: Conflicts
  readonly #hooks: Hooks<C>
  readonly #listeners = new Set<(change: TableChange<RowOf<C>>) => void>()

  /** @internal Tables are made by `createDatabase`. */
  constructor({ name, schema, log, batch, undo, conflicts, makeId, statusOf, now, onError }: TableOptions<C>) {
    this.name = name
    this.#schema = schema
    this.#log = log
    this.#batch = batch
    this.#undo = undo
    this.#makeId = makeId
    this.#statusOf = statusOf
    this.#now = now
    this.#onError = onError
    this.#rows = new RowBuilder(schema, onError)
    this.#writer = new RowWriter({ name, schema, log, batch, undo, now })
    this.#finder = new ConflictFinder(name, schema, log)
    this.#conflicts = conflicts
    this.#hooks = new Hooks(onError)
    conflicts.join(name, this)
    batch.join({ log, announce: (origin) => this.#announceOwn(origin, log.takeLocalChanges()) })
    log.onRemoteChange((changes) => this.#announce('remote', changes))
  }

  /**
   * Inserts a row. It is visible at once, and durable when `db.saved()` resolves.
   *
   * @returns Its id: the given one, or a new UUIDv7.
   * @throws {@link MerrowError} `invalid_value` naming each faulty column; `row_exists` if the id is taken, even by a
   * soft-deleted row. Nothing is written then.
   */
  insert(row: InsertOf<C>): string {
    this.#batch.assertOpen()
    const given = this.#hooked('insert', undefined, undefined, row as Loose)
    const fields = this.#schema.storeInsert(this.name, given)
    const id = this.#freeId(given)
    this.#writer.insert(id, fields)
    return id
  }

  /**
   * Inserts rows, all or none.
   *
   * @returns Their ids, in order.
   * @throws {@link MerrowError} as {@link insert}, naming the first row at fault.
   */
  insertMany(rows: readonly InsertOf<C>[]): string[] {
    this.#batch.assertOpen()
    const ids = new Set<string>()
    const stored = rows.map((row) => {
      const given = this.#hooked('insert', undefined, undefined, row as Loose)
      const fields = this.#schema.storeInsert(this.name, given)
      ids.add(this.#freeId(given, ids))
      return fields
    })
    return this.together(() =>
      Array.from(ids, (id, at) => {
        this.#writer.insert(id, stored[at] as StoredFields)
        return id
      }),
    )
  }

  /**
   * Changes some columns of a row; concurrent changes of other columns are kept. A soft-deleted row takes it too, and shows it once restored.
   *
   * @param change - The columns to write, or a function that changes a draft of the row.
   * @throws {@link MerrowError} `row_not_found`, or `invalid_value` naming each faulty column. Nothing is written then.
   */
  update(id: string, change: PatchOf<C> | ((draft: DraftOf<C>) => void)): void {
    this.#batch.assertOpen()
    const row = this.#require(id, 'update')
    const patch =
      typeof change === 'function' ? this.#draw(row, change as (draft: DraftOf<C>) => void) : (change as Loose)
    this.#stagePatch(id, patch)
  }

  /**
   * Inserts a row, or changes the row with its id to these columns, restoring it if it was soft-deleted.
   *
   * @returns Its id.
   * @throws {@link MerrowError} `invalid_value`
   */
  upsert(row: InsertOf<C>): string {
    const { id, ...columns } = row as Loose
    if (id === undefined || !this.#isCreated(this.#newId(id))) return this.insert(row)
    this.together(() => {
      this.#stagePatch(id as string, columns)
      this.restore(id as string)
    })
    return id as string
  }

  /** Soft-deletes a row: reads pass it over until it is restored. Does nothing to one that is deleted already. @throws `row_not_found` */
  delete(id: string): void {
    this.#setDeleted(id, 'delete', this.#now())
  }

  /** Brings a soft-deleted row back, with all that was written meanwhile. Does nothing to one that is not deleted. @throws `row_not_found` */
  restore(id: string): void {
    this.#setDeleted(id, 'restore', null)
  }

  /**
   * Removes a row for good, here and everywhere: its content leaves the document, and a stamped note stays that voids whatever was
   * written to it before. What others write to it meanwhile is kept and counted, and not shown. Not undone.
   *
   * @throws `row_not_found`
   */
  purge(id: string): void {
    this.#batch.assertOpen()
    this.#hooked('purge', id, this.#require(id, 'purge'), {})
    this.#writer.purge(id)
  }

  /**
   * Purges the rows that were soft-deleted some time ago.
   *
   * @param options.olderThanMs - How long ago at least, in milliseconds.
   * @returns How many there were.
   */
  purgeDeleted({ olderThanMs }: { readonly olderThanMs: number }): number {
    const limitMs = this.#now() - olderThanMs
    const old = [...this.rows({ withDeleted: true })].filter(({ deletedAt }) => (deletedAt ?? Infinity) <= limitMs)
    this.together(() => old.forEach(({ id }) => this.purge(id)))
    return old.length
  }

  /** The row, frozen; undefined if it is unknown, or soft-deleted and not asked for `withDeleted`. */
  get(id: string, options: { readonly withDeleted?: boolean } = {}): RowOf<C> | undefined {
    const row = this.#rows.row(this.#log.entries.get(id))
    return options.withDeleted === true ? row : visible(row)
  }

  /** Who wrote which column of a row when, newest first, as far as it is kept: see `keepHistory`. Empty if the row is unknown. */
  history(id: string): readonly HistoryEntry[] {
    const entry = this.#log.entries.get(id)
    return entry === undefined || !isCreated(entry) ? [] : historyOf(entry, this.#schema)
  }

  /** How a row stands with its backend: see `connectBackend` of `merrow/backend`. `backend.status.subscribe` tells when it may have changed. */
  status(id: string): RowStatus {
    return this.#statusOf(id)
  }

  /** All rows, in no particular order; soft-deleted ones only if asked for `withDeleted`. */
  *rows({ withDeleted = false }: { readonly withDeleted?: boolean } = {}): Generator<RowOf<C>, void, undefined> {
    for (const entry of this.#log.entries.values()) {
      const known = this.#rows.row(entry)
      const row = withDeleted ? known : visible(known)
      if (row !== undefined) yield row
    }
  }

  /**
   * Calls `listener` once after each transaction, local or from elsewhere, that changed rows here.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: (change: TableChange<RowOf<C>>) => void): () => void {
    const own = (change: TableChange<RowOf<C>>): void => listener(change)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /**
   * Adds a hook around every write.
   *
   * - `before('write')` runs before a local insert, update, delete or restore is checked. It may return other values to write, or
   *   throw to refuse the write: then nothing of it, or of the transaction that it is in, is written.
   * - `after('write')` runs once a transaction is through, for each row that it changed, wherever it came from. What it throws is
   *   reported, and undoes nothing.
   *
   * @returns A function that removes it.
   */
  before(_cut: 'write', hook: BeforeWrite<C>): () => void {
    return this.#hooks.addBefore(hook)
  }

  /** Adds a hook after every write; see {@link before}. */
  after(_cut: 'write', hook: AfterWrite<C>): () => void {
    return this.#hooks.addAfter(hook)
  }

  /** @internal Its conflicts, for `db.conflicts`. */
  conflicts(): readonly Conflict[] {
    return this.#finder.list()
  }

  /** @internal Writes a value over all the writes of a conflict, for `db.conflicts`. */
  resolve({ id, column }: Conflict, choice: ConflictingWrite | { readonly value: unknown }): void {
    this.#batch.assertOpen()
    this.#require(id, 'resolve')
    if ('isMine' in choice) this.#writer.update(id, { columns: [column], values: [this.#finder.storedOf(choice)] })
    else this.#stagePatch(id, { [column]: choice.value })
  }

  /** Runs work as one transaction and one step for undo. */
  protected together<T>(work: () => T): T {
    return this.#undo.step(undefined, () => this.#batch.transact(work))
  }

  /** The id of a row to be inserted, which neither the table has nor the rows inserted with it. */
  #freeId(row: Loose, others?: ReadonlySet<string>): string {
    const id = this.#newId(row['id'])
    if (!this.#isCreated(id) && others?.has(id) !== true) return id
    throw new MerrowError(
      'row_exists',
      `Table "${this.name}" has a row "${id}" already, or was given it twice. Use upsert() to write it either way.`,
      { table: this.name, id },
    )
  }

  #newId(given: unknown): string {
    if (given === undefined) return this.#makeId()
    if (typeof given === 'string' && given !== '' && given.length <= MAX_ID_LENGTH) return given
    const reason = `Give a string of 1 to ${MAX_ID_LENGTH} characters, or none to have one made.`
    throw new MerrowError(
      'invalid_value',
      `Table "${this.name}": id = ${show(given)}: ${reason} Nothing was written.`,
      {
        table: this.name,
        faults: [{ column: 'id', value: given, reason }],
      },
    )
  }

  #isCreated(id: string): boolean {
    const entry = this.#log.entries.get(id)
    return entry !== undefined && isCreated(entry)
  }

  #require(id: string, what: string): RowOf<C> {
    const row = this.#rows.row(this.#log.entries.get(id))
    if (row === undefined)
      throw new MerrowError(
        'row_not_found',
        `Table "${this.name}" has no row ${show(id)} to ${what}. Insert it first, or use upsert().`,
        {
          table: this.name,
          id,
        },
      )
    return row
  }

  #draw(row: RowOf<C>, change: (draft: DraftOf<C>) => void): Loose {
    const draft = createDraft(row, this.#schema.columnNames)
    change(draft as DraftOf<C>)
    return diffDraft(row, draft)
  }

  #stagePatch(id: string, patch: Loose): void {
    const given = this.#hooked('update', id, this.#rows.row(this.#log.entries.get(id)), patch)
    this.#writer.update(id, this.#schema.storePatch(this.name, id, given))
  }

  #setDeleted(id: string, what: 'delete' | 'restore', value: number | null): void {
    this.#batch.assertOpen()
    const row = this.#require(id, what)
    const entry = this.#log.entries.get(id)
    if (entry === undefined || isDeleted(entry) === (value !== null)) return
    this.#hooked(what, id, row, {})
    this.#writer.setDeleted(id, value)
  }

  #hooked(kind: WriteKind, id: string | undefined, before: RowOf<C> | undefined, values: Loose): Loose {
    // What a backend holds has been accepted already.
    return this.#hooks.isEmpty || this.#batch.origin === 'backend'
      ? values
      : this.#hooks.before({ kind, table: this.name, id, before, values })
  }

  /** What undo and redo wrote is told apart from other local writes. */
  #announceOwn(origin: Origin, changes: RowChanges): void {
    const reverted = this.#writer.takeReverted()
    if (reverted.size === 0) return this.#announce(origin, changes)
    const isReverted = ([id]: readonly [string, unknown]): boolean => reverted.has(id)
    this.#announce(origin, new Map([...changes].filter((change) => !isReverted(change))))
    this.#announce('undo', new Map([...changes].filter(isReverted)))
  }

  #announce(origin: Origin, changes: RowChanges): void {
    if (changes.size === 0) return
    this.#finder.look(changes.keys())
    if (this.#finder.takeChanged()) this.#conflicts.announce()
    for (const [id, before] of this.#hooks.hearsAfter ? changes : []) {
      const [was, is] = [this.#rows.row(before), this.#rows.row(this.#log.entries.get(id))]
      if (was !== is) this.#hooks.after({ table: this.name, id, before: was, after: is, origin })
    }
    if (this.#listeners.size === 0) return
    const change = describeChange(origin, changes, {
      before: (entry) => this.#rows.row(entry),
      now: (id) => this.#rows.row(this.#log.entries.get(id)),
    })
    if (change === undefined) return
    for (const listener of [...this.#listeners]) {
      try {
        listener(change)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}

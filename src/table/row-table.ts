// Rows of one table: reading and writing. Knows the row log and the columns; not queries, storage or network.
import { MerrowError, show } from '../errors.ts'
import { isCreated, isDeleted, type LogStats, type TableLog } from '../rowlog/index.ts'
import {
  type Columns,
  type DraftOf,
  type InsertOf,
  type PatchOf,
  type RowOf,
  TABLE_RECORD,
  type TableSchema,
} from '../schema/index.ts'
import type { RowStatus } from '../status.ts'
import { Announcer } from './announcer.ts'
import { BulkWriter, type ChunkOptions } from './bulk.ts'
import { type TableChange, visible } from './changes.ts'
import { ConflictFinder } from './conflict-finder.ts'
import type { Conflict, ConflictingWrite, ConflictSource, Conflicts } from './conflicts.ts'
import { createDraft, diffDraft } from './draft.ts'
import { type HistoryEntry, historyOf } from './history.ts'
import { type AfterWrite, type BeforeWrite, Hooks, type WriteKind } from './hooks.ts'
import { type RowFacts, type SyncMeta, syncMetaOf } from './meta.ts'
import { RowBuilder } from './row-builder.ts'
import type { RowFeed } from './row-feed.ts'
import { assertRowId } from './row-id.ts'
import { RowWriter } from './row-writer.ts'
import type { UndoStack } from './undo.ts'
import type { WriteBatch } from './write-batch.ts'

/** What a table is given to work with. */
export interface TableOptions<C extends Columns> {
  readonly name: string
  readonly schema: TableSchema<C>
  readonly log: TableLog
  readonly batch: WriteBatch
  readonly undo: UndoStack
  readonly conflicts: Conflicts
  readonly makeId: () => string
  /** How far its writes have come, and what a backend says of its rows. */
  readonly facts: RowFacts
  /** How a row stands with its backend. */
  readonly statusOf: (id: string) => RowStatus
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Told of errors that listeners throw. */
  readonly onError: (error: unknown) => void
}

/** What a table is made of, for watching that it stays small: `db.stats()`. */
export interface TableStats extends LogStats {
  /** Pieces of the document that could not be read, since it was opened; they are left as they are. */
  readonly refused: number
  /** When this run last dropped segments of the document, in milliseconds since the epoch; undefined if it has not. */
  readonly lastCompactionMs: number | undefined
}

const NO_ROWS = new Set([TABLE_RECORD])

type Loose = Readonly<Record<string, unknown>>

/** The rows of one table. Reads are synchronous and see this replica's own writes at once. */
export class RowTable<C extends Columns> implements ConflictSource {
  /** The table's name in the schema. */
  readonly name: string
  /** @internal Tells the id that a backend gave to a row; set by whoever connects one. */
  remoteIdOf: ((id: string) => string | undefined) | undefined
  readonly #schema: TableSchema<C>
  readonly #log: TableLog
  readonly #batch: WriteBatch
  readonly #undo: UndoStack
  readonly #makeId: () => string
  readonly #facts: RowFacts
  readonly #statusOf: (id: string) => RowStatus
  readonly #now: () => number
  readonly #rows: RowBuilder<RowOf<C>>
  readonly #writer: RowWriter
  readonly #finder: ConflictFinder
  readonly #hooks: Hooks<C>
  readonly #bulk: BulkWriter<RowOf<C>>
  readonly #announcer: Announcer<C>

  /** @internal Tables are made by `createDatabase`. */
  constructor({ name, schema, log, batch, undo, conflicts, makeId, facts, statusOf, now, onError }: TableOptions<C>) {
    this.name = name
    this.#schema = schema
    this.#log = log
    this.#batch = batch
    this.#undo = undo
    this.#makeId = makeId
    this.#facts = facts
    this.#statusOf = statusOf
    this.#now = now
    this.#rows = new RowBuilder(schema, onError)
    this.#hooks = new Hooks(onError)
    this.#finder = new ConflictFinder(name, schema, log)
    const announcer = new Announcer<C>({
      name,
      log,
      rows: this.#rows,
      finder: this.#finder,
      conflicts,
      hooks: this.#hooks,
      settle: (changes) => this.#bulk.settle(changes),
      onError,
    })
    this.#announcer = announcer
    this.#writer = new RowWriter({ name, schema, log, batch, undo, now, onWrite: (id) => announcer.touch(id) })
    this.#bulk = new BulkWriter({
      log,
      batch,
      undo,
      describe: (changes) => announcer.describe('local', changes),
      announce: (changes, described) => announcer.announce('local', changes, described),
    })
    conflicts.join(name, this)
    batch.join({
      log,
      announce: () => announcer.announceLocal(log.takeLocalChanges(), this.#writer.takeOrigins()),
      rolledBack: () => announcer.rolledBack(),
    })
    log.onRemoteChange((changes) => announcer.announceForeign('remote', changes))
    log.onShown?.((changes) => announcer.announceForeign('partition', changes))
  }

  /**
   * Inserts a row. It is visible at once, and durable when `db.saved()` resolves.
   *
   * @returns Its id: the given one, or a new one (a UUIDv7, unless the database makes others).
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
   * With `{ chunk }` it takes its time and lets others run between chunks: all rows are checked first, then written chunk by chunk, as
   * one step for undo, one append to storage, and one notification at the end. Reads, and other replicas, see the chunks as they come. A
   * process that dies meanwhile has stored nothing of it, but what had gone to a relay by then comes back from there. An id that is
   * taken between check and write is written over, as if both had been inserted at once.
   *
   * @returns Their ids, in order; with `{ chunk }`, once all are written.
   * @throws {@link MerrowError} as {@link insert}, naming the first row at fault; nothing is written then. With `{ chunk }`, `read_only`
   * if another replica makes the data so meanwhile: the chunks until then stay.
   */
  insertMany(rows: readonly InsertOf<C>[]): string[]
  insertMany(rows: readonly InsertOf<C>[], options: ChunkOptions): Promise<string[]>
  insertMany(rows: readonly InsertOf<C>[], options?: ChunkOptions): string[] | Promise<string[]> {
    this.#batch.assertOpen()
    const ids = new Set<string>()
    const prepare = (row: InsertOf<C>): (() => void) => {
      const given = this.#hooked('insert', undefined, undefined, row as Loose)
      const fields = this.#schema.storeInsert(this.name, given)
      const id = this.#freeId(given, ids)
      ids.add(id)
      return () => this.#writer.insert(id, fields)
    }
    if (options !== undefined) return this.inChunks(rows, options, prepare).then(() => [...ids])
    const writes = rows.map(prepare)
    this.together(() => writes.forEach((write) => void write()))
    return [...ids]
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

  /**
   * What is known of a row beside its columns: who made and last wrote it, whether this device's writes of it are saved and on the
   * relay's disk, and the id that a backend gave it. Put together on call; soft-deleted rows have it too.
   *
   * @returns undefined if the row is unknown.
   */
  meta(id: string): SyncMeta | undefined {
    const entry = this.#log.entries.get(id)
    const row = this.#rows.row(entry)
    if (entry === undefined || row === undefined) return undefined
    return syncMetaOf(entry, row, { log: this.#log, facts: this.#facts, remoteId: this.remoteIdOf?.(id) })
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
    return this.#announcer.subscribe(listener)
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

  /** @internal What it is made of, for `db.stats()`. */
  stats(): TableStats {
    const { refused, lastCompactionMs } = this.#log
    return { ...this.#log.stats(NO_ROWS), refused, lastCompactionMs }
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

  /** Checks and writes in chunks, as one step for undo and one notification. */
  protected inChunks<T>(items: Iterable<T>, options: ChunkOptions, prepare: (item: T) => () => void): Promise<void> {
    return this.#bulk.write(items, options, prepare)
  }

  /** Checks the update of a row. @returns what writes it, unless the row is gone by then. */
  protected prepareUpdate(id: string, patch: Loose): () => void {
    const given = this.#hooked('update', id, this.#require(id, 'update'), patch)
    const fields = this.#schema.storePatch(this.name, id, given)
    return () => {
      if (this.#isCreated(id)) this.#writer.update(id, fields)
    }
  }

  /** Checks the soft delete of a row. @returns what writes it, unless the row is gone or deleted by then. */
  protected prepareDelete(id: string): () => void {
    this.#hooked('delete', id, this.#require(id, 'delete'), {})
    const timeMs = this.#now()
    return () => {
      const entry = this.#log.entries.get(id)
      if (entry !== undefined && isCreated(entry) && !isDeleted(entry)) this.#writer.setDeleted(id, timeMs)
    }
  }

  /** Keeps `feed` told of every row that changes. @returns Ids of the rows that subscribers have not been told of yet. */
  protected feedTo(feed: RowFeed<RowOf<C>>): () => Iterable<string> {
    this.#announcer.feedTo(feed)
    return () => this.#log.unannounced()
  }

  /** Runs work; if it throws, what it wrote is taken back. */
  protected atomically<T>(work: () => T): T {
    return this.#batch.transact(work)
  }

  /** Runs work as one transaction and one step for undo. */
  protected together<T>(work: () => T): T {
    return this.#undo.step(undefined, () => this.#batch.transact(work))
  }

  /** The id of a row to be inserted, which neither the table has nor the rows inserted with it. */
  #freeId(row: Loose, others?: ReadonlySet<string>): string {
    const isFree = (id: string): boolean => !this.#isCreated(id) && others?.has(id) !== true
    const given = row['id']
    let id = this.#newId(given)
    // One that is made may be taken where the clock was set back between two runs.
    while (given === undefined && !isFree(id)) id = this.#makeId()
    if (isFree(id)) return id
    throw new MerrowError(
      'row_exists',
      `Table "${this.name}" has a row "${id}" already, or was given it twice. Use upsert() to write it either way.`,
      { table: this.name, id },
    )
  }

  #newId(given: unknown): string {
    if (given === undefined) return this.#makeId()
    assertRowId(this.name, given)
    return given
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
        `Table "${this.name}" has no row ${show(id)} to ${what}. Insert it first, or use upsert()${this.#schema.partition === undefined ? '' : '; or open the partition that it lies in'}.`,
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
    if (this.#hooks.isEmpty || this.#batch.origin === 'backend') return values
    return this.#hooks.before({ kind, table: this.name, id, before, values })
  }
}

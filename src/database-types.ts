// What a database is to those who use it: its options, its members, its tables under their names. Types alone.
import type { BackendIds } from './backend/host.ts'
import type { IdScheme, RandomBytes } from './ids.ts'
import type { PartitionedTable, Table } from './query/index.ts'
import type { Columns, PartitionedSchema, Schema, TableSchema } from './schema/index.ts'
import type { Status } from './status.ts'
import type { StorageAdapter } from './storage/port.ts'
import type { Connection, SyncAdapter } from './sync/port.ts'
import type { Timers } from './sync/socket.ts'
import type { Conflicts, Quarantine, TableStats, UndoStack } from './table/index.ts'
import type { CheckedParts, Listable, Parts, Union, View, ViewOptions } from './view/index.ts'

/** What `createDatabase` takes. */
export interface DatabaseOptions<S extends Schema> {
  /** Name of the database, the same on every replica that shares it: 1 to 64 of `[A-Za-z0-9._-]`, a letter or digit first. */
  readonly name: string
  readonly schema: S
  /** Where it is stored; in memory alone if left out. */
  readonly storage?: StorageAdapter
  /** How it is kept in step with others; not at all if left out. */
  readonly sync?: SyncAdapter
  /** Who writes here: rows show it as `updatedBy`. Any stable name, at most 256 characters. */
  readonly user?: string
  /** How ids of new rows are made: UUIDv7, or `snowflake({ worker })`. Rows of either kind live beside each other. */
  readonly ids?: IdScheme
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number
  /** Source of ids. */
  readonly random?: RandomBytes
  /** Timers for trying again and for closing what is idle; the platform's by default. */
  readonly timers?: Timers
  /** Told of errors that no call can throw, such as those of subscribers; printed by default. */
  readonly onError?: (error: unknown) => void
}

/** The table of one name, partitioned or not. */
export type TableOf<S extends Schema, N extends keyof S['tables']> =
  S['tables'][N] extends TableSchema<infer C extends Columns>
    ? S['tables'][N] extends PartitionedSchema<C>
      ? PartitionedTable<C, S, N & string>
      : Table<C, S, N & string>
    : never
type TablesOf<S extends Schema> = {
  readonly [N in Exclude<keyof S['tables'], keyof DatabaseCore<S>>]: TableOf<S, N>
}

/** A database: its own members, and each table under its name. */
export type Database<S extends Schema = Schema> = DatabaseCore<S> & TablesOf<S>

/** What every database has beside its tables. */
export interface DatabaseCore<S extends Schema> {
  /** The database's name. */
  readonly name: string
  /** The schema that it was opened with. */
  readonly schema: S
  /** How it stands with storage and relay, live. */
  readonly status: Status<Connection>
  /** A table by name; the only way to one that is called like a member of this interface. @throws `unknown_table` */
  table<N extends keyof S['tables'] & string>(name: N): TableOf<S, N>
  /**
   * Runs `work`, whose writes, over any tables, are kept together or, if it throws, not at all. They go out as one Yjs
   * transaction a table and one storage append in all.
   *
   * They are also one step for undo.
   *
   * @returns What `work` returns. @throws What `work` throws, nothing written.
   */
  transact<T>(work: () => T, options?: TransactOptions): T
  /**
   * Takes back and does again this replica's own writes, step by step, over all tables. A step is what one `transact` wrote, or writes
   * within 500 ms. What others have written since is left alone, and named in the result; undo of an insert soft-deletes.
   */
  readonly undo: UndoStack
  /** Writes of `{ conflict: 'ask' }` columns that did not know one another, until somebody resolves them. */
  readonly conflicts: Conflicts
  /** Stored values that this schema refuses, as older or newer apps may write them; their rows are shown without. */
  readonly quarantine: Quarantine
  /**
   * One object spread over several tables, its rows in all of them under one id.
   *
   * @param parts - Table name -> its columns, as a list or under new names, `{ newName: 'column' }`.
   * @throws {@link MerrowError} `unknown_table`; `invalid_argument` for a column that is unknown or shown twice, or a name that is taken.
   *
   * @example
   * const full = db.view({ tasks: ['title', 'done'], taskDetails: ['note', 'estimate'] }, { anchor: 'tasks' })
   * full.insert({ title: 'Write', note: 'In plain words' }) // a row in each table, in one transaction
   */
  view<const P extends Parts<S>, const A extends keyof P & string = never>(
    parts: P & CheckedParts<S, P>,
    options?: ViewOptions<A>,
  ): View<S, P, A>
  /**
   * Several tables as one list, each row naming its `table`.
   *
   * @throws {@link MerrowError} `unknown_table`; `invalid_argument` for no table, one twice, or one with a column called `table`.
   *
   * @example
   * db.union(['tasks', 'archivedTasks']).all().filter((row) => row.table === 'tasks')
   */
  union<N extends Listable<S>>(tables: readonly N[]): Union<S, N>
  /** Which row is which record of a backend; see `connectBackend` of `merrow/backend`. */
  readonly ids: BackendIds
  /**
   * What each table is made of: rows, live and dead bytes, segments, orphans, when it was last compacted.
   *
   * Counted on call, in about the time that encoding the documents takes: for now and then, not for every frame.
   */
  stats(): { readonly [N in keyof S['tables'] & string]: TableStats }
  /** Resolves once every write made so far is durable on this machine. @throws {@link MerrowError} `storage_failed`, `storage_full`; the writes are kept and tried again. */
  saved(): Promise<void>
  /** Resolves once every write made so far, in earlier runs too, is on the relay's disk; waits while offline. @throws `unsupported` without `sync`. */
  acknowledged(): Promise<void>
  /** Resolves once what the relay holds is here, as of the last connection; waits while offline. @throws `unsupported` without `sync`. */
  synced(): Promise<void>
  /** Connects to the relay, and stays connected; the state at the start. */
  connect(): void
  /** Disconnects from the relay until `connect`; writes go on and are kept. */
  disconnect(): void
  /** Saves all writes, then lets go of storage and relay. Later writes throw `database_closed`. */
  close(): Promise<void>
}

/** How a transaction is to be taken. */
export interface TransactOptions {
  /** What the step is called in the result of `undo` and `redo`. */
  readonly label?: string
  /** @internal For a backend's changes: told as its own, no step for undo, and not shown to hooks before a write. */
  readonly origin?: 'backend'
}

// The host: what a database lets its backends reach. Knows tables and row logs; no outbox and no network.
import { MerrowError } from '../errors.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { Columns, Schema } from '../schema/index.ts'
import type { RowStatus } from '../status.ts'
import type { RelayLease } from '../sync/index.ts'
import type { Conflicts, RowTable } from '../table/index.ts'

/** What a database lets its backends reach. */
export interface Host {
  readonly name: string
  readonly schema: Schema
  readonly conflicts: Conflicts
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  readonly onError: (error: unknown) => void
  /** @throws {@link MerrowError} `unknown_table`; `unsupported` for a partitioned table. */
  table(name: string): RowTable<Columns>
  /** The row log under a table. */
  log(name: string): RowLog
  /** Opens a log of its own beside the tables: loaded, stored with every write, and, if `isMerged`, kept in step with other replicas. */
  openLog(name: string, options: { readonly isMerged: boolean }): Promise<RowLog>
  /** Reads into such a log what others, who share the storage, have stored since. */
  refreshLog(name: string): Promise<void>
  /** Adds work for the end of each commit: what it commits to a log of its own is stored together with the tables' writes, or not at all. */
  beforeStoring(work: () => void): void
  /** Commits what tables have staged: what is recorded of a write is not stored before it. */
  commit(): void
  /** Runs `work`, whose writes come from a backend: no undo step, no hook before them, one commit. */
  write<T>(work: () => T): T
  /** Resolves once every write made so far is durable on this machine. */
  saved(): Promise<void>
  /** Resolves once every write made so far is durable on the relay. */
  acknowledged(): Promise<void>
  /** Resolves once what the relay holds is here. */
  synced(): Promise<void>
  /** What the relay lends to one replica at a time; undefined without a relay. */
  readonly lease: RelayLease | undefined
  /** The name under which the relay has a document. */
  remoteName(document: string): string
  /** Makes a backend known to `db.ids` and to the status of rows. */
  joinBackend(backend: JoinedBackend): void
  /** Calls `work` with each table of a query that begins to be followed. @returns A function that ends it. */
  onOpened(work: (table: string) => void): () => void
  /** Calls `work` when the database closes. */
  onClose(work: () => void): void
}

/** What a database asks its backends. */
export interface JoinedBackend {
  readonly name: string
  has(table: string): boolean
  remoteId(table: string, id: string): string | number | undefined
  localId(table: string, remote: string | number): string | undefined
  rowStatus(table: string, id: string): RowStatus
}

/** Row ids and the ids that backends gave: `db.ids`. */
export class BackendIds {
  readonly #backends: JoinedBackend[] = []

  /** @internal */
  join(backend: JoinedBackend): void {
    this.#backends.push(backend)
  }

  /**
   * The id that a backend gave to a row; undefined if it has none.
   *
   * @param backend - Its name, if the table goes to several.
   */
  remote(table: string, id: string, backend?: string): string | number | undefined {
    return this.#of(table, backend)?.remoteId(table, id)
  }

  /** The row of a backend's record; undefined if there is none here. */
  local(table: string, remote: string | number, backend?: string): string | undefined {
    return this.#of(table, backend)?.localId(table, remote)
  }

  /** @internal How a row stands with its backend; `local` without one. */
  statusOf(table: string, id: string): RowStatus {
    return this.#of(table, undefined)?.rowStatus(table, id) ?? 'local'
  }

  #of(table: string, name: string | undefined): JoinedBackend | undefined {
    return this.#backends.findLast((backend) => backend.has(table) && (name === undefined || backend.name === name))
  }
}

const hosts = new WeakMap<object, Host>()

/** Makes a database known to `connectBackend`. */
export const registerHost = (database: object, host: Host): void => {
  hosts.set(database, host)
}

/** The host of a database. @throws {@link MerrowError} `invalid_argument` if it is none. */
export const hostOf = (database: object): Host => {
  const host = hosts.get(database)
  if (host !== undefined) return host
  throw new MerrowError(
    'invalid_argument',
    'connectBackend(db, ...) was given something else than a database. Give what createDatabase() resolved to.',
  )
}

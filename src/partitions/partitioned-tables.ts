// All partitioned tables of a database: makes the log and the host of each, and speaks for their documents. Knows no rows.

import type { Compactable } from '../compactor.ts'
import type { VersionGuard } from '../migrate.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { Partitioning, TableSchema } from '../schema/index.ts'
import { PartitionedLog, type PartitionedLogOptions } from '../table/index.ts'
import type { PartitionDocument } from './partition-document.ts'
import { Partitions, type PartitionsOptions } from './partitions.ts'

/** What partitioned tables are given to work with. */
export interface PartitionedTablesOptions
  extends Pick<
      PartitionsOptions,
      'database' | 'storage' | 'saver' | 'forks' | 'timers' | 'session' | 'flush' | 'isWritable' | 'onError'
    >,
    Pick<PartitionedLogOptions, 'replica' | 'author' | 'clock' | 'retentionMs' | 'onPending'> {
  readonly guard: VersionGuard
  readonly createLog: (schema: TableSchema) => RowLog
  /** Told that a document has changed. */
  readonly onChange: () => void
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
}

/** The partitioned tables of one database. */
export class PartitionedTables {
  readonly #options: PartitionedTablesOptions
  readonly #hosts = new Map<string, Partitions>()

  constructor(options: PartitionedTablesOptions) {
    this.#options = options
  }

  /** Adds a table. @returns what the table layer needs of it. */
  async add(
    table: string,
    schema: TableSchema & { readonly partition: Partitioning },
  ): Promise<{ readonly log: PartitionedLog; readonly host: Partitions }> {
    const { guard, createLog, now, retentionMs, onChange } = this.#options
    const host = await Partitions.read({
      ...this.#options,
      table,
      idleMs: schema.partition.idleMs,
      createLog: () => createLog(schema),
      onLoaded: (log) => {
        guard.migrateLater(table, log)
        log.forgetPurges(now() - retentionMs)
      },
      onUpdate: (log) => {
        guard.look(table, log)
        onChange()
      },
      log: (begin) => new PartitionedLog({ ...this.#options, table, schema, begin }),
    })
    this.#hosts.set(table, host)
    return { log: host.log, host }
  }

  /** The logs of all documents that are open. */
  logs(): readonly RowLog[] {
    return this.#documents.map(({ log }) => log)
  }

  /** The tables, to be compacted. */
  tables(): readonly Compactable[] {
    return this.#all
  }

  /** The log of a document; undefined if it is not open, or none of theirs. */
  logOf(document: string): RowLog | undefined {
    return this.#documents.find(({ name }) => name === document)?.log
  }

  /** Local updates of documents that do not take part in synchronisation yet. */
  get unjoined(): number {
    return this.#documents.reduce((sum, { unjoined }) => sum + unjoined, 0)
  }

  /** Opens what was written in earlier runs and may not have reached the relay. */
  start(): void {
    for (const host of this.#all) host.start()
  }

  /** Resolves once it is durable here which partitions there are. */
  async saved(): Promise<void> {
    await Promise.all(this.#all.map((host) => host.saved()))
  }

  /** Resolves once every partition that is open has been read, and so takes part in synchronisation. */
  async loaded(): Promise<void> {
    await Promise.all(this.#documents.map((document) => document.read()))
  }

  /** Opens and closes no more; resolves once nothing reads from storage any more. */
  async close(): Promise<void> {
    await Promise.all(this.#all.map((host) => host.close()))
  }

  get #documents(): readonly PartitionDocument[] {
    return this.#all.flatMap((host) => [...host.documents()])
  }

  get #all(): readonly Partitions[] {
    return [...this.#hosts.values()]
  }
}

// A partitioned table as apps see it: a table of what is open, and the opening. Knows no documents.
import type { Columns, Schema } from '../schema/index.ts'
import type { TableOptions } from '../table/index.ts'
import type { QueryContext } from './context.ts'
import { Table } from './table.ts'

/** A partition that is held open. */
export interface OpenPartition {
  readonly key: string
  /**
   * Lets go of it. Once nobody holds it and nothing is written to it for `idleMs`, it is closed, saved first: its rows leave the table,
   * and memory. With sync it stays until the relay has what was written here. Letting go twice does nothing.
   */
  close(): void
}

/** A partition that this device knows of. */
export interface PartitionInfo {
  readonly key: string
  /** Whether the table shows its rows. */
  readonly isOpen: boolean
}

/** Who opens partitions. */
export interface PartitionHost {
  open(key: string): Promise<OpenPartition>
  list(): readonly PartitionInfo[]
}

/**
 * A table whose rows are spread over documents by `partitionBy`. Reads, queries and subscriptions see the rows of the partitions that are
 * open; a write to another opens that.
 */
export class PartitionedTable<C extends Columns, S extends Schema = Schema, N extends string = string> extends Table<
  C,
  S,
  N
> {
  readonly #host: PartitionHost

  /** @internal Tables are made by `createDatabase`. */
  constructor(options: TableOptions<C> & { readonly queries: QueryContext }, host: PartitionHost) {
    super(options)
    this.#host = host
  }

  /**
   * Opens a partition: reads what is stored of it here, joins its document at the relay, and holds it open.
   *
   * Subscribers hear of its rows as `added`, with the origin `partition`; when it is closed, as `removed`.
   *
   * @param key - As `partitionBy` gives it; one without rows is as good as any.
   * @returns A handle, once the rows that are stored here show. What others have, the relay then brings.
   * @throws {@link MerrowError} `invalid_argument` for what is no key; `storage_failed`; `database_closed`.
   *
   * @example
   * const november = await db.tasks.open('2026-11')
   * db.tasks.all()
   * november.close()
   */
  open(key: string): Promise<OpenPartition> {
    return this.#host.open(key)
  }

  /** The partitions that this device has something of, and those that are open, by key. Others may have more. */
  partitions(): readonly PartitionInfo[] {
    return this.#host.list()
  }
}

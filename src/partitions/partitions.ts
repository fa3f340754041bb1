// The partitions of one table: opens their documents on demand and closes them when idle. Not which row belongs where.
import { MerrowError } from '../errors.ts'
import type { OpenPartition, PartitionHost, PartitionInfo } from '../query/index.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { Storage } from '../storage/port.ts'
import { checkKey, escapeKey, type Partition, type PartitionedLog } from '../table/index.ts'
import { PartitionDocument, type PartitionDocumentOptions } from './partition-document.ts'
import { PartitionList } from './partition-list.ts'

/** What the partitions of a table are given to work with. */
export interface PartitionsOptions extends PartitionDocumentOptions {
  readonly table: string
  readonly storage: Storage
  readonly createLog: () => RowLog
  /** Makes the table's log. `begin` makes the empty log of a partition that a write needs at once; what is stored of it is read behind. */
  readonly log: (begin: (key: string) => RowLog) => PartitionedLog
  /** Brings a log that was just loaded to the schema's version. */
  readonly onLoaded: (log: RowLog) => void
  readonly isWritable: () => boolean
  readonly onError: (error: unknown) => void
}

/** Opens and closes the documents of one table. */
export class Partitions implements PartitionHost {
  /** The table's log, over all documents that are open. */
  readonly log: PartitionedLog
  readonly #options: PartitionsOptions
  readonly #documents = new Map<string, PartitionDocument>()
  readonly #list: PartitionList
  #isClosed = false

  private constructor(options: PartitionsOptions, list: PartitionList) {
    this.#options = options
    this.#list = list
    this.log = options.log((key) => {
      const document = this.#make(key)
      document.read().catch(options.onError)
      return document.log
    })
  }

  /** Reads which partitions this device has. */
  static async read(options: PartitionsOptions): Promise<Partitions> {
    return new Partitions(options, await PartitionList.read(options))
  }

  /** The documents that are open. */
  documents(): Iterable<PartitionDocument> {
    return this.#documents.values()
  }

  /** Packs the rows of partitions that have been read, where that is worth it. @param most - Rows, about. @returns how many; 0 once none is left. */
  compact(most = Number.POSITIVE_INFINITY): number {
    let packed = 0
    for (const partition of this.log.entries.partitions.values())
      if (partition.isLoaded && packed < most) packed += this.log.compact(partition, most)
    return packed
  }

  /** Starts: what was written in earlier runs and may not have reached the relay is opened until it has. */
  start(): void {
    if (this.#options.session() === undefined) return
    for (const key of this.#list.unsent()) this.#run(key).read().catch(this.#options.onError)
  }

  list(): readonly PartitionInfo[] {
    const keys = new Set([...this.#list.keys(), ...this.#documents.keys()])
    return [...keys].sort().map((key) => ({ key, isOpen: this.#partition(key)?.isListed === true }))
  }

  async open(given: string): Promise<OpenPartition> {
    const { table } = this.#options
    const key = checkKey(table, given)
    if (this.#isClosed)
      throw new MerrowError(
        'database_closed',
        `Partition "${key}" of table "${table}" cannot be opened: the database is closed.`,
      )
    const document = this.#run(key)
    document.hold()
    try {
      await document.read()
    } catch (error) {
      document.release()
      throw error
    }
    this.log.show(this.#partition(key) as Partition)
    return { key, close: releaseOnce(document) }
  }

  /** Resolves once it is durable here which partitions there are. */
  saved(): Promise<void> {
    return this.#list.saved()
  }

  /** Opens and closes no more; resolves once nothing reads from storage any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    const documents = [...this.#documents.values()]
    for (const document of documents) document.end()
    await Promise.allSettled(documents.map((document) => document.read()))
  }

  #partition(key: string): Partition | undefined {
    return this.log.entries.partitions.get(key)
  }

  #run(key: string): PartitionDocument {
    const known = this.#documents.get(key)
    if (known !== undefined) return known
    const made = this.#make(key)
    this.log.add(key, made.log)
    return made
  }

  #make(key: string): PartitionDocument {
    const { table, createLog, onLoaded } = this.#options
    const log = createLog()
    const document = new PartitionDocument(this.#options, {
      key,
      name: `${table}/${escapeKey(key)}`,
      log,
      createLog,
      list: this.#list,
      fill: (updates) =>
        this.log.load(this.#partition(key) as Partition, () => {
          log.load(updates)
          onLoaded(log)
        }),
      onIdle: () => void this.#retire(key, document).catch(() => document.rest()),
    })
    this.#documents.set(key, document)
    return document
  }

  /**
   * Closes a partition: what belongs elsewhere is copied, all is saved and acknowledged. If that cannot be, it is tried later; so is the
   * reading of one that could not be read when it was written to.
   */
  async #retire(key: string, document: PartitionDocument): Promise<void> {
    const { flush, isWritable } = this.#options
    await document.read()
    if (document.isHeld) return
    if (!document.isSettled) return document.rest()
    flush()
    const partition = this.#partition(key) as Partition
    if (isWritable()) {
      this.log.leave(partition, (home) => this.#isSettled(home))
      this.log.compact(partition)
    }
    await document.settle(() => {
      if (this.#documents.get(key) === document) this.#forget(key, document)
    })
  }

  #forget(key: string, document: PartitionDocument): void {
    this.#documents.delete(key)
    this.log.remove(this.#partition(key) as Partition)
    document.destroy()
  }

  #isSettled(key: string): boolean {
    return this.#partition(key)?.isLoaded === true && this.#documents.get(key)?.isSettled === true
  }
}

/** A handle that is kept after its use keeps no document in memory. */
const releaseOnce = (held: PartitionDocument | undefined): (() => void) => {
  return () => {
    held?.release()
    held = undefined
  }
}

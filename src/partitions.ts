// The partitions of one table: opens their documents on demand, keeps them in step, and closes them when idle. Knows storage and sync
// by their ports; not which row belongs where.
import { MerrowError } from './errors.ts'
import { PartitionList } from './partition-list.ts'
import type { OpenPartition, PartitionHost, PartitionInfo } from './query/index.ts'
import type { RowLog } from './rowlog/index.ts'
import type { Storage } from './storage/port.ts'
import type { Saver } from './storage/saver.ts'
import type { SyncedDocument, SyncSession } from './sync/port.ts'
import type { Timers } from './sync/socket.ts'
import { checkKey, escapeKey, type Partition, type PartitionedLog } from './table/index.ts'

/** What the partitions of a table are given to work with. */
export interface PartitionsOptions {
  readonly database: string
  readonly table: string
  readonly idleMs: number
  readonly storage: Storage
  readonly saver: Saver
  readonly timers: Timers
  readonly session: () => SyncSession | undefined
  readonly createLog: () => RowLog
  /** Makes the table's log. `begin` makes the empty log of a partition that a write needs at once; what is stored of it is read behind. */
  readonly log: (begin: (key: string) => RowLog) => PartitionedLog
  /** Brings a log that was just loaded to the schema's version. */
  readonly onLoaded: (log: RowLog) => void
  /** Told of each update of a log. */
  readonly onUpdate: (log: RowLog) => void
  /** Commits what is staged. */
  readonly flush: () => void
  readonly isWritable: () => boolean
  readonly onError: (error: unknown) => void
}

/** A partition in memory. */
interface Running {
  readonly key: string
  readonly document: string
  readonly log: RowLog
  partition: Partition | undefined
  loaded: Promise<void>
  hasFailed: boolean
  /** Handles that are not closed. */
  holds: number
  /** Local updates so far: what is closed must not have been written to meanwhile. */
  writes: number
  idleTimer: unknown
  synced: SyncedDocument | undefined
}

/** Opens and closes the documents of one table. */
export class Partitions implements PartitionHost {
  readonly #options: PartitionsOptions
  readonly #running = new Map<string, Running>()
  readonly #known: PartitionList
  /** The table's log, over all documents that are open. */
  readonly log: PartitionedLog
  #isClosed = false

  private constructor(options: PartitionsOptions, known: PartitionList) {
    this.#options = options
    this.#known = known
    this.log = options.log((key) => this.#begin(key))
  }

  /** Reads which partitions this device has. */
  static async read(options: PartitionsOptions): Promise<Partitions> {
    return new Partitions(options, await PartitionList.read(options))
  }

  /** Documents in memory, under their names in storage. */
  *logs(): Generator<RowLog, void, undefined> {
    for (const { log } of this.#running.values()) yield log
  }

  /** The log of a document; undefined if it is not open. */
  logOf(document: string): RowLog | undefined {
    for (const running of this.#running.values()) if (running.document === document) return running.log
    return undefined
  }

  /** Starts: what was written in earlier runs and may not have reached the relay is opened until it has. */
  start(): void {
    if (this.#options.session() === undefined) return
    for (const key of this.#known.unsent()) this.#run(key).loaded.catch(this.#options.onError)
  }

  list(): readonly PartitionInfo[] {
    const keys = new Set([...this.#known.keys(), ...this.#running.keys()])
    return [...keys].sort().map((key) => ({ key, isOpen: this.log.entries.partitions.get(key)?.isListed === true }))
  }

  async open(given: string): Promise<OpenPartition> {
    const { table } = this.#options
    const key = checkKey(table, given)
    if (this.#isClosed)
      throw new MerrowError(
        'database_closed',
        `Partition "${key}" of table "${table}" cannot be opened: the database is closed.`,
      )
    const running = this.#run(key)
    running.holds += 1
    try {
      await running.loaded
    } catch (error) {
      running.holds -= 1
      throw error
    }
    if (running.partition !== undefined) this.log.show(running.partition)
    let isHeld = true
    return {
      key,
      close: () => {
        if (!isHeld) return
        isHeld = false
        running.holds -= 1
        this.#rest(running)
      },
    }
  }

  /** Local updates of documents that do not take part in synchronisation yet. */
  get unjoined(): number {
    let count = 0
    for (const { synced, writes } of this.#running.values()) if (synced === undefined) count += writes
    return count
  }

  /** Resolves once it is durable here which partitions there are. */
  saved(): Promise<void> {
    return this.#known.saved()
  }

  /** Resolves once every partition that is open has been read, and so takes part in synchronisation. */
  async loaded(): Promise<void> {
    await Promise.all(Array.from(this.#running.values(), ({ loaded }) => loaded))
  }

  /** Opens and closes no more; resolves once nothing reads from storage any more. */
  async close(): Promise<void> {
    this.#isClosed = true
    for (const { idleTimer } of this.#running.values()) this.#options.timers.clearTimeout(idleTimer)
    await Promise.allSettled(Array.from(this.#running.values(), ({ loaded }) => loaded))
  }

  #run(key: string): Running {
    const running = this.#running.get(key)
    if (running?.hasFailed === true) this.#read(running)
    if (running !== undefined) return running
    const made = this.#make(key)
    made.partition = this.log.add(key, made.log)
    return made
  }

  #begin(key: string): RowLog {
    const { log, loaded } = this.#make(key)
    loaded.catch(this.#options.onError)
    return log
  }

  #make(key: string): Running {
    const { table, createLog } = this.#options
    const log = createLog()
    const document = `${table}/${escapeKey(key)}`
    const running: Running = {
      key,
      document,
      log,
      partition: undefined,
      loaded: Promise.resolve(),
      hasFailed: false,
      holds: 0,
      writes: 0,
      idleTimer: undefined,
      synced: undefined,
    }
    log.onUpdate((update, isLocal) => this.#save(running, update, isLocal))
    this.#running.set(key, running)
    this.#read(running)
    return running
  }

  #read(running: Running): void {
    running.hasFailed = false
    running.loaded = this.#load(running)
    running.loaded.catch(() => {
      running.hasFailed = true
    })
  }

  async #load(running: Running): Promise<void> {
    const { storage, saver, database, session, onLoaded, flush } = this.#options
    const { key, document, log } = running
    try {
      const stored = await storage.load(document)
      flush()
      running.partition ??= this.log.entries.partitions.get(key)
      this.log.load(running.partition as Partition, () => {
        log.load(stored.map(({ update }) => update))
        onLoaded(log)
      })
      saver.noteLoaded(document, stored)
      if (stored.length > 0) this.#known.noteStored(key)
    } catch (error) {
      // What was written to it meanwhile is saved; the rest is read at the next opening, or when it has been idle for a while.
      if (log.entries.size === 0 && running.partition !== undefined) this.#forget(running)
      throw error
    }
    if (!this.#isClosed) running.synced = session()?.join(`${database}/${document}`, log.document, running.writes)
    this.#rest(running)
  }

  #save(running: Running, update: Uint8Array, isLocal: boolean): void {
    const { saver, onUpdate } = this.#options
    // Noted first: what is stored must not be unknown after a crash.
    if (isLocal) this.#known.noteUnsent(running.key, true)
    else this.#known.noteStored(running.key)
    saver.save(running.document, update)
    onUpdate(running.log)
    if (!isLocal) return
    running.writes += 1
    this.#rest(running)
  }

  /** Lets a partition close once nobody has held it or written to it for a while. */
  #rest(running: Running): void {
    const { timers, idleMs } = this.#options
    timers.clearTimeout(running.idleTimer)
    if (running.holds > 0 || this.#isClosed || this.#running.get(running.key) !== running) return
    running.idleTimer = timers.setTimeout(() => {
      this.#retire(running).catch(() => this.#rest(running))
    }, idleMs)
    // A timer alone must not keep a process from ending.
    const timer = running.idleTimer as { unref?: () => void } | undefined
    timer?.unref?.()
  }

  /** Closes a partition: what belongs elsewhere is copied, all is saved and acknowledged; if that cannot be, it is tried later. */
  async #retire(running: Running): Promise<void> {
    const { saver, flush, isWritable } = this.#options
    await this.#run(running.key).loaded
    const { partition, log, synced } = running
    if (running.holds > 0 || this.#isClosed || partition === undefined) return
    if (synced?.isSettled === false) return this.#rest(running)
    flush()
    if (isWritable()) this.log.leave(partition, (key) => this.#isSettled(key))
    log.seal()
    const { writes } = running
    await saver.saved()
    await synced?.acknowledged()
    // What was written just now is staged, and would go with the document.
    flush()
    const isQuiet = running.holds === 0 && running.writes === writes && !this.#isClosed
    if (!isQuiet) return this.#rest(running)
    if (synced !== undefined) this.#known.noteUnsent(running.key, false)
    this.#forget(running)
  }

  #isSettled(key: string): boolean {
    const { partition, synced } = this.#running.get(key) ?? {}
    return partition?.isLoaded === true && (synced?.isSettled ?? this.#options.session() === undefined)
  }

  #forget(running: Running): void {
    if (this.#running.get(running.key) !== running) return
    this.#options.timers.clearTimeout(running.idleTimer)
    this.#running.delete(running.key)
    running.synced?.leave()
    if (running.partition !== undefined) this.log.remove(running.partition)
    this.#options.saver.forget(running.document)
    running.log.document.destroy()
  }
}

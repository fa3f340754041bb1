// One partition in memory: its document, read from storage, saved, kept in step, and resting once nobody needs it. Knows no other.
import type { Forks } from '../forks.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { Saver } from '../storage/saver.ts'
import type { SyncedDocument, SyncSession } from '../sync/port.ts'
import type { Timers } from '../sync/socket.ts'
import type { PartitionList } from './partition-list.ts'

/** What the documents of a table's partitions are given to work with. */
export interface PartitionDocumentOptions {
  readonly database: string
  readonly idleMs: number
  readonly saver: Saver
  /** Loads what is stored, mended if it was found forked. */
  readonly forks: Pick<Forks, 'load'>
  readonly timers: Timers
  readonly session: () => SyncSession | undefined
  /** Told of each update of a log. */
  readonly onUpdate: (log: RowLog) => void
  /** Commits what is staged. */
  readonly flush: () => void
}

/** What a document is for. */
export interface PartitionDocumentPurpose {
  readonly key: string
  /** Its name in storage, and under the database's at the relay. */
  readonly name: string
  readonly log: RowLog
  /** Makes an empty log like that. */
  readonly createLog: () => RowLog
  readonly list: PartitionList
  /** Fills the log with what was stored. */
  readonly fill: (updates: readonly Uint8Array[]) => void
  /** Told when nobody has needed it for a while. */
  readonly onIdle: () => void
}

/** A partition's document. */
export class PartitionDocument {
  readonly #options: PartitionDocumentOptions
  readonly #purpose: PartitionDocumentPurpose
  #reading: Promise<void> | undefined
  #hasFailed = false
  #isEnded = false
  /** Handles that are not closed. */
  #holds = 0
  #writes = 0
  #idleTimer: unknown
  #synced: SyncedDocument | undefined

  constructor(options: PartitionDocumentOptions, purpose: PartitionDocumentPurpose) {
    this.#options = options
    this.#purpose = purpose
    purpose.log.onUpdate((update, isLocal) => this.#save(update, isLocal))
  }

  get name(): string {
    return this.#purpose.name
  }

  get log(): RowLog {
    return this.#purpose.log
  }

  /** Whether somebody holds it. */
  get isHeld(): boolean {
    return this.#holds > 0
  }

  /** Local updates while it did not take part in synchronisation. */
  get unjoined(): number {
    return this.#synced === undefined ? this.#writes : 0
  }

  /** Whether the relay, if there is one, has all of it. */
  get isSettled(): boolean {
    return this.#synced?.isSettled ?? this.#options.session() === undefined
  }

  /** Resolves once what is stored has been read; begins at the first call, and again after a failure. */
  read(): Promise<void> {
    if (this.#reading === undefined || this.#hasFailed) this.#reading = this.#read()
    return this.#reading
  }

  hold(): void {
    this.#holds += 1
  }

  release(): void {
    this.#holds -= 1
    this.rest()
  }

  /** Waits until nobody has held it or written to it here for a while. */
  rest(): void {
    const { timers, idleMs } = this.#options
    timers.clearTimeout(this.#idleTimer)
    if (this.isHeld || this.#isEnded) return
    this.#idleTimer = timers.setTimeout(() => this.#purpose.onIdle(), idleMs)
    // A timer alone must not keep a process from ending.
    const timer = this.#idleTimer as { unref?: () => void } | undefined
    timer?.unref?.()
  }

  /**
   * Ends its segment and waits until all of it is saved and acknowledged.
   *
   * @param letGo - Called if it was left in peace meanwhile, at once: a turn later somebody may hold it again. Else it rests.
   */
  async settle(letGo: () => void): Promise<void> {
    const { saver, flush } = this.#options
    const { key, log, list } = this.#purpose
    log.seal()
    const writes = this.#writes
    await saver.saved()
    await this.#synced?.acknowledged()
    // What was written just now is staged, and would go with the document.
    flush()
    const isQuiet = !this.isHeld && this.#writes === writes && !this.#isEnded
    if (!isQuiet) return this.rest()
    if (this.#synced !== undefined) list.noteUnsent(key, false)
    letGo()
  }

  /** Rests and reads no more. */
  end(): void {
    this.#isEnded = true
    this.#options.timers.clearTimeout(this.#idleTimer)
  }

  /** Lets go of it. */
  destroy(): void {
    this.end()
    this.#synced?.leave()
    this.#options.saver.forget(this.name)
    this.log.destroy()
  }

  #read(): Promise<void> {
    this.#hasFailed = false
    const reading = this.#load()
    reading.catch(() => {
      this.#hasFailed = true
    })
    return reading
  }

  async #load(): Promise<void> {
    const { saver, forks, database, session, flush } = this.#options
    const { key, name, log, createLog, list, fill } = this.#purpose
    const stored = await forks.load(name, createLog)
    flush()
    fill(stored.map(({ update }) => update))
    saver.noteLoaded(name, stored)
    if (stored.length > 0) list.noteStored(key)
    if (this.#isEnded) return
    this.#synced = session()?.join(`${database}/${name}`, log.document, this.#writes)
    this.rest()
  }

  #save(update: Uint8Array, isLocal: boolean): void {
    const { saver, onUpdate } = this.#options
    const { key, name, log, list } = this.#purpose
    // Noted first: what is stored must not be unknown after a crash.
    if (isLocal) list.noteUnsent(key, true)
    else list.noteStored(key)
    saver.save(name, update, log.position)
    onUpdate(log)
    if (!isLocal) return
    this.#writes += 1
    this.rest()
  }
}

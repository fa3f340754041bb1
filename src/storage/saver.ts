// Saving: queues updates, writes them in batches, says when they are durable, compacts. Knows the storage port; no documents but by name.
import type { DocumentUpdate, Storage, StoredUpdate } from './port.ts'

/** What a saver is given to work with. */
export interface SaverOptions {
  readonly storage: Storage
  /** The whole of a document, as one update. */
  readonly encode: (document: string) => Uint8Array
  /** Told when the number of unsaved updates, or the error, has changed. */
  readonly onStatus: () => void
  readonly timers: { setTimeout(work: () => void, ms: number): unknown; clearTimeout(timer: unknown): void }
}

interface Waiter {
  readonly upTo: number
  resolve(): void
  reject(error: unknown): void
}

/** An update that waits for its append, and how far the document's local writes had come with it. */
interface Queued extends DocumentUpdate {
  readonly position: number
}

/** Something to do with what is stored of a document, between the updates before and after it. */
interface Task {
  readonly document: string
  readonly run: () => Promise<readonly StoredUpdate[]>
}

/** A document is compacted once this many updates lie in its store, and they add a quarter to its last size: so that the work stays in proportion to the writes. */
const COMPACT_UPDATES = 500
const COMPACT_GROWTH = 1.25
const FIRST_RETRY_MS = 1000
const LAST_RETRY_MS = 30_000

interface Shelf {
  keys: number[]
  bytes: number
  /** Size of the last compacted state; 0 if there was none. */
  compactedBytes: number
}

const isLarge = ({ keys, bytes, compactedBytes }: Shelf): boolean =>
  keys.length >= COMPACT_UPDATES && bytes >= COMPACT_GROWTH * compactedBytes

/** Writes updates to storage, in order, one batch at a time; whatever gathers meanwhile is the next batch. */
export class Saver {
  readonly #options: SaverOptions
  readonly #shelves = new Map<string, Shelf>()
  readonly #positions = new Map<string, number>()
  #queue: (Queued | Task)[] = []
  #waiters: Waiter[] = []
  #holds = 0
  #queued = 0
  #saved = 0
  #isWriting = false
  #retryMs = FIRST_RETRY_MS
  /** Why the last append failed; its retry is under way. */
  #error: unknown
  /** Why the last compaction failed; the store is as it was, and it is tried again once it has grown. */
  #compactError: unknown
  #retryTimer: unknown

  constructor(options: SaverOptions) {
    this.#options = options
  }

  /** Updates that are not durable yet. */
  get unsaved(): number {
    return this.#queued - this.#saved
  }

  /** Why the last write failed; undefined once one succeeds. What it held is kept and tried again. */
  get error(): unknown {
    return this.#error ?? this.#compactError
  }

  /** Takes note of what a document was loaded from, so that it can be compacted. */
  noteLoaded(document: string, updates: readonly StoredUpdate[]): void {
    const bytes = updates.reduce((sum, { update }) => sum + update.length, 0)
    const compactedBytes = updates[0]?.update.length ?? 0
    this.#shelves.set(document, { keys: updates.map(({ key }) => key), bytes, compactedBytes })
  }

  /** The position of a document's last durable update; undefined if none of this run is durable yet. */
  position(document: string): number | undefined {
    return this.#positions.get(document)
  }

  /** Forgets a document of which nothing is left to write: it can no longer be encoded. */
  forget(document: string): void {
    this.#shelves.delete(document)
  }

  /** Queues one update. `position` says how far the document's local writes have come with it. */
  save(document: string, update: Uint8Array, position: number): void {
    this.#add({ document, update, position })
  }

  /** Queues something else to do with what is stored of a document. @param run - Is done again if it fails. @returns What is stored then. */
  change(document: string, run: () => Promise<readonly StoredUpdate[]>): void {
    this.#add({ document, run })
  }

  #add(queued: Queued | Task): void {
    this.#queue.push(queued)
    this.#queued += 1
    this.#options.onStatus()
    if (!this.#isWriting && this.#error === undefined) void this.#write()
  }

  /** Resolves once all that is queued now is durable; rejects if the store refuses it, which loses nothing. */
  saved(): Promise<void> {
    if (this.unsaved === 0) return Promise.resolve()
    const { promise, waiter } = waitFor(this.#queued)
    this.#waiters.push(waiter)
    if (!this.#isWriting) void this.#write()
    return promise
  }

  /** Writes nothing until the returned function is called; what is queued meanwhile is one append then. */
  hold(): () => void {
    this.#holds += 1
    return () => {
      this.#holds -= 1
      // After an error too: its retry may have come to nothing meanwhile.
      if (!this.#isWriting) void this.#write()
    }
  }

  /** Tries no more; what is not durable yet stays undone. */
  close(): void {
    this.#options.timers.clearTimeout(this.#retryTimer)
  }

  async #write(): Promise<void> {
    this.#isWriting = true
    // One turn of patience: the updates of one commit, over several tables, then go into one batch.
    await Promise.resolve()
    while (this.#queue.length > 0 && this.#holds === 0) {
      const batch = this.#takeUpdates()
      const task = batch.length === 0 ? (this.#queue.shift() as Task) : undefined
      try {
        if (task === undefined) {
          const keys = await this.#options.storage.append(batch.map(({ document, update }) => ({ document, update })))
          this.#noteWritten(batch, keys)
        } else {
          this.noteLoaded(task.document, await task.run())
          this.#noteSaved(1)
        }
      } catch (error) {
        this.#queue = [...(task === undefined ? batch : [task]), ...this.#queue]
        this.#isWriting = false
        return this.#fail(error)
      }
      if (batch.some(({ document }) => this.#isLarge(document))) await this.compact()
    }
    this.#isWriting = false
  }

  /** Takes the updates before the next task from the queue. */
  #takeUpdates(): readonly Queued[] {
    const end = this.#queue.findIndex((queued) => 'run' in queued)
    return this.#queue.splice(0, end < 0 ? this.#queue.length : end) as Queued[]
  }

  #noteWritten(batch: readonly Queued[], keys: readonly number[]): void {
    const first = new Set<Shelf>()
    batch.forEach(({ document, update, position }, at) => {
      this.#positions.set(document, position)
      const shelf = this.#shelves.get(document) ?? { keys: [], bytes: 0, compactedBytes: 0 }
      this.#shelves.set(document, shelf)
      if (shelf.keys.length === 0) first.add(shelf)
      shelf.keys.push(keys[at] ?? 0)
      shelf.bytes += update.length
      // The first batch is as good as compacted: one large import is not written twice.
      if (first.has(shelf)) shelf.compactedBytes = shelf.bytes
    })
    this.#noteSaved(batch.length)
  }

  #noteSaved(count: number): void {
    this.#saved += count
    this.#error = undefined
    this.#retryMs = FIRST_RETRY_MS
    if (this.#waiters.length > 0) this.#resolveWaiters()
    this.#options.onStatus()
  }

  #isLarge(document: string): boolean {
    const shelf = this.#shelves.get(document)
    return shelf !== undefined && isLarge(shelf)
  }

  #resolveWaiters(): void {
    const done = this.#waiters.filter(({ upTo }) => upTo <= this.#saved)
    this.#waiters = this.#waiters.filter(({ upTo }) => upTo > this.#saved)
    for (const { resolve } of done) resolve()
  }

  #fail(error: unknown): void {
    this.#error = error
    const waiters = this.#waiters
    this.#waiters = []
    for (const { reject } of waiters) reject(error)
    const { timers } = this.#options
    timers.clearTimeout(this.#retryTimer)
    this.#retryTimer = timers.setTimeout(() => {
      if (!this.#isWriting) void this.#write()
    }, this.#retryMs)
    this.#retryMs = Math.min(this.#retryMs * 2, LAST_RETRY_MS)
    this.#options.onStatus()
  }

  /** Compacts what has grown large, from what is durable already; a failure leaves the store as it was, for the next time. */
  async compact(): Promise<void> {
    for (const [document, shelf] of this.#shelves) {
      // What is to be changed is compacted as it is then.
      if (!isLarge(shelf) || this.#queue.some((queued) => 'run' in queued && queued.document === document)) continue
      const { keys } = shelf
      const state = this.#options.encode(document)
      try {
        const key = await this.#options.storage.compact(document, state, keys)
        this.#compactError = undefined
        this.#shelves.set(document, { keys: [key], bytes: state.length, compactedBytes: state.length })
      } catch (error) {
        this.#compactError = error
        this.#shelves.set(document, { keys, bytes: shelf.bytes, compactedBytes: shelf.bytes })
        this.#options.onStatus()
      }
    }
  }
}

const waitFor = (upTo: number): { readonly promise: Promise<void>; readonly waiter: Waiter } => {
  let waiter: Waiter | undefined
  const promise = new Promise<void>((resolve, reject) => {
    waiter = { upTo, resolve, reject }
  })
  return { promise, waiter: waiter as unknown as Waiter }
}

// Bulk writes in chunks: many writes as one step and one notification, without holding the thread. Knows when to commit; no columns.
import { MerrowError, show } from '../errors.ts'
import type { Entry, RowChanges, TableLog } from '../rowlog/index.ts'
import type { RowMeta } from '../schema/index.ts'
import { joinChanges, type TableChange } from './changes.ts'
import type { OpenStep, UndoStack } from './undo.ts'
import type { WriteBatch } from './write-batch.ts'

/** How a bulk write is cut, so that nothing holds the thread for long. */
export interface ChunkOptions {
  /** Rows that are checked, and then written, between two pauses: a positive integer; 1,000 suits most rows. */
  readonly chunk: number
}

/** What bulk writes need of their table. */
export interface BulkTarget<R extends RowMeta> {
  readonly log: TableLog
  readonly batch: WriteBatch
  readonly undo: UndoStack
  /** What became of rows. */
  describe(changes: RowChanges): TableChange<R> | undefined
  /** Tells of rows that changed and their entries before; `described` is what became of them, if that is known. */
  announce(changes: RowChanges, described: TableChange<R> | undefined): void
}

/** The bulk writes of one table, one after another. */
export class BulkWriter<R extends RowMeta> {
  readonly #target: BulkTarget<R>
  /** Rows that are written and not told of yet, and their entries before. */
  #held = new Map<string, Entry | undefined>()
  /** What became of them, chunk by chunk: to work it out at the end would hold the thread. Undefined once it is not so any more. */
  #described: TableChange<R>[] | undefined = []
  #last: Promise<unknown> = Promise.resolve()

  constructor(target: BulkTarget<R>) {
    this.#target = target
  }

  /**
   * Checks all items, then writes them; both in chunks, with pauses between, in which others run and write.
   *
   * @param prepare - Checks one item. @returns what writes it, which must not throw.
   * @throws What `prepare` throws, nothing written.
   */
  write<T>(items: Iterable<T>, options: ChunkOptions, prepare: (item: T) => () => void): Promise<void> {
    const { batch } = this.#target
    batch.assertOpen()
    if (batch.isInTransaction)
      throw new MerrowError(
        'invalid_argument',
        'A write in chunks is a transaction of its own: nothing was written. Call it outside transact(), or without { chunk }.',
      )
    checkChunk(options)
    const done = this.#last.then(() => this.#run(items, options.chunk, prepare))
    this.#last = done.catch(() => {})
    return done
  }

  /** Changes as listeners have to be told: what they were not told of yet comes with them. */
  settle(changes: RowChanges): RowChanges {
    if (this.#held.size === 0) return changes
    return new Map(Array.from(changes, ([id, before]) => [id, this.#beforeOf(id, before)]))
  }

  #beforeOf(id: string, before: Entry | undefined): Entry | undefined {
    if (!this.#held.has(id)) return before
    const earlier = this.#held.get(id)
    this.#held.delete(id)
    this.#described = undefined
    return earlier
  }

  async #run<T>(items: Iterable<T>, chunk: number, prepare: (item: T) => () => void): Promise<void> {
    const { batch } = this.#target
    const writes: (() => void)[] = []
    for (const item of items) {
      if (writes.length > 0 && writes.length % chunk === 0) await batch.pause()
      writes.push(prepare(item))
    }
    await batch.bulk(() => this.#writeAll(writes, chunk))
  }

  async #writeAll(writes: readonly (() => void)[], chunk: number): Promise<void> {
    const { batch, undo } = this.#target
    const step = undo.open(undefined)
    try {
      for (let at = 0; at < writes.length; at += chunk) {
        await batch.pause()
        this.#writeChunk(writes.slice(at, at + chunk), step)
      }
      await batch.pause()
    } finally {
      step.close()
      this.#announce()
    }
  }

  #announce(): void {
    const [changes, described] = [this.#held, this.#described]
    this.#held = new Map()
    this.#described = []
    this.#target.announce(changes, described === undefined ? undefined : joinChanges(described))
    // What listeners record of it is stored with it.
    this.#target.batch.flush()
  }

  /** One Yjs transaction, of which nobody is told yet. */
  #writeChunk(writes: readonly (() => void)[], step: OpenStep): void {
    const { log, batch } = this.#target
    // What others have written is told as theirs.
    batch.flush()
    step.add(() => batch.transact(() => writes.forEach((write) => void write())))
    log.commit()
    const changes = log.takeLocalChanges()
    for (const [id, before] of changes) {
      if (!this.#held.has(id)) this.#held.set(id, before)
      else this.#described = undefined
    }
    const change = this.#target.describe(changes)
    if (change !== undefined) this.#described?.push(change)
  }
}

const checkChunk = (options: ChunkOptions): void => {
  if (Number.isInteger(options.chunk) && options.chunk > 0) return
  throw new MerrowError(
    'invalid_argument',
    `{ chunk: ${show(options.chunk)} }: give the number of rows between two pauses, such as 1000. Nothing was written.`,
  )
}

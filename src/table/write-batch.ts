// Write batches: all that is written within one microtask, over all tables, as one. Knows row logs and when to commit them.
import { MerrowError } from '../errors.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { WriteOrigin } from './changes.ts'

/** What takes part in a batch: a row log, and whom to tell once it has committed. */
export interface BatchMember {
  readonly log: RowLog
  /** Tells subscribers of the local changes since the last call. */
  announce(): void
}

/** What a write batch is given to work with. */
export interface WriteBatchOptions {
  /** Runs work soon, after the caller's own; a microtask by default. */
  readonly schedule?: (work: () => void) => void
  /** Why nothing may be written at the moment; undefined if it may. */
  readonly refuse?: () => MerrowError | undefined
  /** Keeps what is committed from storage until the returned function is called; all of it is then one append. */
  readonly holdStorage?: () => () => void
  /** Resolves after others have had the thread; the next task by default. */
  readonly pause?: () => Promise<void>
}

/** Collects the writes of one microtask and commits them together: one Yjs transaction a table. */
export class WriteBatch {
  readonly #members: BatchMember[] = []
  readonly #schedule: (work: () => void) => void
  readonly #refuse: () => MerrowError | undefined
  readonly #holdStorage: () => () => void
  readonly #bulks = new Set<Promise<unknown>>()
  /** Gives others the thread, within a write in chunks. */
  readonly pause: () => Promise<void>
  #isScheduled = false
  #depth = 0
  #origin: WriteOrigin = 'local'
  #closed = false

  constructor({
    schedule = (work) => queueMicrotask(work),
    refuse = () => undefined,
    holdStorage = () => () => {},
    pause = nextTask,
  }: WriteBatchOptions = {}) {
    this.#schedule = schedule
    this.#refuse = refuse
    this.#holdStorage = holdStorage
    this.pause = pause
  }

  /** Whether `transact` is running. */
  get isInTransaction(): boolean {
    return this.#depth > 0
  }

  /** Adds a table's log. */
  join(member: BatchMember): void {
    this.#members.push(member)
  }

  /** Takes note of a write, and sees to it that it is committed. @throws {@link MerrowError} `database_closed`, `read_only` */
  noteWrite(): void {
    this.assertOpen()
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule(() => this.flush())
  }

  /** @throws {@link MerrowError} `database_closed`, `read_only` */
  assertOpen(): void {
    if (this.#closed)
      throw new MerrowError(
        'database_closed',
        'The database is closed: nothing was written. Open it again with createDatabase().',
      )
    const refusal = this.#refuse()
    if (refusal !== undefined) throw refusal
  }

  /** Who is writing at the moment. */
  get origin(): WriteOrigin {
    return this.#origin
  }

  /** Runs `work`; if it throws, takes back all that it wrote. Calls may nest. @param origin - Whose writes they are. */
  transact<T>(work: () => T, origin = this.#origin): T {
    this.assertOpen()
    const outer = this.#origin
    this.#origin = origin
    const marks = this.#members.map(({ log }) => log.mark())
    const finish = (how: 'release' | 'rollback'): void =>
      this.#members.forEach(({ log }, at) => log[how](marks[at] as number))
    this.#depth += 1
    try {
      const result = work()
      if (isThenable(result))
        throw new MerrowError(
          'invalid_argument',
          'transact() was given an asynchronous function: nothing was written. Await first, and write in one go inside transact().',
        )
      finish('release')
      return result
    } catch (error) {
      finish('rollback')
      throw error
    } finally {
      this.#depth -= 1
      this.#origin = outer
    }
  }

  /** Commits what is staged, now; then tells subscribers. @throws {@link MerrowError} `invalid_argument` within `transact`. */
  flush(): void {
    if (this.#depth > 0)
      throw new MerrowError(
        'invalid_argument',
        'saved(), acknowledged() and close() cannot be called inside transact(), whose writes may yet be taken back. Call them after it.',
      )
    this.#isScheduled = false
    for (const { log } of this.#members) log.commit()
    for (const member of this.#members) member.announce()
  }

  /** Runs work that writes in several goes; what it and others write meanwhile is one append to storage in the end. */
  async bulk(work: () => Promise<void>): Promise<void> {
    this.assertOpen()
    const release = this.#holdStorage()
    const done = work().finally(release)
    this.#bulks.add(done)
    try {
      await done
    } finally {
      this.#bulks.delete(done)
    }
  }

  /** Waits for bulk work that is under way; undefined if none is. */
  settled(): Promise<unknown> | undefined {
    return this.#bulks.size === 0 ? undefined : Promise.allSettled(this.#bulks)
  }

  /** Commits what is staged and refuses further writes. */
  close(): void {
    this.flush()
    this.#closed = true
  }
}

/** A task of its own, which timers do not delay. */
const nextTask = (): Promise<void> =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel()
    port1.onmessage = () => {
      port1.close()
      resolve()
    }
    port2.postMessage(undefined)
  })

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

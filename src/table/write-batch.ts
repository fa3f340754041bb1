// Write batches: all that is written within one microtask, over all tables, as one. Knows row logs and when to commit them.
import { MerrowError } from '../errors.ts'
import type { RowLog } from '../rowlog/index.ts'
import type { Origin } from './changes.ts'

/** What takes part in a batch: a row log, and whom to tell once it has committed. */
export interface BatchMember {
  readonly log: RowLog
  /** Tells subscribers of the changes made here since the last call. */
  announce(origin: Origin): void
}

/** Collects the writes of one microtask and commits them together: one Yjs transaction a table. */
export class WriteBatch {
  readonly #members: BatchMember[] = []
  readonly #lasts: (() => void)[] = []
  readonly #schedule: (work: () => void) => void
  readonly #refuse: () => MerrowError | undefined
  #isScheduled = false
  #origin: Origin = 'local'
  #depth = 0
  #closed = false

  /**
   * @param schedule - Runs work soon, after the caller's own; a microtask by default.
   * @param refuse - Why nothing may be written at the moment; undefined if it may.
   */
  constructor(
    schedule: (work: () => void) => void = (work) => queueMicrotask(work),
    refuse: () => MerrowError | undefined = () => undefined,
  ) {
    this.#schedule = schedule
    this.#refuse = refuse
  }

  /** Adds a table's log. */
  join(member: BatchMember): void {
    this.#members.push(member)
  }

  /** Adds work for the end of each flush: what it commits is stored together with the flush, or not at all. */
  last(work: () => void): void {
    this.#lasts.push(work)
  }

  /** Whose writes are being made. */
  get origin(): Origin {
    return this.#origin
  }

  /** Runs `work` as {@link transact} does and commits it at once, apart from all other writes, as coming from `origin`. */
  transactAs<T>(origin: Origin, work: () => T): T {
    this.flush()
    this.#origin = origin
    try {
      const result = this.transact(work)
      this.flush()
      return result
    } finally {
      this.#origin = 'local'
    }
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

  /** Runs `work`; if it throws, takes back all that it wrote. Calls may nest. */
  transact<T>(work: () => T): T {
    this.assertOpen()
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
    for (const member of this.#members) member.announce(this.#origin)
    for (const work of this.#lasts) work()
  }

  /** Commits what is staged and refuses further writes. */
  close(): void {
    this.flush()
    this.#closed = true
  }
}

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

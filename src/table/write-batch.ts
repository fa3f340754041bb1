// Write batches: what is told of within one microtask, and committed within one turn of the event loop, over all tables, as one.
// Knows row logs and when to commit them.
import { MerrowError } from '../errors.ts'
import type { RowLog } from '../rowlog/index.ts'

/** What takes part in a batch: a row log, and whom to tell once it has committed. */
export interface BatchMember {
  readonly log: RowLog
  /** Tells subscribers of the local changes since the last call. */
  announce(): void
}

/** When a batch does its work. Both run what they are given once, after the caller's own. */
export interface BatchSchedule {
  /** For telling subscribers: before anything else happens; a microtask by default. */
  readonly soon: (work: () => void) => void
  /** For committing: once the microtasks are through; the next turn of the event loop by default. */
  readonly later: (work: () => void) => void
}

/**
 * Collects writes. Subscribers hear at the end of the microtask; a turn of the event loop is committed as one Yjs transaction a
 * table, since a transaction costs more than the write that it carries.
 */
export class WriteBatch {
  readonly #members: BatchMember[] = []
  readonly #schedule: BatchSchedule
  readonly #refuse: () => MerrowError | undefined
  #isToldSoon = false
  #isCommittedLater = false
  #depth = 0
  #closed = false

  /**
   * @param schedule - When it tells and commits.
   * @param refuse - Why nothing may be written at the moment; undefined if it may.
   */
  constructor(schedule: BatchSchedule = ofPlatform, refuse: () => MerrowError | undefined = () => undefined) {
    this.#schedule = schedule
    this.#refuse = refuse
  }

  /** Adds a table's log. */
  join(member: BatchMember): void {
    this.#members.push(member)
  }

  /** Takes note of a write, and sees to it that it is committed. @throws {@link MerrowError} `database_closed`, `read_only` */
  noteWrite(): void {
    this.assertOpen()
    if (!this.#isToldSoon) {
      this.#isToldSoon = true
      this.#schedule.soon(this.#tell)
    }
    if (this.#isCommittedLater) return
    this.#isCommittedLater = true
    this.#schedule.later(this.#commitLater)
  }

  /** Whether anything written is in no document yet. */
  get isPending(): boolean {
    return this.#isCommittedLater
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
    this.#isCommittedLater = false
    for (const { log } of this.#members) log.commit()
    this.#tell()
  }

  /** Commits what is staged and refuses further writes. */
  close(): void {
    this.flush()
    this.#closed = true
  }

  readonly #tell = (): void => {
    this.#isToldSoon = false
    for (const member of this.#members) member.announce()
  }

  readonly #commitLater = (): void => {
    if (this.#isCommittedLater) this.flush()
  }
}

/** A turn of the event loop: not a timer, which browsers hold back in hidden tabs. */
const nextTurn = (work: () => void): void => {
  if (typeof setImmediate === 'function') return void setImmediate(work)
  const { port1, port2 } = new MessageChannel()
  port1.onmessage = () => {
    port1.close()
    work()
  }
  port2.postMessage(undefined)
}

const ofPlatform: BatchSchedule = { soon: (work) => queueMicrotask(work), later: nextTurn }

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

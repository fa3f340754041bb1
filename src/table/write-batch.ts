// Write batches: what is told of within one microtask, and committed within a turn of the event loop or a few, over all tables, as one.
// Knows row logs and when to commit them.
import { MerrowError } from '../errors.ts'
import type { TableLog } from '../rowlog/index.ts'
import { nextTurn } from '../turn.ts'
import type { WriteOrigin } from './changes.ts'

/** What takes part in a batch: a row log, and whom to tell once it has committed. */
export interface BatchMember {
  readonly log: TableLog
  /** Tells subscribers of the local changes since the last call. */
  announce(): void
  /** Takes note that staged writes were taken back. */
  rolledBack?(): void
}

/** When a batch does its work. Both run what they are given once, after the caller's own. */
export interface BatchSchedule {
  /** For telling subscribers: before anything else happens; a microtask by default. */
  readonly soon: (work: () => void) => void
  /** For committing: once the microtasks are through; the next turn of the event loop by default. */
  readonly later: (work: () => void) => void
  /** A clock in milliseconds, best one that is never set: says how long writes have waited. */
  readonly nowMs: () => number
}

/** For how long whoever writes turn after turn has the document wait, in milliseconds. */
const MOST_PATIENCE_MS = 4

/** What a write batch is given to work with. */
export interface WriteBatchOptions {
  readonly schedule?: Partial<BatchSchedule>
  /** Why nothing may be written at the moment; undefined if it may. */
  readonly refuse?: () => MerrowError | undefined
  /** Keeps what is committed from storage until the returned function is called; all of it is then one append. */
  readonly holdStorage?: () => () => void
}

/**
 * Collects writes. Subscribers hear at the end of the microtask; what is written within a turn of the event loop is committed in the next,
 * as one Yjs transaction a table, since a transaction costs more than the write that it carries. If the last commit was just now, it
 * waits for a turn in which nothing is written, or a few milliseconds: so whoever writes turn after turn pays for few transactions.
 */
export class WriteBatch {
  readonly #members: BatchMember[] = []
  readonly #schedule: BatchSchedule
  readonly #refuse: () => MerrowError | undefined
  readonly #flushed: (() => void)[] = []
  readonly #lasts: (() => void)[] = []
  #isToldSoon = false
  #isPending = false
  /** Whether the schedule has been asked to commit. */
  #isScheduled = false
  /** Whether anything was written since the last turn. */
  #isWrittenOn = false
  #committedMs = Number.NEGATIVE_INFINITY
  readonly #holdStorage: () => () => void
  readonly #bulks = new Set<Promise<unknown>>()
  #depth = 0
  #origin: WriteOrigin = 'local'
  #closed = false

  constructor({ schedule = {}, refuse = () => undefined, holdStorage = () => () => {} }: WriteBatchOptions = {}) {
    this.#schedule = { ...ofPlatform, ...schedule }
    this.#refuse = refuse
    this.#holdStorage = holdStorage
  }

  /** Gives others the thread, within a write in chunks. */
  pause(): Promise<void> {
    return new Promise((resolve) => this.#schedule.later(resolve))
  }

  /** Whether `transact` is running. */
  get isInTransaction(): boolean {
    return this.#depth > 0
  }

  /** Adds a table's log. */
  join(member: BatchMember): void {
    this.#members.push(member)
  }

  /** Adds work for the end of each flush: what it commits is stored together with the flush, or not at all. */
  last(work: () => void): void {
    this.#lasts.push(work)
  }

  /** Calls `listener` after each flush, once every member has told of its changes. */
  onFlushed(listener: () => void): void {
    this.#flushed.push(listener)
  }

  /** Takes note of a write, and sees to it that it is committed. @throws {@link MerrowError} `database_closed`, `read_only` */
  noteWrite(): void {
    this.assertOpen()
    this.#isWrittenOn = true
    if (!this.#isToldSoon) {
      this.#isToldSoon = true
      this.#schedule.soon(this.#tell)
    }
    this.#commitSoon()
  }

  /** Whether anything written is in no document yet. */
  get isPending(): boolean {
    return this.#isPending
  }

  /** Sees to it that a table's own work is committed soon; nothing if nothing may be written. */
  noteWork(): void {
    if (!this.#closed && this.#refuse() === undefined) this.#commitSoon()
  }

  #commitSoon(): void {
    this.#isPending = true
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#schedule.later(this.#commitLater)
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
      for (const member of this.#members) member.rolledBack?.()
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
    this.#isPending = false
    for (const { log } of this.#members) log.commit()
    this.#tell()
    // Listeners may have written, and been told of it.
    if (this.#isPending) for (const { log } of this.#members) log.commit()
    for (const work of this.#lasts) work()
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

  readonly #tell = (): void => {
    this.#isToldSoon = false
    for (const member of this.#members) member.announce()
    for (const listener of this.#flushed) listener()
  }

  readonly #commitLater = (): void => {
    this.#isScheduled = false
    if (!this.#isPending) return
    const nowMs = this.#schedule.nowMs()
    const waitedMs = nowMs - this.#committedMs
    const mayWait = this.#isWrittenOn && waitedMs >= 0 && waitedMs < MOST_PATIENCE_MS
    this.#isWrittenOn = false
    if (mayWait) return this.#commitSoon()
    this.#committedMs = nowMs
    this.flush()
  }
}

const settled = Promise.resolve()
/** A promise's own microtask: that of `queueMicrotask` costs several times as much in Node, which wraps it in a resource. */
const ofPlatform: BatchSchedule = {
  soon: (work) => void settled.then(work),
  later: nextTurn,
  nowMs: () => performance.now(),
}

const isThenable = (value: unknown): boolean =>
  typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'

// When logs are compacted: after a while of writing, and at the end, by whoever is in step with the others. Knows logs and timers; not
// what compacting does.
import type { Timers } from './sync/socket.ts'

/** What can be compacted. */
export interface Compactable {
  /** Compacts if enough has gathered, so many rows at most. @returns how many rows it packed; 0 once none is left. */
  compact(most?: number): number
}

/** What a {@link Compactor} is given to work with. */
export interface CompactorOptions {
  readonly logs: () => Iterable<Compactable>
  readonly timers: Timers
  /** A number from 0 to 1: replicas that are in step wait differently long, so that one does it and the others see it done. */
  readonly random: () => number
  /**
   * Whether this replica may: not while it only reads, and not while it is out of step, when what it packs others may be packing too.
   */
  readonly isReady: () => boolean
  /** Commits what is staged: what was written together must not come apart. */
  readonly flush: () => void
  readonly onError: (error: unknown) => void
}

/** How long after a change at least, and as much again at most by chance. */
const DELAY_MS = 30_000
/** Rows that are packed in one turn: some 10 µs each. */
const ROWS_A_TURN = 2_048

/** Compacts logs now and then. */
export class Compactor {
  readonly #options: CompactorOptions
  #timer: unknown

  constructor(options: CompactorOptions) {
    this.#options = options
  }

  /** Takes note that a log has changed. */
  noteChange(): void {
    if (this.#timer !== undefined) return
    const { random } = this.#options
    this.#start(DELAY_MS * (1 + random()))
  }

  /** Compacts once more, and then no more. */
  close(): void {
    this.#options.timers.clearTimeout(this.#timer)
    if (this.#options.isReady()) for (const log of this.#ready()) this.#pack(log)
    this.#timer = 'closed'
  }

  #start(delayMs: number): void {
    this.#timer = this.#options.timers.setTimeout(() => this.#step(), delayMs)
    // A timer alone must not keep a process from ending.
    const timer = this.#timer as { unref?: () => void } | undefined
    timer?.unref?.()
  }

  /** Packs some rows, and goes on in a later turn if there were any. */
  #step(): void {
    // What it packs is no change that somebody made.
    this.#timer = 'at work'
    const hasPacked = this.#options.isReady() && [...this.#ready()].some((log) => this.#pack(log, ROWS_A_TURN) > 0)
    this.#timer = undefined
    if (hasPacked) this.#start(0)
  }

  #ready(): Iterable<Compactable> {
    this.#options.flush()
    return this.#options.logs()
  }

  #pack(log: Compactable, most?: number): number {
    try {
      return log.compact(most)
    } catch (error) {
      this.#options.onError(error)
      return 0
    }
  }
}

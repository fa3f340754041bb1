// When logs are compacted: after a while of writing, and at the end, by whoever is in step with the others. Knows logs and timers; not
// what compacting does.
import type { Timers } from './sync/socket.ts'

/** What can be compacted. */
export interface Compactable {
  /** Compacts if enough has gathered. @returns how many rows it packed. */
  compact(): number
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
    const { timers, random } = this.#options
    this.#timer = timers.setTimeout(() => this.#compact(), DELAY_MS * (1 + random()))
    // A timer alone must not keep a process from ending.
    const timer = this.#timer as { unref?: () => void } | undefined
    timer?.unref?.()
  }

  /** Compacts once more, and then no more. */
  close(): void {
    this.#options.timers.clearTimeout(this.#timer)
    this.#compact()
    this.#timer = 'closed'
  }

  #compact(): void {
    this.#timer = undefined
    if (!this.#options.isReady()) return
    this.#options.flush()
    for (const log of this.#options.logs()) {
      try {
        log.compact()
      } catch (error) {
        this.#options.onError(error)
      }
    }
  }
}

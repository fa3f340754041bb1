// The circuit breaker of one backend: stops sending while nothing comes back, and lets one request find out. Knows no requests.
import type { Timers } from '../core.ts'
import { backoffMs } from './failure.ts'

/**
 * How a backend answers.
 *
 * - `closed`: it answers. - `open`: it does not; nothing is sent until `untilMs`. - `trying`: one request finds out.
 */
export type BreakerState =
  | { readonly kind: 'closed' | 'trying' }
  | {
      readonly kind: 'open'
      readonly untilMs: number
      readonly why: 'away' | 'failing' | 'token'
      readonly error: unknown
      /** Whether the backend asked to wait so long: no answer to another request takes that back. */
      readonly isAsked: boolean
    }

/** What a breaker is given to work with. */
export interface BreakerOptions {
  readonly timers: Timers
  readonly now: () => number
  readonly random: () => number
  /** Told when requests may go out again. */
  readonly onTry: () => void
}

/** Answers of 5xx in a row, whosever, that open the circuit. */
const FAILURES_TO_OPEN = 5
const FIRST_MS = 1000
const LAST_MS = 60_000

/** Keeps count of failures. */
export class Breaker {
  readonly #options: BreakerOptions
  #state: BreakerState = { kind: 'closed' }
  #failures = 0
  #openings = 0
  /** Why it opened last; undefined once it has closed. */
  #why: 'away' | 'failing' | 'token' | undefined
  #timer: unknown

  constructor(options: BreakerOptions) {
    this.#options = options
  }

  get state(): BreakerState {
    return this.#state
  }

  /** Whether one more request may go out beside those in flight. */
  admits(inFlight: number): boolean {
    return this.#state.kind === 'closed' || (this.#state.kind === 'trying' && inFlight === 0)
  }

  /** A pull was answered. It does not say that writes are taken again, if those had failed. */
  noteReached(): void {
    if (this.#why !== 'failing') this.noteSuccess()
  }

  /** An answer came that shows the backend at work. */
  noteSuccess(): void {
    this.#failures = 0
    if (this.#state.kind === 'open' && this.#state.isAsked && this.#options.now() < this.#state.untilMs) return
    this.#openings = 0
    this.reset()
  }

  /** No answer came, or one that asks to wait. */
  noteAway(error: unknown, retryAfterMs?: number): void {
    this.#open('away', error, retryAfterMs)
  }

  /** An answer of 5xx came. */
  noteFailure(error: unknown): void {
    this.#failures += 1
    if (this.#failures >= FAILURES_TO_OPEN || this.#state.kind === 'trying') this.#open('failing', error)
  }

  /** The token was refused, a renewed one too. */
  noteRefused(error: unknown): void {
    this.#open('token', error)
  }

  /** The network is said to be there again: what was away is tried at once. */
  noteOnline(): void {
    if (this.#state.kind === 'open' && this.#state.why === 'away') this.reset()
  }

  /** Lets requests out again, at once. */
  reset(): void {
    this.#options.timers.clearTimeout(this.#timer)
    this.#why = undefined
    const wasClosed = this.#state.kind === 'closed'
    this.#state = { kind: 'closed' }
    if (!wasClosed) this.#options.onTry()
  }

  stop(): void {
    this.#options.timers.clearTimeout(this.#timer)
  }

  #open(why: 'away' | 'failing' | 'token', error: unknown, retryAfterMs = 0): void {
    const { timers, now, random, onTry } = this.#options
    // Those that were in flight together fail together: that is one opening.
    const isOpen = this.#state.kind === 'open'
    if (isOpen && retryAfterMs === 0) return
    const ms = isOpen
      ? retryAfterMs
      : Math.max(50, backoffMs(this.#openings, { firstMs: FIRST_MS, lastMs: LAST_MS, random }, retryAfterMs))
    if (this.#state.kind === 'open' && now() + ms <= this.#state.untilMs) return
    if (!isOpen) this.#openings += 1
    this.#why = why
    this.#state = { kind: 'open', untilMs: now() + ms, why, error, isAsked: retryAfterMs > 0 }
    timers.clearTimeout(this.#timer)
    this.#timer = timers.setTimeout(() => {
      this.#state = { kind: 'trying' }
      onTry()
    }, ms)
  }
}

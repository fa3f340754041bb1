// Duties: what one client at a time is to do, as long as it goes on claiming it. Knows neither sockets nor what is done.

/** What came of a claim. */
export type Claimed =
  | { readonly kind: 'granted'; readonly number: number; readonly leaseMs: number }
  | { readonly kind: 'denied'; readonly reason: string; readonly waitMs: number }

/** How {@link Duties} are set up. */
export interface DutiesOptions {
  /** How long a claim counts, in milliseconds. */
  readonly leaseMs: number
  /** A clock that never goes back, in milliseconds. */
  readonly elapsedMs: () => number
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
}

interface Held {
  readonly holder: string
  readonly number: number
  readonly untilMs: number
}

const MAX_DUTIES = 10_000

/**
 * Who holds which duty. It is in memory alone: a relay that has just started does not know what was granted before, and grants nothing
 * for one lease time.
 */
export class Duties {
  readonly #options: DutiesOptions
  readonly #startedMs: number
  readonly #held = new Map<string, Held>()
  #lastNumber = 0

  constructor(options: DutiesOptions) {
    this.#options = options
    this.#startedMs = options.elapsedMs()
  }

  /** How long a claim counts, in milliseconds. */
  get leaseMs(): number {
    return this.#options.leaseMs
  }

  /** Lets `holder` have a duty from now, if nobody else has it. */
  claim(duty: string, holder: string): Claimed {
    const { leaseMs } = this.#options
    const nowMs = this.#options.elapsedMs()
    const held = this.#held.get(duty)
    const isHeld = held !== undefined && held.untilMs > nowMs
    if (isHeld && held.holder !== holder)
      return { kind: 'denied', reason: 'somebody else holds it', waitMs: held.untilMs - nowMs }
    const sinceMs = nowMs - this.#startedMs
    if (sinceMs < leaseMs) return { kind: 'denied', reason: 'the relay has just started', waitMs: leaseMs - sinceMs }
    if (held === undefined && !this.#hasRoom(nowMs))
      return { kind: 'denied', reason: 'too many duties are held', waitMs: leaseMs }
    const number = isHeld ? held.number : this.#nextNumber()
    this.#held.set(duty, { holder, number, untilMs: nowMs + leaseMs })
    return { kind: 'granted', number, leaseMs }
  }

  /** Its holder gives a duty up. */
  release(duty: string, holder: string): void {
    if (this.#held.get(duty)?.holder === holder) this.#held.delete(duty)
  }

  /** Beyond all that were given before, by relays that ran before this one as well, unless the clock was set back. */
  #nextNumber(): number {
    this.#lastNumber = Math.max(this.#lastNumber + 1, this.#options.now())
    return this.#lastNumber
  }

  #hasRoom(nowMs: number): boolean {
    if (this.#held.size < MAX_DUTIES) return true
    for (const [duty, { untilMs }] of this.#held) if (untilMs <= nowMs) this.#held.delete(duty)
    return this.#held.size < MAX_DUTIES
  }
}

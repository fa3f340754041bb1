// A token bucket: how much somebody may do, and how long one has to wait who did more. Knows numbers, not what they count.

/** How a {@link Bucket} fills. */
export interface Rate {
  readonly perSecond: number
  /** Most that can be saved up. */
  readonly burst: number
}

/** Counts against a rate. It goes into debt rather than refuse: what has come has come. */
export class Bucket {
  readonly #rate: Rate
  readonly #now: () => number
  #level: number
  #at: number

  /** @param now - Wall clock, milliseconds since the epoch. */
  constructor(rate: Rate, now: () => number) {
    this.#rate = rate
    this.#now = now
    this.#level = rate.burst
    this.#at = now()
  }

  /** Whether all that can be saved up is there: then it says no more than a new one. */
  get isFull(): boolean {
    return this.#levelAt(this.#now()) >= this.#rate.burst
  }

  /** Takes an amount. @returns Milliseconds until the debt is paid; 0 if there is none. */
  take(amount: number): number {
    const nowMs = this.#now()
    this.#level = this.#levelAt(nowMs) - amount
    this.#at = nowMs
    return this.#level >= 0 ? 0 : Math.ceil((-this.#level / this.#rate.perSecond) * 1000)
  }

  #levelAt(nowMs: number): number {
    const earned = (Math.max(0, nowMs - this.#at) / 1000) * this.#rate.perSecond
    return Math.min(this.#rate.burst, this.#level + earned)
  }
}

// Stamps: hybrid logical clock readings that order patches. Knows nothing of patches or replicas.

/** Counter steps within one millisecond. */
const STEPS_PER_MS = 2048

/** How far ahead of the local clock a foreign stamp may be and still move it, in milliseconds. */
export const MAX_DRIFT_MS = 5 * 60 * 1000

/** Stamps in a minute; multiples of it are the beginnings of minutes. */
export const STAMPS_PER_MINUTE = 60_000 * STEPS_PER_MS

/** The time that a stamp stands for, in milliseconds since the epoch. */
export const stampTimeMs = (stamp: number): number => Math.floor(stamp / STEPS_PER_MS)

/** The lowest stamp of a time in milliseconds since the epoch. */
export const stampAt = (timeMs: number): number => timeMs * STEPS_PER_MS

/**
 * A hybrid logical clock (Kulkarni et al., 2014) folded into one safe integer: milliseconds × 2048 + counter.
 *
 * Readings only grow. They follow the wall clock, and what was seen from others unless that is more than
 * {@link MAX_DRIFT_MS} ahead: a broken foreign clock cannot drag this one along.
 */
export class StampClock {
  readonly #now: () => number
  #last = 0

  /** @param now - Wall clock, milliseconds since the epoch; may jump in either direction. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** The highest stamp that this clock has given out or taken in. */
  get newest(): number {
    return this.#last
  }

  /** A stamp above every one that this clock has given out or taken in. */
  next(): number {
    this.#last = Math.max(this.#last + 1, stampAt(Math.floor(this.#now())))
    return this.#last
  }

  /** Takes in a stamp seen elsewhere, so that later writes here come after it; ignores one from the far future. */
  see(stamp: number): void {
    if (stamp > this.#last && !this.isFarFuture(stamp)) this.#last = stamp
  }

  /** Takes in many stamps. */
  seeAll(stamps: Float64Array): void {
    const limit = this.#driftLimit
    let last = this.#last
    for (let at = 0; at < stamps.length; at++) {
      const stamp = stamps[at] as number
      if (stamp > last && stamp <= limit) last = stamp
    }
    this.#last = last
  }

  /** The wall clock's time, in milliseconds since the epoch. */
  get nowMs(): number {
    return this.#now()
  }

  /** How long ago a stamp was given out, in milliseconds. */
  ageMs(stamp: number): number {
    return this.#now() - stampTimeMs(stamp)
  }

  get #driftLimit(): number {
    return stampAt(Math.floor(this.#now()) + MAX_DRIFT_MS)
  }

  /** Whether a stamp is further ahead of the wall clock than honest clocks drift. */
  isFarFuture(stamp: number): boolean {
    return stamp > this.#driftLimit
  }
}

// One duty that the relay lends to one client at a time: claims it, goes on claiming it, and lets go in time. Knows no socket and no work.
import { MerrowError } from '../errors.ts'
import type { Timers } from './socket.ts'
import type { Message } from './wire.ts'

/** A duty's way to the relay. */
export interface DutyLine {
  /** Sends a message if there is a connection. */
  post(message: Message): void
}

/** Clocks: none alone is to be trusted, since one stands still while the machine sleeps, and the other may be set back. */
export interface Clocks {
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** A clock that never goes back, in milliseconds. */
  readonly elapsedMs: () => number
}

/** What a duty is given to work with. */
export interface DutyOptions {
  readonly duty: string
  /** By what the relay knows this holder: nobody can guess it. */
  readonly holder: string
  readonly line: DutyLine
  readonly timers: Timers
  readonly clocks: Clocks
  /** A number from 0 to 1, for jitter. */
  readonly random: () => number
  /** Does the work; told when it may no longer, with a number that grows with each change of holder. */
  readonly work: (lost: AbortSignal, number: number) => void
  /** Told that the relay will never grant it. */
  readonly onRefused: (error: MerrowError) => void
}

/** This part of the lease time is left unused at its end: clocks run apart, and what was begun has to end. */
const MARGIN = 0.2
/** A holder claims so often in one lease time. */
const RENEWALS = 3
/** Who waits asks again after this time at the latest, since a holder may let go early. */
const MAX_WAIT_MS = 2_000
const MIN_WAIT_MS = 100

interface Term {
  readonly number: number
  readonly ended: AbortController
  untilMs: number
  untilElapsedMs: number
}

/** One holder's end of a duty. */
export class Duty {
  readonly #options: DutyOptions
  #claimTimer: unknown
  #endTimer: unknown
  #asked = { ms: 0, elapsedMs: 0 }
  #term: Term | undefined
  #isReleased = false

  constructor(options: DutyOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.duty
  }

  /** Whether it is this holder's now, by both clocks. Ask before each step: a process that was stopped finds its timers late. */
  get isHeld(): boolean {
    const { clocks } = this.#options
    const term = this.#term
    return term !== undefined && clocks.now() < term.untilMs && clocks.elapsedMs() < term.untilElapsedMs
  }

  /** The relay has taken this client in. @param leaseMs - What its welcome said; undefined from a relay that grants no duties. */
  connected(leaseMs: number | undefined): void {
    if (leaseMs !== undefined) return this.#claim()
    this.#refused('it is of a version that grants no leases. Update it')
  }

  granted(number: number, leaseMs: number): void {
    const { clocks, timers } = this.#options
    if (this.#isReleased) return
    if (this.#term !== undefined && (!this.isHeld || this.#term.number !== number)) this.#end()
    const usableMs = leaseMs * (1 - MARGIN)
    const until = { untilMs: this.#asked.ms + usableMs, untilElapsedMs: this.#asked.elapsedMs + usableMs }
    this.#claimSoon(leaseMs / RENEWALS)
    timers.clearTimeout(this.#endTimer)
    this.#endTimer = timers.setTimeout(() => this.#end(), until.untilElapsedMs - clocks.elapsedMs())
    if (this.#term !== undefined) return void Object.assign(this.#term, until)
    this.#term = { number, ended: new AbortController(), ...until }
    if (this.isHeld) this.#options.work(this.#term.ended.signal, number)
    else this.#end()
  }

  /** Somebody else has it; a term that runs here runs to its end all the same, which is before theirs begins. */
  denied(reason: string, waitMs: number | undefined): void {
    if (waitMs === undefined) return this.#refused(reason)
    const { random } = this.#options
    this.#claimSoon(Math.min(MAX_WAIT_MS, Math.max(MIN_WAIT_MS, waitMs)) * (1 + random() / 10))
  }

  /** Ends the work, and gives the duty back. */
  release(): void {
    const { duty, holder, line, timers } = this.#options
    if (this.#isReleased) return
    this.#isReleased = true
    timers.clearTimeout(this.#claimTimer)
    this.#end()
    line.post({ kind: 'release', duty, holder })
  }

  #claim(): void {
    const { clocks, duty, holder, line } = this.#options
    if (this.#isReleased) return
    this.#asked = { ms: clocks.now(), elapsedMs: clocks.elapsedMs() }
    line.post({ kind: 'claim', duty, holder })
  }

  #claimSoon(ms: number): void {
    const { timers } = this.#options
    timers.clearTimeout(this.#claimTimer)
    this.#claimTimer = timers.setTimeout(() => this.#claim(), ms)
  }

  #refused(reason: string): void {
    this.#options.onRefused(
      new MerrowError('relay_refused', `The relay does not grant the lease "${this.#options.duty}": ${reason}.`),
    )
  }

  #end(): void {
    this.#options.timers.clearTimeout(this.#endTimer)
    const term = this.#term
    this.#term = undefined
    term?.ended.abort()
  }
}

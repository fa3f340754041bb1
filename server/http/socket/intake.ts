// The receiving side of one WebSocket: reads no faster than its client may send. Knows how much comes, not what it says.
import type { WebSocket } from 'ws'
import { CloseCode } from '../../../src/sync/wire.ts'
import { Bucket, type Rate } from './bucket.ts'
import type { Stop, Timers } from './heartbeat.ts'

/** How fast somebody may send. */
export interface SendRates {
  readonly frames: Rate
  readonly bytes: Rate
  readonly presence: Rate
  /** Frames and openings that are refused. */
  readonly faults: Rate
}

/** A question that makes the relay read a document counts as so many messages. */
const MESSAGES_PER_QUESTION = 20
const INTERNAL_ERROR = 1011

/** Whether a close code says that something was refused, and not that the relay failed or the document is gone. */
export const isRefusal = (code: number): boolean => code !== INTERNAL_ERROR && code !== CloseCode.deleted

/** Counts what comes from one sender: a connection, or all connections of one subject. */
export class Allowance {
  readonly #rates: SendRates
  readonly #now: () => number
  readonly #frames: Bucket
  readonly #bytes: Bucket
  /** These two are made when something is counted: most connections have neither. */
  #presence: Bucket | undefined
  #faults: Bucket | undefined

  /** @param times - So many times the rates, for senders with several connections. */
  constructor(rates: SendRates, now: () => number, times = 1) {
    this.#rates = times === 1 ? rates : scaled(rates, times)
    this.#now = now
    this.#frames = new Bucket(this.#rates.frames, now)
    this.#bytes = new Bucket(this.#rates.bytes, now)
  }

  /** Counts a message. @returns Milliseconds that its sender has to wait. */
  message(bytes: number): number {
    return Math.max(this.#frames.take(1), this.#bytes.take(bytes))
  }

  /** Counts a presence. @returns Milliseconds that its sender has to wait. */
  presence(): number {
    this.#presence ??= new Bucket(this.#rates.presence, this.#now)
    return this.#presence.take(1)
  }

  /** Counts a question, which is a message too. @returns Milliseconds that its sender has to wait. */
  question(): number {
    return this.#frames.take(MESSAGES_PER_QUESTION)
  }

  /** Counts something that was refused. @returns Milliseconds that its sender has to wait. */
  fault(): number {
    this.#faults ??= new Bucket(this.#rates.faults, this.#now)
    return this.#faults.take(1)
  }

  /** Whether nothing of what was counted matters any more. */
  get isFull(): boolean {
    const buckets = [this.#frames, this.#bytes, this.#presence, this.#faults]
    return buckets.every((bucket) => bucket?.isFull !== false)
  }

  /** Whether so much was refused lately that its sender has to wait. */
  get hasManyFaults(): boolean {
    return this.#faults !== undefined && this.#faults.take(0) > 0
  }
}

const scaled = ({ frames, bytes, presence, faults }: SendRates, times: number): SendRates => {
  const more = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * times, burst: burst * times })
  return { frames: more(frames), bytes: more(bytes), presence: more(presence), faults: more(faults) }
}

/** What all {@link Intake}s of a relay share. */
export interface IntakeContext {
  readonly timers: Timers
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  readonly limits: { readonly rates: SendRates }
  /** What may be refused of all connections together: however many there are, those that nothing is refused of keep their turn. */
  readonly refusals: Bucket
}

/** Stops reading from a client that sends too fast, so that it waits instead of the relay buffering. */
export class Intake {
  readonly #socket: WebSocket
  readonly #context: IntakeContext
  /** What this connection may send; none as long as it may send all. */
  #own: Allowance | undefined
  /** That of its subject. */
  #shared: Allowance | undefined
  #stopWaiting: Stop | undefined

  constructor(socket: WebSocket, context: IntakeContext) {
    this.#socket = socket
    this.#context = context
  }

  /** From now on its messages count for its subject too. */
  share(allowance: Allowance): void {
    this.#shared = allowance
  }

  /** Counts a message. */
  message(bytes: number): void {
    this.#wait((allowance) => allowance.message(bytes))
  }

  /** Counts a presence, which is a message too. */
  presence(): void {
    this.#wait((allowance) => allowance.presence())
  }

  /** Counts a question that makes the relay read a document. */
  question(): void {
    this.#wait((allowance) => allowance.question())
  }

  /** Counts something that cost the relay little to refuse, or that failed for the relay's own reasons. */
  fault(): void {
    this.#wait((allowance) => allowance.fault())
  }

  /** Counts a frame or an opening that was refused. */
  refusal(): void {
    this.#wait((allowance) => allowance.fault(), this.#context.refusals.take(1))
  }

  /** Lets go of what was counted, if that matters no more: most connections are idle most of the time. @returns Whether nothing is left. */
  rest(): boolean {
    if (this.#own?.isFull) this.#own = undefined
    return this.#own === undefined && this.#stopWaiting === undefined
  }

  /** The connection has ended. */
  stop(): void {
    this.#stopWaiting?.()
  }

  /** Waits as long as whoever asks for the longest. */
  #wait(count: (allowance: Allowance) => number, leastMs = 0): void {
    const { limits, now, timers } = this.#context
    this.#own ??= new Allowance(limits.rates, now)
    const shared = this.#shared
    const ms = Math.max(leastMs, count(this.#own), shared === undefined ? 0 : count(shared))
    if (ms === 0 || this.#socket.isPaused || this.#socket.readyState !== this.#socket.OPEN) return
    this.#socket.pause()
    this.#stopWaiting = timers.after(ms, () => {
      this.#stopWaiting = undefined
      this.#socket.resume()
    })
  }
}

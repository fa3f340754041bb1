// The receiving side of one WebSocket: reads no faster than its client may send. Knows how much comes, not what it says.
import type { WebSocket } from 'ws'
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

  /** Whether so much was refused lately that its sender has to wait. */
  get hasManyFaults(): boolean {
    return this.#faults !== undefined && this.#faults.take(0) > 0
  }
}

const scaled = ({ frames, bytes, presence, faults }: SendRates, times: number): SendRates => {
  const more = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * times, burst: burst * times })
  return { frames: more(frames), bytes: more(bytes), presence: more(presence), faults: more(faults) }
}

/** Stops reading from a client that sends too fast, so that it waits instead of the relay buffering. */
export class Intake {
  readonly #socket: WebSocket
  readonly #timers: Timers
  readonly #allowances: Allowance[]
  #stopWaiting: Stop | undefined

  constructor(socket: WebSocket, timers: Timers, own: Allowance) {
    this.#socket = socket
    this.#timers = timers
    this.#allowances = [own]
  }

  /** From now on its messages count for its subject too. */
  share(allowance: Allowance): void {
    this.#allowances.push(allowance)
  }

  /** Counts a message. */
  message(bytes: number): void {
    for (const allowance of this.#allowances) this.#wait(allowance.message(bytes))
  }

  /** Counts a presence, which is a message too. */
  presence(): void {
    for (const allowance of this.#allowances) this.#wait(allowance.presence())
  }

  /** Counts a question that makes the relay read a document. */
  question(): void {
    for (const allowance of this.#allowances) this.#wait(allowance.question())
  }

  /** Counts something that was refused. */
  fault(): void {
    for (const allowance of this.#allowances) this.#wait(allowance.fault())
  }

  /** The connection has ended. */
  stop(): void {
    this.#stopWaiting?.()
  }

  #wait(ms: number): void {
    if (ms === 0 || this.#socket.isPaused || this.#socket.readyState !== this.#socket.OPEN) return
    this.#socket.pause()
    this.#stopWaiting = this.#timers.after(ms, () => this.#socket.resume())
  }
}

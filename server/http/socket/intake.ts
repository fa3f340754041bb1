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
  readonly #frames: Bucket
  readonly #bytes: Bucket
  readonly #presence: Bucket
  readonly #faults: Bucket

  /** @param times - So many times the rates, for senders with several connections. */
  constructor(rates: SendRates, now: () => number, times = 1) {
    const scaled = ({ perSecond, burst }: Rate): Rate => ({ perSecond: perSecond * times, burst: burst * times })
    this.#frames = new Bucket(scaled(rates.frames), now)
    this.#bytes = new Bucket(scaled(rates.bytes), now)
    this.#presence = new Bucket(scaled(rates.presence), now)
    this.#faults = new Bucket(scaled(rates.faults), now)
  }

  /** Counts a message. @returns Milliseconds that its sender has to wait. */
  message(bytes: number): number {
    return Math.max(this.#frames.take(1), this.#bytes.take(bytes))
  }

  /** Counts a presence. @returns Milliseconds that its sender has to wait. */
  presence(): number {
    return this.#presence.take(1)
  }

  /** Counts a question, which is a message too. @returns Milliseconds that its sender has to wait. */
  question(): number {
    return this.#frames.take(MESSAGES_PER_QUESTION)
  }

  /** Counts something that was refused. @returns Milliseconds that its sender has to wait. */
  fault(): number {
    return this.#faults.take(1)
  }

  /** Whether so much was refused lately that its sender has to wait. */
  get hasManyFaults(): boolean {
    return this.#faults.take(0) > 0
  }
}

/** Stops reading from a client that sends too fast, so that it waits instead of the relay buffering. */
export class Intake {
  readonly #socket: WebSocket
  readonly #timers: Timers
  readonly #allowances: Allowance[]
  #stopWaiting: Stop = () => {}

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
    this.#stopWaiting()
  }

  #wait(ms: number): void {
    if (ms === 0 || this.#socket.isPaused || this.#socket.readyState !== this.#socket.OPEN) return
    this.#socket.pause()
    this.#stopWaiting = this.#timers.after(ms, () => this.#socket.resume())
  }
}

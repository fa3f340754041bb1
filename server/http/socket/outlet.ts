// The sending side of one WebSocket: one write a turn, and no buffering without end for a slow client. Knows bytes, not what they say.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Timers } from './heartbeat.ts'
import { packetOf } from './packets.ts'

/** How all {@link Outlet}s of a relay are set up. */
export interface OutletOptions {
  /** Unsent bytes at which a client counts as too slow, not counting answers and what is larger than this by itself. */
  readonly maxBacklogBytes: number
  readonly timers: Timers
  /** Told when a slow client is closed, and which document it had open if it is a stock client. */
  readonly onSlow: (backlogBytes: number, document: string | undefined) => void
}

/** The stream under a WebSocket, as the upgrade brought it. */
export type Stream = Duplex & { readonly bytesWritten?: number }

const TRY_AGAIN_LATER = 1013
const MAX_REASON_BYTES = 123
/** What is larger than the bound by itself is excused, as long as no more than so many times the bound of such is unsent. */
const EXCUSED_TIMES = 16
/** A client that does not answer a close frame is cut off after this, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000

/** An outlet as those see it who send through it. */
export type Sending = Omit<Outlet, 'uncork'>

/**
 * Sends to one client, whose messages are never compressed, so that packets may go past its WebSocket. Sending to a closed one does nothing.
 * A class, and no closures: there is one for each idle connection.
 */
export class Outlet {
  readonly #socket: WebSocket
  readonly #stream: Stream
  readonly #options: OutletOptions
  readonly #document: string | undefined
  /** Unsent bytes that say nothing of the client's speed: answers, for a joiner of a large document is not slow, and large updates. */
  #excusedBytes = 0
  /** Those of large updates. */
  #largeBytes = 0
  #isCorked = false

  /** @param options - The same for all. @param document - That of a stock client. */
  constructor(socket: WebSocket, stream: Stream, options: OutletOptions, document?: string) {
    this.#socket = socket
    this.#stream = stream
    this.#options = options
    this.#document = document
  }

  /** Sends one message. */
  send(message: Uint8Array): void {
    this.answer([packetOf(message)])
  }

  /** Sends what the client asked for, however large, framed already. */
  answer(packets: readonly Uint8Array[]): void {
    if (!this.#isOpen) return
    const unsentBytes = this.#noteSent()
    this.#write(packets)
    this.#excusedBytes += this.#stream.writableLength - unsentBytes
  }

  /** Sends what all get, framed already, unless the client is too far behind; such a one is closed with 1013 and comes back by handshake. */
  broadcast(packets: readonly Uint8Array[]): void {
    if (!this.#isOpen) return
    const { maxBacklogBytes, onSlow } = this.#options
    const unsentBytes = this.#noteSent()
    const backlogBytes = unsentBytes - this.#excusedBytes
    if (backlogBytes > maxBacklogBytes) {
      onSlow(backlogBytes, this.#document)
      return this.close(TRY_AGAIN_LATER, 'too slow; connect again')
    }
    this.#write(packets)
    const bytes = this.#stream.writableLength - unsentBytes
    if (bytes <= maxBacklogBytes || this.#largeBytes > EXCUSED_TIMES * maxBacklogBytes) return
    this.#excusedBytes += bytes
    this.#largeBytes += bytes
  }

  /** Bytes that have left this process, to tell a slow client from a dead one. */
  get sentBytes(): number {
    return (this.#stream.bytesWritten ?? 0) - this.#stream.writableLength
  }

  /** Whether some have not. */
  get isBehind(): boolean {
    return this.#stream.writableLength > 0
  }

  /** Closes the connection; the reason is cut to what a close frame holds. */
  close(code: number, reason: string): void {
    if (!this.#isOpen) return
    const socket = this.#socket
    socket.close(code, cut(reason))
    const stop = this.#options.timers.after(CLOSE_TIMEOUT_MS, () => socket.terminate())
    socket.once('close', stop)
  }

  get #isOpen(): boolean {
    return this.#socket.readyState === this.#socket.OPEN
  }

  /** Takes note of what has left meanwhile. @returns Bytes still unsent. */
  #noteSent(): number {
    const unsentBytes = this.#stream.writableLength
    this.#excusedBytes = Math.min(this.#excusedBytes, unsentBytes)
    this.#largeBytes = Math.min(this.#largeBytes, unsentBytes)
    return unsentBytes
  }

  #write(packets: readonly Uint8Array[]): void {
    const stream = this.#stream
    if (!this.#isCorked) {
      // Whatever this turn sends goes to the kernel at once.
      this.#isCorked = true
      stream.cork()
      if (corked.push(this) === 1) process.nextTick(uncorkAll)
    }
    for (const packet of packets) stream.write(packet)
  }

  /** The turn is over. */
  uncork(): void {
    this.#isCorked = false
    this.#stream.uncork()
  }
}

/** Outlets that were written to in this turn: one callback for all, since a broadcast writes to a thousand. */
let corked: Outlet[] = []

const uncorkAll = (): void => {
  const outlets = corked
  corked = []
  for (const outlet of outlets) outlet.uncork()
}

const cut = (reason: string): string => {
  const bytes = Buffer.from(reason)
  if (bytes.length <= MAX_REASON_BYTES) return reason
  // A character that the cut falls into is left out.
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES - 3), { stream: true })
}

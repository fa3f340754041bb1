// The sending side of one WebSocket: one write a turn, and no buffering without end for a slow client. Knows bytes, not what they say.
import type { Duplex } from 'node:stream'
import type { WebSocket } from 'ws'
import type { Timers } from './heartbeat.ts'
import { packetOf } from './packets.ts'

/** Sends to one client. Sending to a closed one does nothing. */
export interface Outlet {
  /** Sends one message. */
  send(message: Uint8Array): void
  /** Sends what the client asked for, however large, framed already. */
  answer(packets: readonly Uint8Array[]): void
  /** Sends what all get, framed already, unless the client is too far behind; such a one is closed with 1013 and comes back by handshake. */
  broadcast(packets: readonly Uint8Array[]): void
  /** Bytes that have left this process, to tell a slow client from a dead one. */
  readonly sentBytes: number
  /** Whether some have not. */
  readonly isBehind: boolean
  /** Closes the connection; the reason is cut to what a close frame holds. */
  close(code: number, reason: string): void
}

/** How an {@link Outlet} is set up. */
export interface OutletOptions {
  /** The stream under the WebSocket, as the upgrade brought it. */
  readonly stream: Duplex & { readonly bytesWritten?: number }
  /** Unsent bytes at which a client counts as too slow, not counting answers and what is larger than this by itself. */
  readonly maxBacklogBytes: number
  readonly timers: Timers
  /** Told when a slow client is closed. */
  readonly onSlow: (backlogBytes: number) => void
}

const TRY_AGAIN_LATER = 1013
const MAX_REASON_BYTES = 123
/** What is larger than the bound by itself is excused, as long as no more than so many times the bound of such is unsent. */
const EXCUSED_TIMES = 16
/** A client that does not answer a close frame is cut off after this, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000

/** Creates the sending side of `socket`, whose messages are never compressed, so that packets may go past it. */
export const createOutlet = (socket: WebSocket, options: OutletOptions): Outlet => {
  const { stream, maxBacklogBytes, timers, onSlow } = options
  /** Unsent bytes that say nothing of the client's speed: answers, for a joiner of a large document is not slow, and large updates. */
  let excusedBytes = 0
  /** Those of large updates. */
  let largeBytes = 0
  let isCorked = false

  const isOpen = () => socket.readyState === socket.OPEN
  const write = (packets: readonly Uint8Array[]) => {
    if (!isCorked) {
      // Whatever this turn sends goes to the kernel at once.
      isCorked = true
      stream.cork()
      process.nextTick(() => {
        isCorked = false
        stream.uncork()
      })
    }
    for (const packet of packets) stream.write(packet)
  }
  const noteSent = (): number => {
    const unsentBytes = stream.writableLength
    excusedBytes = Math.min(excusedBytes, unsentBytes)
    largeBytes = Math.min(largeBytes, unsentBytes)
    return unsentBytes
  }
  const answer = (packets: readonly Uint8Array[]) => {
    if (!isOpen()) return
    const unsentBytes = noteSent()
    write(packets)
    excusedBytes += stream.writableLength - unsentBytes
  }
  const close = (code: number, reason: string) => {
    if (!isOpen()) return
    socket.close(code, cut(reason))
    const stop = timers.after(CLOSE_TIMEOUT_MS, () => socket.terminate())
    socket.once('close', stop)
  }

  return {
    send: (message) => answer([packetOf(message)]),
    answer,
    broadcast(packets) {
      if (!isOpen()) return
      const unsentBytes = noteSent()
      const backlogBytes = unsentBytes - excusedBytes
      if (backlogBytes > maxBacklogBytes) {
        onSlow(backlogBytes)
        return close(TRY_AGAIN_LATER, 'too slow; connect again')
      }
      write(packets)
      const bytes = stream.writableLength - unsentBytes
      if (bytes <= maxBacklogBytes || largeBytes > EXCUSED_TIMES * maxBacklogBytes) return
      excusedBytes += bytes
      largeBytes += bytes
    },
    get sentBytes() {
      return (stream.bytesWritten ?? 0) - stream.writableLength
    },
    get isBehind() {
      return stream.writableLength > 0
    },
    close,
  }
}

const cut = (reason: string): string => {
  const bytes = Buffer.from(reason)
  if (bytes.length <= MAX_REASON_BYTES) return reason
  // A character that the cut falls into is left out.
  return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES - 3), { stream: true })
}

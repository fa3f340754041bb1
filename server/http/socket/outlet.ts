// The sending side of one WebSocket: refuses to buffer without end for a slow client. Knows bytes, not what they say.
import type { WebSocket } from 'ws'
import type { Timers } from './heartbeat.ts'

/** Sends to one client. Sending to a closed one does nothing. */
export interface Outlet {
  /** Sends what the client asked for, however large. */
  answer(bytes: Uint8Array): void
  /** Sends what all get, unless the client is too far behind; such a one is closed with 1013 and comes back by handshake. */
  broadcast(bytes: Uint8Array): void
  /** Closes the connection; the reason is cut to what a close frame holds. */
  close(code: number, reason: string): void
}

/** How an {@link Outlet} is set up. */
export interface OutletOptions {
  /** Unsent bytes at which a client counts as too slow, not counting answers. */
  readonly maxBacklogBytes: number
  readonly timers: Timers
  /** Told when a slow client is closed. */
  readonly onSlow: (backlogBytes: number) => void
}

const TRY_AGAIN_LATER = 1013
const MAX_REASON_BYTES = 123
/** A client that does not answer a close frame is cut off after this, in milliseconds. */
const CLOSE_TIMEOUT_MS = 5_000
const BINARY = { binary: true, compress: false }

/** Creates the sending side of `socket`. */
export const createOutlet = (socket: WebSocket, { maxBacklogBytes, timers, onSlow }: OutletOptions): Outlet => {
  /** Unsent bytes that answers account for: a joiner of a large document is not slow. */
  let answeredBytes = 0

  const isOpen = () => socket.readyState === socket.OPEN
  const close = (code: number, reason: string) => {
    if (!isOpen()) return
    socket.close(code, cut(reason))
    const stop = timers.after(CLOSE_TIMEOUT_MS, () => socket.terminate())
    socket.once('close', stop)
  }

  return {
    answer(bytes) {
      if (!isOpen()) return
      const before = socket.bufferedAmount
      socket.send(bytes, BINARY)
      answeredBytes = Math.min(answeredBytes, before) + (socket.bufferedAmount - before)
    },
    broadcast(bytes) {
      if (!isOpen()) return
      answeredBytes = Math.min(answeredBytes, socket.bufferedAmount)
      const backlogBytes = socket.bufferedAmount - answeredBytes
      if (backlogBytes <= maxBacklogBytes) {
        socket.send(bytes, BINARY)
        return
      }
      onSlow(backlogBytes)
      close(TRY_AGAIN_LATER, 'too slow; connect again')
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

// One stock y-websocket connection (`/yjs/<room>`): one document, frames as they are. Knows nothing of channels.
import type { WebSocket } from 'ws'
import { CloseCode, KEEP_ALIVE_FRAME } from '../../../src/sync/wire.ts'
import { bytesOf, type SocketContext } from './context.ts'
import { createOutlet } from './outlet.ts'

/** Largest message of a stock client, which cannot send in parts, in bytes. */
export const MAX_STOCK_MESSAGE_BYTES = 16 * 1024 * 1024

/** Serves one stock connection to `document` until it closes. */
export const serveStockSocket = (socket: WebSocket, document: string, context: SocketContext): void => {
  const { heartbeat, hub, limits, logger, timers } = context
  const outlet = createOutlet(socket, {
    maxBacklogBytes: limits.maxBacklogBytes,
    timers,
    onSlow: (backlogBytes) => logger('warn', 'slow client closed', { document, backlogBytes }),
  })
  socket.on('error', (error) => logger('warn', 'stock socket failed', { document, error: error.message }))
  if (!hub.isName(document)) {
    outlet.close(CloseCode.badFrame, 'not a document name')
    return
  }

  const membership = hub.join(document, {
    broadcast: (frame) => outlet.broadcast(frame.bytes),
    answer: (frame) => outlet.answer(frame.bytes),
    acknowledge: () => {},
    close: (code, reason) => outlet.close(code, reason),
  })
  const pulse = heartbeat.watch({
    ping() {
      // The frame keeps the client from hanging up, the ping brings a sign of life from one that only listens.
      outlet.answer(KEEP_ALIVE_FRAME)
      if (socket.readyState === socket.OPEN) socket.ping()
    },
    hangUp: () => socket.terminate(),
  })

  socket.on('pong', () => pulse.heard())
  socket.on('message', (data, isBinary) => {
    pulse.heard()
    try {
      membership.receive(bytesOf(data, isBinary, MAX_STOCK_MESSAGE_BYTES))
    } catch (error) {
      outlet.close(CloseCode.badFrame, error instanceof Error ? error.message : String(error))
    }
  })
  socket.on('close', () => {
    pulse.stop()
    membership.leave()
  })
}

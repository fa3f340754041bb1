// One stock y-websocket connection (`/yjs/<room>`): one document, frames as they are. Knows nothing of channels.
import { CloseCode, FrameType, KEEP_ALIVE_FRAME, SyncType } from '../../../src/sync/wire.ts'
import type { Identity } from '../../auth/identity.ts'
import { bytesOf, type Client, type SocketContext } from './context.ts'
import { Allowance, Intake } from './intake.ts'
import { createOutlet } from './outlet.ts'
import { packetOf, stockBatch, stockPackets } from './packets.ts'

/** Largest message of a stock client, which cannot send in parts, in bytes. */
export const MAX_STOCK_MESSAGE_BYTES = 16 * 1024 * 1024
const TRY_AGAIN_LATER = 1013
const KEEP_ALIVE = [packetOf(KEEP_ALIVE_FRAME)]

/** Serves one stock connection to `document` until it closes. */
export const serveStockSocket = (
  client: Client,
  document: string,
  identity: Identity,
  context: SocketContext,
): void => {
  const { socket, stream } = client
  const { heartbeat, hub, limits, logger, now, sessions, timers } = context
  const outlet = createOutlet(socket, {
    stream,
    maxBacklogBytes: limits.maxBacklogBytes,
    timers,
    onSlow: (backlogBytes) => logger('warn', 'slow client closed', { document, backlogBytes }),
  })
  socket.on('error', (error) => logger('warn', 'stock socket failed', { document, error: error.message }))
  if (!hub.isName(document)) return outlet.close(CloseCode.badFrame, 'not a document name')
  const session = sessions.start(identity, outlet.close)
  if (session === undefined) return outlet.close(TRY_AGAIN_LATER, 'too many connections or faults of this user')
  if (session.access(document) === 'none') {
    sessions.stop(session)
    return outlet.close(CloseCode.forbidden, 'the token does not allow this document')
  }

  const intake = new Intake(socket, timers, new Allowance(limits.rates, now))
  const allowance = sessions.allowanceOf(session)
  if (allowance !== undefined) intake.share(allowance)
  const membership = hub.join(
    document,
    {
      isEchoed: true,
      broadcast: (batch) => outlet.broadcast(stockBatch(batch)),
      answer: (frame) => outlet.answer(stockPackets(frame)),
      acknowledge: () => {},
      costs: () => intake.question(),
      close(code, reason) {
        intake.fault()
        outlet.close(code, reason)
      },
    },
    { subject: session.subject, access: () => session.access(document) },
  )
  const pulse = heartbeat.watch({
    ping() {
      // The frame keeps the client from hanging up, the ping brings a sign of life from one that only listens.
      outlet.answer(KEEP_ALIVE)
      if (socket.readyState === socket.OPEN) socket.ping()
    },
    hangUp: () => socket.terminate(),
    get sentBytes() {
      return outlet.sentBytes
    },
    get isBehind() {
      return outlet.isBehind
    },
  })

  socket.on('pong', () => pulse.heard())
  socket.on('message', (data, isBinary) => {
    pulse.heard()
    if (socket.readyState !== socket.OPEN) return
    try {
      const frame = bytesOf(data, isBinary, MAX_STOCK_MESSAGE_BYTES)
      intake.message(frame.length)
      if (frame[0] === FrameType.awareness) intake.presence()
      if (frame[0] === FrameType.sync && frame[1] === SyncType.step1) intake.question()
      membership.receive(frame)
    } catch (error) {
      outlet.close(CloseCode.badFrame, error instanceof Error ? error.message : String(error))
    }
  })
  socket.on('close', () => {
    pulse.stop()
    intake.stop()
    sessions.stop(session)
    membership.leave()
  })
}

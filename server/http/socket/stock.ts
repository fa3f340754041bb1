// One stock y-websocket connection (`/yjs/<room>`): one document, frames as they are. Knows nothing of channels.

import type { RawData } from 'ws'
import { CloseCode, FrameType, KEEP_ALIVE_FRAME, SyncType } from '../../../src/sync/wire.ts'
import type { Access } from '../../auth/grants.ts'
import type { Identity } from '../../auth/identity.ts'
import type { Entrant, Member, RoomBatch, RoomFrame } from '../../room/member.ts'
import type { Membership } from '../../room/membership.ts'
import type { ConnectedSocket, Connection } from './connection.ts'
import { bytesOf, type Client, type SocketContext } from './context.ts'
import { type Line, Peer } from './heartbeat.ts'
import { Intake, isRefusal } from './intake.ts'
import { Outlet } from './outlet.ts'
import { packetOf, stockBatch, stockPackets } from './packets.ts'
import type { Session } from './sessions.ts'

/** Largest message of a stock client, which cannot send in parts, in bytes. */
export const MAX_STOCK_MESSAGE_BYTES = 16 * 1024 * 1024
const TRY_AGAIN_LATER = 1013
const KEEP_ALIVE = [packetOf(KEEP_ALIVE_FRAME)]

/** Serves one stock connection to a document until it closes. */
export const serveStockSocket = (client: Client, asked: string, identity: Identity, context: SocketContext): void => {
  const { socket, stream } = client
  const { hub, outlets, sessions } = context
  const document = hub.shared(asked)
  const outlet = new Outlet(socket, stream, outlets, document)
  const refuse = (code: number, reason: string): void => {
    socket.on('error', () => socket.terminate())
    outlet.close(code, reason)
  }
  if (!hub.isName(document)) return refuse(CloseCode.badFrame, 'not a document name')
  const session = sessions.start(identity, outlet)
  if (session === undefined) return refuse(TRY_AGAIN_LATER, 'too many connections or faults of this user')
  if (session.access(document) === 'none') {
    sessions.stop(session)
    return refuse(CloseCode.forbidden, 'the token does not allow this document')
  }
  socket.connection = new StockSocket(socket, outlet, session, document, context)
}

/** One connection, as its room and the heartbeat see it: all of them are one object, for there is one for each idle client. */
class StockSocket extends Peer implements Connection, Member, Entrant {
  readonly #socket: ConnectedSocket
  readonly #outlet: Outlet
  readonly #session: Session
  readonly #document: string
  readonly #context: SocketContext
  /** None while nothing that it has sent matters any more. */
  #counting: Intake | undefined
  readonly #membership: Membership

  constructor(socket: ConnectedSocket, outlet: Outlet, session: Session, document: string, context: SocketContext) {
    super()
    const { heartbeat, hub } = context
    this.#socket = socket
    this.#outlet = outlet
    this.#session = session
    this.#document = document
    this.#context = context
    this.#membership = hub.join(document, this, this)
    heartbeat.watch(this)
  }

  receive(data: RawData, isBinary: boolean): void {
    this.heard()
    if (this.#socket.readyState !== this.#socket.OPEN) return
    try {
      const frame = bytesOf(data, isBinary, MAX_STOCK_MESSAGE_BYTES)
      this.#intake.message(frame.length)
      if (frame[0] === FrameType.awareness) this.#intake.presence()
      if (frame[0] === FrameType.sync && frame[1] === SyncType.step1) this.#intake.question()
      this.#membership.receive(frame)
    } catch (error) {
      this.#outlet.close(CloseCode.badFrame, error instanceof Error ? error.message : String(error))
    }
  }

  /** It hears of what it wrote by its echo. */
  get isEchoed(): true {
    return true
  }

  get line(): Line {
    return this.#outlet
  }

  failed(error: Error): void {
    this.#context.logger('warn', 'stock socket failed', { document: this.#document, error: error.message })
  }

  end(): void {
    this.#context.heartbeat.forget(this)
    this.#counting?.stop()
    this.#context.sessions.stop(this.#session)
    this.#membership.leave()
  }

  get subject(): string | undefined {
    return this.#session.subject
  }

  access(): Access {
    return this.#session.access(this.#document)
  }

  broadcast(batch: RoomBatch): void {
    this.#outlet.broadcast(stockBatch(batch))
  }

  answer(frame: RoomFrame): void {
    this.#outlet.answer(stockPackets(frame))
  }

  /** It hears of what it wrote by its echo. */
  acknowledge(): void {}

  costs(): void {
    this.#intake.question()
  }

  close(code: number, reason: string): void {
    if (isRefusal(code)) this.#intake.refusal()
    else this.#intake.fault()
    this.#outlet.close(code, reason)
  }

  ping(): void {
    if (this.#counting?.rest()) this.#counting = undefined
    // The frame keeps the client from hanging up, the ping brings a sign of life from one that only listens.
    this.#outlet.answer(KEEP_ALIVE)
    if (this.#socket.readyState === this.#socket.OPEN) this.#socket.ping()
  }

  hangUp(): void {
    this.#socket.terminate()
  }

  get #intake(): Intake {
    if (this.#counting !== undefined) return this.#counting
    const intake = new Intake(this.#socket, this.#context)
    const allowance = this.#context.sessions.allowanceOf(this.#session)
    if (allowance !== undefined) intake.share(allowance)
    this.#counting = intake
    return intake
  }
}

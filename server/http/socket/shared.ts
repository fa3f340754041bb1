// One shared socket (`/sync`): hello first, then channels. Knows the messages, and leaves their frames to the rooms.
import type { RawData, WebSocket } from 'ws'
import {
  CloseCode,
  decodeMessage,
  encodeMessage,
  type Message,
  SUBPROTOCOL,
  WIRE_VERSION,
} from '../../../src/sync/wire.ts'
import { Channels } from './channels.ts'
import { bytesOf, type SocketContext } from './context.ts'
import type { Pulse, Stop } from './heartbeat.ts'
import { createOutlet, type Outlet } from './outlet.ts'

const HELLO_TIMEOUT_MS = 10_000
const MAX_HELLO_BYTES = 4096
const PING = encodeMessage({ kind: 'ping' })

/** Says which protocol this relay speaks, in the words of a close reason. */
export const WRONG_VERSION = `this relay speaks ${SUBPROTOCOL} (version ${WIRE_VERSION}); update the older side`

/** Serves one shared socket until it closes. */
export const serveSharedSocket = (socket: WebSocket, context: SocketContext): void => {
  const shared = new SharedSocket(socket, context)
  socket.on('message', (data, isBinary) => shared.receive(data, isBinary))
  // ws closes by itself after an error, with the code that fits.
  socket.on('error', (error) => context.logger('warn', 'shared socket failed', { error: error.message }))
  socket.on('close', () => shared.end())
}

class SharedSocket {
  readonly #socket: WebSocket
  readonly #context: SocketContext
  readonly #outlet: Outlet
  readonly #channels: Channels
  readonly #pulse: Pulse
  readonly #stopWaiting: Stop
  #isGreeted = false

  constructor(socket: WebSocket, context: SocketContext) {
    const { heartbeat, hub, limits, logger, timers } = context
    this.#socket = socket
    this.#context = context
    this.#outlet = createOutlet(socket, {
      maxBacklogBytes: limits.maxBacklogBytes,
      timers,
      onSlow: (backlogBytes) => logger('warn', 'slow client closed', { backlogBytes }),
    })
    this.#channels = new Channels(hub, this.#outlet, limits)
    this.#pulse = heartbeat.watch({ ping: () => this.#outlet.answer(PING), hangUp: () => socket.terminate() })
    this.#stopWaiting = timers.after(HELLO_TIMEOUT_MS, () => this.#refuse(CloseCode.badFrame, 'no hello within 10 s'))
  }

  receive(data: RawData, isBinary: boolean): void {
    this.#pulse.heard()
    if (this.#socket.readyState !== this.#socket.OPEN) return
    try {
      const bytes = bytesOf(data, isBinary, this.#isGreeted ? Number.POSITIVE_INFINITY : MAX_HELLO_BYTES)
      const message = decodeMessage(bytes)
      if (this.#isGreeted) this.#act(message)
      else this.#greet(message)
    } catch (error) {
      this.#refuse(CloseCode.badFrame, error instanceof Error ? error.message : String(error))
    }
  }

  end(): void {
    this.#stopWaiting()
    this.#pulse.stop()
    this.#channels.leaveAll()
  }

  #greet(message: Message): void {
    if (message.kind !== 'hello') this.#refuse(CloseCode.badFrame, `the first message is hello, not ${message.kind}`)
    else if (message.version !== WIRE_VERSION) this.#refuse(CloseCode.wrongVersion, WRONG_VERSION)
    else if (!this.#context.gate.admits(message.token)) this.#refuse(CloseCode.unauthorised, 'wrong or missing token')
    else {
      this.#isGreeted = true
      this.#stopWaiting()
      this.#outlet.answer(encodeMessage({ kind: 'welcome', version: WIRE_VERSION, relay: this.#context.relayName }))
    }
  }

  #act(message: Message): void {
    switch (message.kind) {
      case 'open':
        this.#open(message.channel, message.document)
        break
      case 'frame':
        // A channel that the relay has closed may still have frames on their way; they are dropped.
        this.#channels.get(message.channel)?.frame(message.bytes)
        break
      case 'part':
        this.#channels.get(message.channel)?.part(message.bytes)
        break
      case 'close':
        this.#channels.leave(message.channel)
        break
      case 'pong':
        break
      case 'hello':
      case 'welcome':
      case 'opened':
      case 'ack':
      case 'ping':
        this.#refuse(CloseCode.badFrame, `a client does not send ${message.kind} here`)
    }
  }

  #open(channel: number, document: string): void {
    const fault = this.#channels.open(channel, document)
    if (fault !== undefined) this.#outlet.answer(encodeMessage({ kind: 'close', channel, ...fault }))
  }

  #refuse(code: number, reason: string): void {
    this.#context.logger('warn', 'shared socket refused', { code, reason })
    this.#outlet.close(code, reason)
  }
}

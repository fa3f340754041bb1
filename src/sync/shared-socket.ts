// The shared socket: one WebSocket for all documents, kept open, with backoff. Knows the wire; not what the frames say.
import { MerrowError } from '../errors.ts'
import type { Digest } from './digest.js'
import type { Duty } from './duty.ts'
import { FrameParts } from './frame-parts.ts'
import type { Connection } from './port.ts'
import { refusal, unreachable } from './relay-errors.ts'
import { platformSocket, type Socket, type SocketClass, type Timers } from './socket.ts'
import { TokenRenewal, type TokenSource } from './token-renewal.ts'
import {
  CloseCode,
  cutFrame,
  decodeMessage,
  encodeMessage,
  isPermanent,
  type Message,
  PING_INTERVAL_MS,
  SUBPROTOCOL,
  WIRE_VERSION,
} from './wire.ts'

/** One document's end of the shared socket. */
export interface ChannelEnd {
  readonly document: string
  /** Client id that it writes under. */
  readonly client: number
  /** The channel is open: frames may be sent. */
  onOpen(): void
  onFrame(bytes: Uint8Array): void
  /** The relay has the first `count` update frames of this channel on disk. */
  onAck(count: number): void
  /** The relay has closed this channel. */
  onClose(code: number, reason: string): void
  /** The connection is lost, and this channel with it. */
  onLost(reason: string): void
  onKeepAlive(): void
}

/** What a shared socket is given to work with. */
export interface SharedSocketOptions {
  readonly url: string
  readonly token: TokenSource | undefined
  readonly socketClass: SocketClass | undefined
  readonly timers: Timers
  /** A number from 0 to 1, for jitter. */
  readonly random: () => number
  readonly onStatus: () => void
}

const FIRST_BACKOFF_MS = 250
const LAST_BACKOFF_MS = 30_000
const SILENCE_MS = 3 * PING_INTERVAL_MS

/** Keeps one WebSocket to the relay open and shares it among channels. */
export class SharedSocket {
  readonly #options: SharedSocketOptions
  readonly #waiting = new Set<ChannelEnd>()
  readonly #byChannel = new Map<number, ChannelEnd>()
  readonly #byRoom = new Map<number, ChannelEnd>()
  readonly #duties = new Map<string, Duty>()
  /** What the relay's welcome said of leases; `none` without a connection. */
  #leaseMs: number | undefined | 'none' = 'none'
  readonly #parts = new FrameParts()
  readonly #renewal: TokenRenewal
  #socket: Socket | undefined
  #isOpen = false
  #takesDigests = false
  #wanted = false
  #connection: Connection = 'offline'
  #error: unknown
  #attempts = 0
  #lastChannel = 0
  /** Of several attempts that overlap, the last counts. */
  #lastAttempt = 0
  #retryTimer: unknown
  #silenceTimer: unknown

  constructor(options: SharedSocketOptions) {
    this.#options = options
    this.#renewal = new TokenRenewal(options.token, options.timers, (token) => this.#post({ kind: 'token', token }))
  }

  get connection(): Connection {
    return this.#connection
  }

  /** Why there is no connection, as far as is known. */
  get error(): unknown {
    return this.#error
  }

  /** Connects, and connects again whenever the connection is lost. */
  connect(): void {
    if (this.#wanted && this.#connection !== 'refused') return this.#hurry()
    this.#wanted = true
    this.#attempts = 0
    void this.#open()
  }

  /** Disconnects until `connect`. */
  disconnect(): void {
    this.#wanted = false
    this.#options.timers.clearTimeout(this.#retryTimer)
    this.#drop('disconnected by the app')
    this.#show('offline', undefined)
  }

  /** Opens a channel as soon as there is a connection. */
  attach(end: ChannelEnd): void {
    if (this.#isOpen) this.#openChannel(end)
    else this.#waiting.add(end)
  }

  /** Ends a channel from this side. */
  detach(end: ChannelEnd): void {
    this.#waiting.delete(end)
    for (const [channel, other] of this.#byChannel)
      if (other === end) this.#forget(channel, end, { kind: 'close', channel, code: 1000, reason: '' })
  }

  /** Whether the relay compares what documents say. */
  get takesDigests(): boolean {
    return this.#isOpen && this.#takesDigests
  }

  /** Sends what a channel's document says. */
  sendDigest(end: ChannelEnd, digest: Digest): void {
    for (const [channel, other] of this.#byChannel) if (other === end) this.#post({ kind: 'digest', channel, digest })
  }

  /** Claims a duty whenever there is a connection, until it is taken out. */
  takeOn(duty: Duty): void {
    this.#duties.set(duty.name, duty)
    if (this.#leaseMs !== 'none') duty.connected(this.#leaseMs)
  }

  /** Gives a duty back. */
  putDown(duty: Duty): void {
    if (this.#duties.get(duty.name) === duty) this.#duties.delete(duty.name)
    duty.release()
  }

  /** Sends a message if the relay has taken this client in. */
  post(message: Message): void {
    if (this.#isOpen) this.#post(message)
  }

  /** Sends one frame, in parts if it is long. Frames of a channel that is not open are dropped. */
  send(end: ChannelEnd, frame: Uint8Array): void {
    for (const [channel, other] of this.#byChannel)
      if (other === end) for (const message of cutFrame(channel, frame)) this.#post(message)
  }

  async #open(): Promise<void> {
    if (!this.#wanted || this.#socket !== undefined) return
    const attempt = ++this.#lastAttempt
    const isCurrent = (): boolean => this.#wanted && this.#socket === undefined && attempt === this.#lastAttempt
    this.#show('connecting', this.#error)
    try {
      const { token } = this.#options
      const SocketType = this.#options.socketClass ?? (await platformSocket())
      const text = typeof token === 'function' ? await token() : token
      if (isCurrent()) this.#start(SocketType, text)
    } catch (cause) {
      if (isCurrent()) this.#retry(unreachable(this.#options.url, String(cause), cause))
    }
  }

  #start(SocketType: SocketClass, token: string | undefined): void {
    const socket = new SocketType(this.#options.url, [SUBPROTOCOL])
    this.#socket = socket
    socket.binaryType = 'arraybuffer'
    socket.onopen = () => {
      if (this.#socket === socket) this.#greet(socket, token)
    }
    socket.onmessage = ({ data }) => {
      if (this.#socket === socket) this.#receive(data)
    }
    socket.onerror = () => {}
    socket.onclose = ({ code, reason }) => {
      if (this.#socket === socket) this.#lose(code, reason)
    }
    this.#watchSilence()
  }

  #greet(socket: Socket, token: string | undefined): void {
    if (socket.protocol !== SUBPROTOCOL)
      return this.#lose(CloseCode.wrongVersion, `it chose the subprotocol "${socket.protocol}"`)
    this.#post(
      token === undefined ? { kind: 'hello', version: WIRE_VERSION } : { kind: 'hello', version: WIRE_VERSION, token },
    )
  }

  /** The relay reads next to nothing before it knows who is speaking, so channels wait until now. */
  #enter({ version, expiresInMs, leaseMs, takesDigests = false }: Extract<Message, { kind: 'welcome' }>): void {
    if (version !== WIRE_VERSION) return this.#lose(CloseCode.wrongVersion, `it speaks version ${version}`)
    this.#isOpen = true
    this.#takesDigests = takesDigests
    this.#leaseMs = leaseMs
    this.#renewal.expiresIn(expiresInMs)
    const waiting = [...this.#waiting]
    this.#waiting.clear()
    for (const end of waiting) this.#openChannel(end)
    for (const duty of [...this.#duties.values()]) duty.connected(leaseMs)
    this.#show('connected', undefined)
  }

  #openChannel(end: ChannelEnd): void {
    const channel = ++this.#lastChannel
    this.#byChannel.set(channel, end)
    this.#post({ kind: 'open', channel, document: end.document, client: end.client })
    end.onOpen()
  }

  #receive(data: unknown): void {
    this.#watchSilence()
    try {
      if (!(data instanceof ArrayBuffer))
        throw new MerrowError('invalid_frame', 'The relay sent a text message; this protocol has none.')
      this.#handle(decodeMessage(new Uint8Array(data)))
    } catch (error) {
      this.#drop('unreadable message')
      this.#retry(error)
    }
  }

  #handle(message: Message): void {
    switch (message.kind) {
      case 'welcome':
        return this.#enter(message)
      case 'renewed':
        return this.#renewal.expiresIn(message.expiresInMs)
      case 'opened': {
        const end = this.#byChannel.get(message.channel)
        if (end !== undefined) this.#byRoom.set(message.room, end)
        return
      }
      case 'frame':
        return this.#byRoom.get(message.channel)?.onFrame(this.#parts.join(message.channel, message.bytes))
      case 'part':
        // A long frame is on its way: nobody is to take the silence meanwhile for a lost connection.
        for (const end of this.#byChannel.values()) end.onKeepAlive()
        return this.#parts.add(message.channel, message.bytes)
      case 'granted':
        return this.#duties.get(message.duty)?.granted(message.number, message.leaseMs)
      case 'denied':
        return this.#duties.get(message.duty)?.denied(message.reason, message.waitMs)
      case 'ack':
        // Not at the welcome: a relay that welcomes and then fails is waited for longer each time.
        this.#attempts = 0
        return this.#byChannel.get(message.channel)?.onAck(message.count)
      case 'close': {
        const end = this.#byChannel.get(message.channel)
        if (end !== undefined) this.#forget(message.channel, end)
        return end?.onClose(message.code, message.reason)
      }
      case 'ping':
        this.#attempts = 0
        this.#post({ kind: 'pong' })
        for (const end of this.#byChannel.values()) end.onKeepAlive()
        return
      default:
        throw new MerrowError('invalid_frame', `The relay sent a "${message.kind}" message, which only clients send.`)
    }
  }

  #forget(channel: number, end: ChannelEnd, farewell?: Message): void {
    this.#byChannel.delete(channel)
    for (const [room, other] of this.#byRoom) if (other === end) this.#byRoom.delete(room)
    if (farewell !== undefined) this.#post(farewell)
  }

  #lose(code: number, reason: string): void {
    this.#drop(reason)
    if (isPermanent(code)) this.#show('refused', refusal(this.#options.url, code, reason))
    else this.#retry(unreachable(this.#options.url, reason === '' ? `code ${code}` : reason))
  }

  #retry(error: unknown): void {
    this.#show('offline', error)
    if (!this.#wanted) return
    const ceilingMs = Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** this.#attempts)
    this.#attempts += 1
    this.#options.timers.clearTimeout(this.#retryTimer)
    this.#retryTimer = this.#options.timers.setTimeout(
      () => void this.#open(),
      ceilingMs * (0.5 + this.#options.random() / 2),
    )
  }

  /** Tries at once instead of at the end of the backoff. */
  #hurry(): void {
    if (this.#connection !== 'offline') return
    this.#options.timers.clearTimeout(this.#retryTimer)
    void this.#open()
  }

  #drop(reason: string): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#isOpen = false
    this.#leaseMs = 'none'
    this.#options.timers.clearTimeout(this.#silenceTimer)
    this.#renewal.stop()
    const ends = [...this.#byChannel.values()]
    this.#byChannel.clear()
    this.#byRoom.clear()
    this.#parts.clear()
    if (socket !== undefined) {
      socket.onclose = null
      socket.onmessage = null
      socket.close()
    }
    for (const end of ends) end.onLost(reason)
  }

  #watchSilence(): void {
    this.#options.timers.clearTimeout(this.#silenceTimer)
    this.#silenceTimer = this.#options.timers.setTimeout(
      () => this.#lose(1006, 'nothing heard from the relay'),
      SILENCE_MS,
    )
  }

  #post(message: Message): void {
    this.#socket?.send(encodeMessage(message))
  }

  #show(connection: Connection, error: unknown): void {
    this.#connection = connection
    this.#error = error
    this.#options.onStatus()
  }
}

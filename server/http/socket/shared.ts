// One shared socket (`/sync`): hello first, then channels. Knows the messages, and leaves their frames to the rooms.
import type { RawData } from 'ws'
import {
  CloseCode,
  decodeMessage,
  encodeMessage,
  type Message,
  SUBPROTOCOL,
  WIRE_VERSION,
} from '../../../src/sync/wire.ts'
import type { Identity } from '../../auth/identity.ts'
import { Channels } from './channels.ts'
import type { ConnectedSocket, Connection } from './connection.ts'
import { bytesOf, type Client, type SocketContext } from './context.ts'
import { type Line, Peer, type Stop } from './heartbeat.ts'
import { Intake } from './intake.ts'
import { Outlet } from './outlet.ts'
import { packetOf } from './packets.ts'
import type { Closable, Session } from './sessions.ts'

const HELLO_TIMEOUT_MS = 10_000
/** Most bytes before the relay knows who is speaking. */
const MAX_HELLO_BYTES = 4096
/** Longest message that renews a token, in bytes. */
const MAX_TOKEN_BYTES = 4096
/** A client whose channels are refused so often more than they are not is no honest one. */
const MAX_FAULTS = 20
const TRY_AGAIN_LATER = 1013
const PING = [packetOf(encodeMessage({ kind: 'ping' }))]

/** Says which protocol this relay speaks, in the words of a close reason. */
export const WRONG_VERSION = `this relay speaks ${SUBPROTOCOL} (version ${WIRE_VERSION}); update the older side`

/** Serves one shared socket until it closes. */
export const serveSharedSocket = (client: Client, context: SocketContext): void => {
  client.socket.connection = new SharedSocket(client, context)
}

type State =
  | { readonly kind: 'new' }
  /** The token is being looked at; what comes meanwhile waits, within the bound of what may come before the welcome. */
  | { readonly kind: 'greeting'; readonly waiting: Message[] }
  | { readonly kind: 'open'; readonly session: Session; readonly channels: Channels }

class SharedSocket extends Peer implements Connection, Closable {
  readonly #socket: ConnectedSocket
  readonly #context: SocketContext
  readonly #outlet: Outlet
  readonly #intake: Intake
  readonly #stopWaiting: Stop
  #state: State = { kind: 'new' }
  #greetingBytes = 0
  #isRenewing = false

  constructor({ socket, stream }: Client, context: SocketContext) {
    super()
    const { heartbeat, outlets, timers } = context
    this.#socket = socket
    this.#context = context
    this.#outlet = new Outlet(socket, stream, outlets)
    this.#intake = new Intake(socket, context)
    heartbeat.watch(this)
    this.#stopWaiting = timers.after(HELLO_TIMEOUT_MS, () => this.#refuse(CloseCode.badFrame, 'no hello within 10 s'))
  }

  ping(): void {
    this.#intake.rest()
    this.#outlet.answer(PING)
  }

  hangUp(): void {
    this.#socket.terminate()
  }

  get line(): Line {
    return this.#outlet
  }

  failed(error: Error): void {
    this.#context.logger('warn', 'shared socket failed', { error: error.message })
  }

  /** Its session is over. */
  close(code: number, reason: string): void {
    this.#refuse(code, reason)
  }

  receive(data: RawData, isBinary: boolean): void {
    this.heard()
    if (this.#socket.readyState !== this.#socket.OPEN) return
    try {
      const state = this.#state
      const bytes = bytesOf(data, isBinary, this.#bound(state))
      this.#intake.message(bytes.length)
      if (state.kind !== 'open') this.#greetingBytes += bytes.length
      const message = decodeMessage(bytes)
      if (state.kind === 'open') this.#act(message, state.channels)
      else if (state.kind === 'greeting') state.waiting.push(message)
      else this.#greet(message)
    } catch (error) {
      this.#refuse(CloseCode.badFrame, error instanceof Error ? error.message : String(error))
    }
  }

  end(): void {
    this.#stopWaiting()
    this.#context.heartbeat.forget(this)
    this.#intake.stop()
    if (this.#state.kind !== 'open') return
    this.#state.channels.leaveAll()
    this.#context.sessions.stop(this.#state.session)
  }

  #bound({ kind }: State): number {
    return kind === 'open' ? Number.POSITIVE_INFINITY : MAX_HELLO_BYTES - this.#greetingBytes
  }

  #greet(message: Message): void {
    if (message.kind !== 'hello') this.#refuse(CloseCode.badFrame, `the first message is hello, not ${message.kind}`)
    else if (message.version !== WIRE_VERSION) this.#refuse(CloseCode.wrongVersion, WRONG_VERSION)
    else {
      const waiting: Message[] = []
      this.#state = { kind: 'greeting', waiting }
      this.#identify(message.token, (identity) => this.#welcome(identity, waiting))
    }
  }

  #identify(token: string | undefined, admitted: (identity: Identity) => void): void {
    const failed = (error: unknown): void => {
      this.#context.logger('error', 'a token cannot be looked at', { error: String(error) })
      this.#refuse(TRY_AGAIN_LATER, 'the relay cannot look at tokens now; try again')
    }
    this.#context.authority
      .authenticate(token)
      .then((result) => {
        if (this.#socket.readyState !== this.#socket.OPEN) return
        if (result.kind === 'admitted') admitted(result.identity)
        else this.#refuse(result.kind === 'refused' ? CloseCode.unauthorised : TRY_AGAIN_LATER, result.reason)
      })
      .catch(failed)
  }

  #welcome(identity: Identity, waiting: readonly Message[]): void {
    const { duties, relayName: relay, sessions } = this.#context
    const session = sessions.start(identity, this)
    if (session === undefined) return this.#refuse(TRY_AGAIN_LATER, 'too many connections or faults of this user')
    const allowance = sessions.allowanceOf(session)
    if (allowance !== undefined) this.#intake.share(allowance)
    const channels = new Channels(this.#context, this.#outlet, session, this.#intake)
    this.#state = { kind: 'open', session, channels }
    this.#stopWaiting()
    const { leaseMs } = duties
    const welcome = { kind: 'welcome', version: WIRE_VERSION, relay, leaseMs, takesDigests: true } as const
    this.#outlet.send(encodeMessage({ ...welcome, ...expiryOf(session) }))
    for (const message of waiting) this.#act(message, channels)
  }

  #act(message: Message, channels: Channels): void {
    switch (message.kind) {
      case 'open':
        this.#open(message, channels)
        break
      case 'frame':
        // A channel that the relay has closed may still have frames on their way; they are dropped.
        channels.get(message.channel)?.frame(message.bytes)
        break
      case 'part':
        channels.get(message.channel)?.part(message.bytes)
        break
      case 'close':
        channels.leave(message.channel)
        break
      case 'pong':
        this.#socket.rest()
        break
      case 'digest':
        channels.get(message.channel)?.prove(message.digest)
        break
      case 'token':
        this.#renew(message.token)
        break
      case 'claim':
        this.#claim(message)
        break
      case 'release':
        this.#context.duties.release(message.duty, message.holder)
        break
      case 'hello':
      case 'welcome':
      case 'opened':
      case 'ack':
      case 'ping':
      case 'renewed':
      case 'granted':
      case 'denied':
        this.#refuse(CloseCode.badFrame, `a client does not send ${message.kind} here`)
    }
    if (channels.faults > MAX_FAULTS) this.#refuse(CloseCode.badFrame, 'too many channels were refused')
  }

  #open({ channel, document, client }: Extract<Message, { kind: 'open' }>, channels: Channels): void {
    const fault = channels.open(channel, document, client)
    if (fault !== undefined) this.#outlet.send(encodeMessage({ kind: 'close', channel, ...fault }))
  }

  /** Whoever may write a document of a duty's name may hold the duty. */
  #claim({ duty, holder }: Extract<Message, { kind: 'claim' | 'release' }>): void {
    if (this.#state.kind !== 'open') return
    const { duties, hub } = this.#context
    const isAllowed = hub.isName(duty) && this.#state.session.access(duty) === 'write'
    if (!isAllowed) this.#intake.fault()
    const claimed = isAllowed
      ? duties.claim(duty, holder)
      : ({ kind: 'denied', reason: 'the token does not let you write under this name' } as const)
    this.#outlet.send(encodeMessage({ duty, ...claimed }))
  }

  /** Until the new token is looked at, the last one counts. */
  #renew(token: string): void {
    if (token.length > MAX_TOKEN_BYTES) return this.#refuse(CloseCode.badFrame, 'the token is too long')
    if (this.#isRenewing) return this.#refuse(CloseCode.badFrame, 'one token at a time')
    this.#isRenewing = true
    this.#identify(token, (identity) => {
      this.#isRenewing = false
      if (this.#state.kind !== 'open') return
      const { session, channels } = this.#state
      if (!session.renew(identity)) return this.#refuse(CloseCode.unauthorised, 'the token is of another user')
      this.#outlet.send(encodeMessage({ kind: 'renewed', ...expiryOf(session) }))
      channels.recheck()
    })
  }

  #refuse(code: number, reason: string): void {
    this.#context.logger('warn', 'shared socket refused', { code, reason })
    this.#outlet.close(code, reason)
    // Nothing more is read for one that may take its time to close.
    if (this.#state.kind === 'open') this.#state.channels.leaveAll()
  }
}

const expiryOf = ({ expiresInMs }: Session): { readonly expiresInMs?: number } =>
  expiresInMs === undefined ? {} : { expiresInMs }

// Synchronisation through a relay: `relay({ url })`. Puts the shared socket and the channels together.
import type * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import { Channel, closedEarly } from './channel.ts'
import type { Connection, SyncAdapter, SyncContext, SyncSession } from './port.ts'
import { SharedSocket, type TokenSource } from './shared-socket.ts'
import { type SocketClass, systemTimers, type Timers } from './socket.ts'

/** Where the relay is and how to reach it. */
export interface RelayOptions {
  /** Its address, `http(s)://` or `ws(s)://`; the path `/sync` is added where there is none. */
  readonly url: string
  /** Token for a relay that asks for one, or a function that is asked at each connection. It travels in the first message, never in the URL. */
  readonly token?: TokenSource
  /** WebSocket class; the platform's by default, npm `ws` in Node 20. */
  readonly WebSocket?: SocketClass
  readonly timers?: Timers
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number
}

/**
 * Keeps a database in step with others through a relay, all documents over one WebSocket.
 *
 * Local writes go out at once while connected; what was written offline goes out after reconnecting, which is tried with
 * exponential backoff (0.25 s to 30 s) and jitter, and at once when the browser says that it is online.
 *
 * @throws {@link MerrowError} `invalid_argument` if the url is none.
 */
export const relay = ({
  url,
  token,
  WebSocket,
  timers = systemTimers,
  random = Math.random,
}: RelayOptions): SyncAdapter => {
  const address = socketUrl(url)
  return {
    start: (context) => new RelaySession(context, { url: address, token, socketClass: WebSocket, timers, random }),
  }
}

class RelaySession implements SyncSession {
  readonly #shared: SharedSocket
  readonly #channels: Channel[] = []
  readonly #makeChannel: (name: string, document: Y.Doc) => Channel
  readonly #onOnline = (): void => {
    if (this.#isWanted) this.#shared.connect()
  }
  #isWanted = true
  #isClosed = false

  constructor(
    { documents, onStatus }: SyncContext,
    options: Omit<ConstructorParameters<typeof SharedSocket>[0], 'onStatus'>,
  ) {
    this.#shared = new SharedSocket({ ...options, onStatus })
    this.#makeChannel = (name, document) =>
      new Channel(name, document, { shared: this.#shared, onStatus, timers: options.timers, random: options.random })
    for (const [name, document] of documents) this.open(name, document)
    globalThis.addEventListener?.('online', this.#onOnline)
    this.#shared.connect()
  }

  get connection(): Connection {
    return this.#refusal === undefined ? this.#shared.connection : 'refused'
  }

  get unsent(): number {
    return this.#channels.reduce((sum, { unsent }) => sum + unsent, 0)
  }

  get error(): unknown {
    return this.#refusal ?? this.#shared.error ?? this.#channels.find(({ failure }) => failure !== undefined)?.failure
  }

  open(name: string, document: Y.Doc): void {
    this.#channels.push(this.#makeChannel(name, document))
  }

  connect(): void {
    if (this.#isClosed) return
    this.#isWanted = true
    for (const channel of this.#channels) if (channel.refusal !== undefined) channel.reconnect()
    this.#shared.connect()
  }

  disconnect(): void {
    this.#isWanted = false
    this.#shared.disconnect()
  }

  async acknowledged(): Promise<void> {
    if (this.#isClosed) throw closedEarly()
    await Promise.all(this.#channels.map((channel) => channel.acknowledged()))
  }

  close(): void {
    this.#isClosed = true
    globalThis.removeEventListener?.('online', this.#onOnline)
    for (const channel of this.#channels) channel.close()
    this.#shared.disconnect()
  }

  get #refusal(): MerrowError | undefined {
    return this.#channels.find(({ refusal }) => refusal !== undefined)?.refusal
  }
}

const socketUrl = (text: string): string => {
  let url: URL
  try {
    url = new URL(text)
  } catch (cause) {
    throw new MerrowError(
      'invalid_argument',
      `relay({ url: ${JSON.stringify(text)} }) is no address. Give one like "http://127.0.0.1:8787".`,
      { cause },
    )
  }
  url.protocol = url.protocol.replace(/^http/, 'ws')
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:')
    throw new MerrowError('invalid_argument', `relay({ url: ${JSON.stringify(text)} }): use http, https, ws or wss.`)
  if (url.pathname === '/') url.pathname = '/sync'
  return url.href
}

// Synchronisation through a relay: `relay({ url })`. Puts the shared socket and the channels together.

import type * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import { Channel, type ChannelOptions, closedEarly } from './channel.ts'
import type { Clocks } from './duty.ts'
import { fetchFirstState } from './first-state.ts'
import { Leases } from './leases.ts'
import type { Connection, RelayLease, SyncAdapter, SyncContext, SyncedDocument, SyncSession } from './port.ts'
import { SharedSocket } from './shared-socket.ts'
import { type SocketClass, systemTimers, type Timers } from './socket.ts'
import type { TokenSource } from './token-renewal.ts'

/** Where the relay is and how to reach it. */
export interface RelayOptions {
  /** Its address, `http(s)://` or `ws(s)://`; the path `/sync` is added where there is none. */
  readonly url: string
  /** Token for a relay that asks for one, or a function that is asked at each connection, and again before the last one expires. It travels in messages, never in the URL. */
  readonly token?: TokenSource
  /** WebSocket class; the platform's by default, npm `ws` in Node 20. */
  readonly WebSocket?: SocketClass
  /**
   * How a document that is empty here gets its first state: over the socket (the default, quickest for small ones), or over
   * HTTP, compressed and resumed where it breaks off, before the socket catches up.
   */
  readonly firstSync?: 'socket' | 'http'
  /** `fetch` for that; the platform's by default. */
  readonly fetch?: typeof globalThis.fetch
  readonly timers?: Timers
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number
  /** Clocks by which leases end. */
  readonly clocks?: Clocks
}

const systemClocks: Clocks = { now: () => Date.now(), elapsedMs: () => performance.now() }

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
  firstSync = 'socket',
  fetch = globalThis.fetch,
  timers = systemTimers,
  random = Math.random,
  clocks = systemClocks,
}: RelayOptions): SyncAdapter => {
  const address = socketUrl(url)
  const firstState = async (document: string): Promise<Uint8Array | undefined> => {
    if (firstSync === 'socket') return undefined
    return fetchFirstState(document, {
      url: address,
      token: typeof token === 'function' ? await token() : token,
      fetch,
    })
  }
  const socket = { url: address, token, socketClass: WebSocket, timers, random }
  return {
    start: (context) => new RelaySession(context, { ...socket, clocks, firstState }),
  }
}

type SessionOptions = Omit<ConstructorParameters<typeof SharedSocket>[0], 'onStatus'> &
  Pick<ChannelOptions, 'firstState'> & { readonly clocks: Clocks }

class RelaySession implements SyncSession {
  readonly #shared: SharedSocket
  readonly #channels = new Set<Channel>()
  readonly #context: SyncContext
  readonly #options: Pick<ChannelOptions, 'onStatus' | 'timers' | 'random' | 'firstState'>
  readonly #onOnline = (): void => {
    if (this.#isWanted) this.#shared.connect()
  }
  readonly lease: RelayLease
  #isWanted = true
  #isClosed = false

  constructor(context: SyncContext, { firstState, clocks, ...options }: SessionOptions) {
    this.#shared = new SharedSocket({ ...options, onStatus: context.onStatus })
    this.#context = context
    this.#options = { onStatus: context.onStatus, timers: options.timers, random: options.random, firstState }
    for (const [name, document] of context.documents) this.#open(name, document)
    this.lease = new Leases({ ...options, clocks, shared: this.#shared, synced: () => this.synced() })
    globalThis.addEventListener?.('online', this.#onOnline)
    this.#shared.connect()
  }

  get connection(): Connection {
    return this.#refusal === undefined ? this.#shared.connection : 'refused'
  }

  get unsent(): number {
    return this.#all.reduce((sum, { unsent }) => sum + unsent, 0)
  }

  get error(): unknown {
    return this.#refusal ?? this.#shared.error ?? this.#all.find(({ failure }) => failure !== undefined)?.failure
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
    await Promise.all(this.#all.map((channel) => channel.acknowledged()))
  }

  join(name: string, document: Y.Doc, made: number): SyncedDocument {
    const channel = this.#open(name, document, made)
    return {
      get isSettled() {
        return channel.isSettled
      },
      acknowledged: () => channel.acknowledged(),
      leave: () => {
        if (this.#channels.delete(channel)) channel.close()
      },
    }
  }

  rejoin(name: string, document: Y.Doc): void {
    const former = this.#all.filter((channel) => channel.name === name)
    const channel = this.#open(name, document)
    for (const one of former) {
      this.#channels.delete(one)
      one.passTo(channel)
    }
    this.#context.onStatus()
  }

  async synced(): Promise<void> {
    if (this.#isClosed) throw closedEarly()
    await Promise.all(this.#all.map((channel) => channel.synced()))
  }

  close(): void {
    this.#isClosed = true
    globalThis.removeEventListener?.('online', this.#onOnline)
    for (const channel of this.#channels) channel.close()
    this.#shared.disconnect()
  }

  get #all(): readonly Channel[] {
    return [...this.#channels]
  }

  #open(name: string, document: Y.Doc, made = 0): Channel {
    const { position, onAcknowledged, onForked, isIntact } = this.#context
    const channel = new Channel(name, document, {
      ...this.#options,
      shared: this.#shared,
      made,
      position: () => position(name),
      onAcknowledged: (reached) => onAcknowledged(name, reached),
      onForked: () => onForked?.(name),
      isIntact: () => isIntact?.(name) ?? true,
    })
    this.#channels.add(channel)
    return channel
  }

  get #refusal(): MerrowError | undefined {
    return this.#all.find(({ refusal }) => refusal !== undefined)?.refusal
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

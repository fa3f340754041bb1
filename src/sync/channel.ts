// Channels: one document's y-websocket provider over the shared socket, and what of it the relay has on disk. Knows Yjs documents.
import { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import type * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import type { ChannelEnd, SharedSocket } from './shared-socket.ts'
import { carriesUpdate, isPermanent, KEEP_ALIVE_FRAME, SyncType } from './wire.ts'

/** The provider makes a new virtual socket soon after the last one closed; the shared socket does the real waiting. */
const PROVIDER_BACKOFF_MS = 100

/** Keeps one document in step. */
export class Channel {
  readonly #provider: WebsocketProvider
  readonly #document: Y.Doc
  readonly #onStatus: () => void
  readonly #onUpdate: (update: Uint8Array, origin: unknown) => void
  /** Local updates so far, and how many of them the relay has. */
  #made = 0
  #acknowledged = 0
  #isCaughtUp = false
  /** Why the relay closed this channel for good, if it did. */
  refusal: MerrowError | undefined
  #waiters: { readonly made: number; resolve(): void; reject(error: unknown): void }[] = []

  constructor(name: string, document: Y.Doc, shared: SharedSocket, onStatus: () => void) {
    this.#document = document
    this.#onStatus = onStatus
    // Before the provider's own listener: an update is counted when its frame is sent.
    this.#onUpdate = (_update, origin) => {
      if (origin === this.#provider) return
      this.#made += 1
      onStatus()
    }
    document.on('update', this.#onUpdate)
    const awareness = new Awareness(document)
    awareness.setLocalState(null)
    this.#provider = new WebsocketProvider('', name, document, {
      awareness,
      disableBc: true,
      maxBackoffTime: PROVIDER_BACKOFF_MS,
      WebSocketPolyfill: virtualSocketClass(name, shared, this) as unknown as typeof WebSocket,
    })
  }

  /** Local updates of this session that the relay has not acknowledged. */
  get unsent(): number {
    return this.#made - this.#acknowledged
  }

  /** Resolves once the relay has every local update made so far on disk. */
  acknowledged(): Promise<void> {
    if (this.#isCaughtUp && this.unsent === 0) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ made: this.#made, resolve, reject }))
  }

  /** @internal The relay has what this replica held when its handshake was done, or when a later frame was sent. */
  noteAcknowledged(made: number): void {
    this.#isCaughtUp = true
    this.#acknowledged = Math.max(this.#acknowledged, made)
    const done = this.#waiters.filter((waiter) => waiter.made <= this.#acknowledged)
    this.#waiters = this.#waiters.filter((waiter) => waiter.made > this.#acknowledged)
    for (const { resolve } of done) resolve()
    this.#onStatus()
  }

  /** @internal Local updates so far. */
  get made(): number {
    return this.#made
  }

  /** Starts again after the relay had closed this channel for good. */
  reconnect(): void {
    this.refusal = undefined
    this.#provider.connect()
  }

  /** Ends it; whoever waits for an acknowledgement is told that none will come. */
  close(): void {
    for (const { reject } of this.#waiters)
      reject(
        new MerrowError(
          'database_closed',
          'The database was closed before the relay acknowledged every write. They are kept in storage and sent at the next start.',
        ),
      )
    this.#waiters = []
    this.#document.off('update', this.#onUpdate)
    this.#provider.awareness.destroy()
    this.#provider.destroy()
  }
}

/** A WebSocket class whose sockets are channels of the shared socket. */
const virtualSocketClass = (name: string, shared: SharedSocket, channel: Channel) =>
  class VirtualSocket implements ChannelEnd {
    readonly OPEN = 1
    readonly document = name
    readyState = 0
    binaryType = 'arraybuffer'
    onopen: (() => void) | null = null
    onmessage: ((event: { readonly data: Uint8Array }) => void) | null = null
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null
    onerror: (() => void) | null = null
    #isCaughtUp = false
    #sent = 0
    readonly #pending: { readonly count: number; readonly made: number }[] = []

    constructor() {
      // Not at once: the provider sets its handlers after it has made the socket.
      queueMicrotask(() => {
        if (this.readyState === 0) shared.attach(this)
      })
    }

    send(frame: Uint8Array): void {
      if (carriesUpdate(frame)) this.#count(frame)
      shared.send(this, frame)
    }

    close(): void {
      if (this.readyState === 3) return
      this.readyState = 3
      shared.detach(this)
      this.onclose?.({ code: 1000, reason: '' })
    }

    onOpen(): void {
      this.readyState = 1
      this.onopen?.()
    }

    onFrame(bytes: Uint8Array): void {
      this.onmessage?.({ data: bytes })
    }

    onKeepAlive(): void {
      this.onmessage?.({ data: KEEP_ALIVE_FRAME })
    }

    onAck(count: number): void {
      let last: number | undefined
      while ((this.#pending[0]?.count ?? Number.POSITIVE_INFINITY) <= count) last = this.#pending.shift()?.made
      if (last !== undefined) channel.noteAcknowledged(last)
    }

    onClose(code: number, reason: string): void {
      if (this.readyState === 3) return
      this.readyState = 3
      if (isPermanent(code))
        channel.refusal = new MerrowError(
          'relay_refused',
          `The relay refused document "${name}" (${code}: ${reason}). Local writes are kept; db.connect() tries again.`,
        )
      this.onclose?.({ code, reason })
    }

    /** Until the answer to the relay's first question, a frame says nothing of what was written offline before it. */
    #count(frame: Uint8Array): void {
      this.#sent += 1
      if (frame[1] === SyncType.step2) this.#isCaughtUp = true
      if (this.#isCaughtUp) this.#pending.push({ count: this.#sent, made: channel.made })
    }
  }

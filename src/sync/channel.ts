// Channels: one document's y-websocket provider over the shared socket, and what of it the relay has on disk. Knows Yjs documents.
import { Awareness } from 'y-protocols/awareness'
import { WebsocketProvider } from 'y-websocket'
import * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import { type Digest, digestOf } from './digest.js'
import type { ChannelEnd, SharedSocket } from './shared-socket.ts'
import type { Timers } from './socket.ts'
import { CloseCode, carriesUpdate, isPermanent, KEEP_ALIVE_FRAME, SyncType } from './wire.ts'

/** The provider makes a new virtual socket soon after the last one closed; the shared socket does the real waiting. */
const PROVIDER_BACKOFF_MS = 100
const FIRST_BACKOFF_MS = 250
const LAST_BACKOFF_MS = 30_000
/** A document that changes while it is digested is tried again so often. */
const MAX_COMPARISONS = 3
/** What the provider is told of a connection that is gone. */
const LOST = 1006

/** Longest wait before a channel that the relay has closed so often is opened again. */
const backoffMs = (failures: number): number => Math.min(LAST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** failures)

/** What a channel is given to work with. */
export interface ChannelOptions {
  readonly shared: SharedSocket
  readonly onStatus: () => void
  /** How far the document's local writes have come. */
  readonly position: () => number
  /** Told that the relay has the local writes up to a position on disk. */
  readonly onAcknowledged: (position: number) => void
  /** Told that the relay has other content under clocks of this document. */
  readonly onForked: () => void
  /** Whether the document has lost nothing to somebody who has other content under its clocks. */
  readonly isIntact: () => boolean
  readonly timers: Timers
  /** A number from 0 to 1, for jitter. */
  readonly random: () => number
  /** Local updates of this session before the channel. */
  readonly made: number
  /** Fetches the state of a document that is empty here, if that is not left to the socket. */
  readonly firstState: (document: string) => Promise<Uint8Array | undefined>
}

/** Who waits for an acknowledgement when the database closes is told this. */
export const closedEarly = (): MerrowError =>
  new MerrowError(
    'database_closed',
    'The database was closed before the relay acknowledged every write. They are kept in storage and sent at the next start.',
  )

/** What the relay has once it has acknowledged a frame: so many local updates, and the local writes up to a position. */
interface Reached {
  readonly made: number
  readonly position: number
}

/** Keeps one document in step. */
export class Channel {
  readonly #provider: WebsocketProvider
  readonly #document: Y.Doc
  readonly #onStatus: () => void
  readonly #onUpdate: (update: Uint8Array, origin: unknown) => void
  /** Local updates so far, and how many of them the relay has. */
  #made: number
  #acknowledged = 0
  #isCaughtUp = false
  /** Why the relay closed this channel for good, if it did. */
  refusal: MerrowError | undefined
  /** Why the relay closed it the last time, if it has acknowledged nothing since, and how often that was. */
  failure: MerrowError | undefined
  failures = 0
  /** The document's name on the relay. */
  readonly name: string
  readonly #position: () => number
  readonly #onAcknowledged: (position: number) => void
  readonly #firstState: ChannelOptions['firstState']
  readonly #onForked: () => void
  readonly #isIntact: () => boolean
  #isTorn = false
  readonly #timers: Timers
  #waiters: { readonly made: number; resolve(): void; reject(error: unknown): void }[] = []
  readonly #askers: { resolve(): void; reject(error: unknown): void }[] = []

  constructor(name: string, document: Y.Doc, options: ChannelOptions) {
    const { onStatus, made, firstState } = options
    this.name = name
    this.#made = made
    this.#document = document
    this.#onStatus = onStatus
    this.#position = options.position
    this.#onAcknowledged = options.onAcknowledged
    this.#firstState = firstState
    this.#onForked = options.onForked
    this.#isIntact = options.isIntact
    this.#timers = options.timers
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
      WebSocketPolyfill: virtualSocketClass(name, options, this) as unknown as typeof WebSocket,
    })
    // A lost connection says goodbye for all channels; from eleven listeners on Node warns of a leak.
    if (typeof process !== 'undefined') process.off?.('exit', this.#provider._exitHandler)
  }

  /** Local updates of this session that the relay has not acknowledged. */
  get unsent(): number {
    return this.#made - this.#acknowledged
  }

  /** Whether the relay has all of it on disk, what earlier runs wrote included. */
  get isSettled(): boolean {
    return this.#isCaughtUp && this.unsent === 0
  }

  /** Resolves once the relay has every local update made so far on disk. */
  acknowledged(): Promise<void> {
    if (this.isSettled) return Promise.resolve()
    return new Promise((resolve, reject) => this.#waiters.push({ made: this.#made, resolve, reject }))
  }

  /** Resolves once the relay's answer to what this replica asked at the last connection is here. */
  synced(): Promise<void> {
    if (this.#provider.synced) return Promise.resolve()
    return new Promise((resolve, reject) => {
      const onSync = (isSynced: boolean): void => {
        if (!isSynced) return
        this.#provider.off('sync', onSync)
        resolve()
      }
      this.#askers.push({ resolve, reject })
      this.#provider.on('sync', onSync)
    })
  }

  /** @internal The relay has what this replica held when its handshake was done, or when a later frame was sent. */
  noteAcknowledged({ made, position }: Reached): void {
    this.#isCaughtUp = true
    this.#acknowledged = Math.max(this.#acknowledged, made)
    this.#onAcknowledged(position)
    const done = this.#waiters.filter((waiter) => waiter.made <= this.#acknowledged)
    this.#waiters = this.#waiters.filter((waiter) => waiter.made > this.#acknowledged)
    for (const { resolve } of done) resolve()
    this.#onStatus()
  }

  /** @internal The relay has closed this channel: for good, or for a while that grows each time. */
  noteClosed(code: number, reason: string): void {
    const error = closedBy(this.name, code, reason)
    if (code === CloseCode.forked) this.#onForked()
    if (isPermanent(code)) this.refusal = error
    else this.failure = error
    this.failures += 1
    this.#onStatus()
  }

  /** @internal What the relay will have once it acknowledges what is sent now. */
  get reached(): Reached {
    return { made: this.#made, position: this.#position() }
  }

  /** @internal Brings the first state of a document that is empty here; the socket then brings what came later. @returns Whether there was one. */
  async prepare(): Promise<boolean> {
    if (!this.isEmpty) return false
    const state = await this.#firstState(this.name)
    if (state !== undefined) Y.applyUpdate(this.#document, state, this.#provider)
    return state !== undefined
  }

  /** @internal Client id that this replica writes under. */
  get client(): number {
    return this.#document.clientID
  }

  /** @internal Somebody else writes under this replica's client id. */
  takeFreshClient(): void {
    this.failures += 1
    const { awareness } = this.#provider
    const state = awareness.getLocalState()
    awareness.setLocalState(null)
    this.#document.clientID = crypto.getRandomValues(new Uint32Array(1))[0] as number
    // The provider says goodbye under the document's id, which its awareness has to know.
    awareness.clientID = this.#document.clientID
    awareness.setLocalState(state)
  }

  /** @internal Whether a replica that was not empty has sent everything, and got everything, so that it can be compared. */
  get isComparable(): boolean {
    return this.isSettled && this.#provider.synced
  }

  /** @internal Tells, once, if others have deleted under its clocks what nothing replaces: a digest would not show what is gone. */
  lookForLosses(): void {
    if (this.#isTorn || !this.isComparable || this.#isIntact()) return
    this.#isTorn = true
    this.#onForked()
  }

  /** @internal Whether it holds anything. */
  get isEmpty(): boolean {
    return this.#document.store.clients.size === 0
  }

  /** @internal Works out what the document says, a little at a time; `undefined` if it changes meanwhile. */
  digest(): Promise<Digest | undefined> {
    const document = this.#document
    const steps = digestOf(document)
    let isStale = false
    const onChange = (): void => {
      isStale = true
    }
    document.on('update', onChange)
    document.on('destroy', onChange)
    return new Promise((resolve) => {
      const end = (digest: Digest | undefined): void => {
        document.off('update', onChange)
        document.off('destroy', onChange)
        resolve(digest)
      }
      const step = (): void => {
        if (isStale) return end(undefined)
        const { done, value } = steps.next()
        if (done) end(value)
        else this.#timers.setTimeout(step, 0)
      }
      this.#timers.setTimeout(step, 0)
    })
  }

  /** Starts again after the relay had closed this channel for good. */
  reconnect(): void {
    this.refusal = undefined
    this.failures = 0
    this.#provider.connect()
  }

  /** Ends it; whoever waits for this channel waits for another one from now on. */
  passTo(next: Channel): void {
    for (const { resolve, reject } of this.#waiters.splice(0)) next.acknowledged().then(resolve, reject)
    for (const { resolve, reject } of this.#askers.splice(0)) next.synced().then(resolve, reject)
    this.close()
  }

  /** Ends it; whoever waits for an acknowledgement is told that none will come. */
  close(): void {
    for (const { reject } of [...this.#waiters, ...this.#askers]) reject(closedEarly())
    this.#waiters = []
    this.#document.off('update', this.#onUpdate)
    // Yjs may have given the document another client id, and the provider says goodbye under the one it has now.
    this.#provider.awareness.clientID = this.#document.clientID
    this.#provider.awareness.destroy()
    this.#provider.destroy()
  }
}

const closedBy = (name: string, code: number, reason: string): MerrowError => {
  const what = `The relay closed document "${name}" (${code}: ${reason}).`
  if (code === CloseCode.forked)
    return new MerrowError(
      'relay_refused',
      `${what} This copy of the database was set back, or is in use twice. Nothing is lost: this copy is put aside and its rows are brought into the relay's document, now or when the database is opened again.`,
    )
  const cure = isPermanent(code) ? 'db.connect() tries again' : 'it is tried again'
  return new MerrowError('relay_refused', `${what} Local writes are kept; ${cure}.`)
}

/** A WebSocket class whose sockets are channels of the shared socket. */
const virtualSocketClass = (
  name: string,
  { shared, timers, random }: Omit<ChannelOptions, 'made' | 'onStatus'>,
  channel: Channel,
) =>
  class VirtualSocket implements ChannelEnd {
    readonly OPEN = 1
    readonly document = name
    readonly client = channel.client
    readyState = 0
    binaryType = 'arraybuffer'
    onopen: (() => void) | null = null
    onmessage: ((event: { readonly data: Uint8Array }) => void) | null = null
    onclose: ((event: { readonly code: number; readonly reason: string }) => void) | null = null
    onerror: (() => void) | null = null
    #isCaughtUp = false
    #sent = 0
    /** How often the document may still be compared on this connection. */
    #comparisons = 0
    /** Whether the relay's own first state was fetched. */
    #hasFetched = false
    readonly #pending: { readonly count: number; readonly reached: Reached }[] = []

    constructor() {
      // Not at once: the provider sets its handlers after it has made the socket.
      const attach = (): void => {
        if (this.readyState === 0) shared.attach(this)
      }
      const prepared = (): void =>
        void channel.prepare().then((hasFetched) => {
          this.#hasFetched = hasFetched
          attach()
        }, attach)
      if (channel.failures === 0) queueMicrotask(prepared)
      else timers.setTimeout(attach, backoffMs(channel.failures) * (0.5 + random() / 2))
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
      // What came from this relay alone is no fork; what was written before there was a connection may be.
      if (!channel.isEmpty && !this.#hasFetched) this.#comparisons = MAX_COMPARISONS
      this.onopen?.()
    }

    onFrame(bytes: Uint8Array): void {
      this.onmessage?.({ data: bytes })
      this.#compare()
    }

    onKeepAlive(): void {
      this.onmessage?.({ data: KEEP_ALIVE_FRAME })
    }

    onAck(count: number): void {
      let last: Reached | undefined
      while ((this.#pending[0]?.count ?? Number.POSITIVE_INFINITY) <= count) last = this.#pending.shift()?.reached
      channel.failures = 0
      channel.failure = undefined
      if (last !== undefined) channel.noteAcknowledged(last)
      this.#compare()
    }

    /** Once on each connection, as soon as nothing is under way, lets the relay see whether this replica says what it says. */
    #compare(): void {
      channel.lookForLosses()
      if (this.#comparisons === 0 || !shared.takesDigests || !channel.isComparable) return
      const left = this.#comparisons - 1
      this.#comparisons = 0
      void channel.digest().then((digest) => {
        if (this.readyState !== 1) return
        if (digest !== undefined) return shared.sendDigest(this, digest)
        // The acknowledgement of what has changed it may have come already.
        this.#comparisons = left
        this.#compare()
      })
    }

    onClose(code: number, reason: string): void {
      // Under a fresh client id everything can go on; what was written under the other one waits for its holder.
      if (code === CloseCode.clientTaken) channel.takeFreshClient()
      else channel.noteClosed(code, reason)
      this.#end(code === CloseCode.clientTaken ? LOST : code, reason)
    }

    onLost(reason: string): void {
      this.#end(LOST, reason)
    }

    #end(code: number, reason: string): void {
      if (this.readyState === 3) return
      this.readyState = 3
      this.onclose?.({ code, reason })
    }

    /** Until the answer to the relay's first question, a frame says nothing of what was written offline before it. */
    #count(frame: Uint8Array): void {
      this.#sent += 1
      if (frame[1] === SyncType.step2) this.#isCaughtUp = true
      if (this.#isCaughtUp) this.#pending.push({ count: this.#sent, reached: channel.reached })
    }
  }

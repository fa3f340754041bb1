// Synchronisation within one process, when told to: for tests of what concurrent writes lead to. Knows Yjs documents; no sockets.
import * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import { createDocument } from '../rowlog/index.ts'
import { nextTurn } from '../turn.ts'
import type { SyncAdapter, SyncContext, SyncedDocument, SyncSession } from './port.ts'

/** Databases in one process that exchange their writes when told to. */
export interface TestNetwork {
  /** What `createDatabase({ sync })` of each of them takes; databases of one name meet. */
  readonly sync: SyncAdapter
  /**
   * Gives every connected database what any of them has, by way of a server that merges and never writes, which counts as the relay's
   * disk: what it brings is acknowledged.
   */
  exchange(): Promise<void>
}

/**
 * Makes a network for tests: no sockets, no time, nothing on the way but what {@link TestNetwork.exchange} carries.
 *
 * @example
 * const network = createTestNetwork()
 * const [ann, ben] = await Promise.all(['ann', 'ben'].map((user) =>
 *   createDatabase({ name: 'test', schema, user, sync: network.sync })))
 * await network.exchange()
 */
export const createTestNetwork = (): TestNetwork => {
  const members = new Set<Member>()
  const disk = new Map<string, Y.Doc>()
  return {
    sync: {
      start(context) {
        const member = new Member(context, () => members.delete(member))
        members.add(member)
        return member
      },
    },
    async exchange() {
      // What was written in this turn is told at its end, and may wait for more to be committed with.
      await new Promise<void>(nextTurn)
      const connected = [...members].filter(({ connection }) => connection === 'connected')
      for (const member of connected) member.flush()
      for (const member of connected) member.send(disk)
      for (const member of connected) member.receive(disk)
    },
  }
}

class Member implements SyncSession {
  readonly #context: SyncContext
  readonly #leave: () => void
  readonly #documents: Map<string, Y.Doc>
  readonly #waiters: { resolve(): void; reject(error: unknown): void }[] = []
  readonly error = undefined
  connection: 'offline' | 'connected' = 'connected'
  unsent = 0

  constructor(context: SyncContext, leave: () => void) {
    this.#context = context
    this.#leave = leave
    this.#documents = new Map(context.documents)
    for (const document of this.#documents.values()) document.on('update', this.#onUpdate)
  }

  connect(): void {
    this.connection = 'connected'
    this.#context.onStatus()
  }

  disconnect(): void {
    this.connection = 'offline'
    this.#context.onStatus()
  }

  /** Resolves at the next exchange, however little there is to send: it cannot know what earlier runs wrote. */
  acknowledged(): Promise<void> {
    return new Promise((resolve, reject) => this.#waiters.push({ resolve, reject }))
  }

  /** What was written to it before is exchanged with the rest. */
  join(name: string, document: Y.Doc, made: number): SyncedDocument {
    this.unsent += made
    this.#documents.set(name, document)
    document.on('update', this.#onUpdate)
    const isSettled = (): boolean => this.unsent === 0
    return {
      get isSettled() {
        return isSettled()
      },
      acknowledged: () => this.acknowledged(),
      leave: () => {
        this.#documents.delete(name)
        document.off('update', this.#onUpdate)
      },
    }
  }

  /** Resolves at once: what others have comes with the next exchange. */
  async synced(): Promise<void> {}

  close(): void {
    this.connection = 'offline'
    this.#leave()
    for (const document of this.#documents.values()) document.off('update', this.#onUpdate)
    const error = new MerrowError(
      'database_closed',
      'The database was closed before its writes were exchanged. Call exchange() first.',
    )
    for (const { reject } of this.#waiters.splice(0)) reject(error)
  }

  flush(): void {
    this.#context.flush()
  }

  send(disk: Map<string, Y.Doc>): void {
    for (const [name, document] of this.#documents) {
      const server = disk.get(name) ?? createDocument()
      disk.set(name, server)
      Y.applyUpdate(server, Y.encodeStateAsUpdate(document, Y.encodeStateVector(server)))
    }
  }

  receive(disk: ReadonlyMap<string, Y.Doc>): void {
    const { position, onAcknowledged, onStatus } = this.#context
    this.unsent = 0
    for (const [name, document] of this.#documents) {
      onAcknowledged(name, position(name))
      Y.applyUpdate(document, Y.encodeStateAsUpdate(disk.get(name) as Y.Doc, Y.encodeStateVector(document)), this)
    }
    for (const { resolve } of this.#waiters.splice(0)) resolve()
    onStatus()
  }

  readonly #onUpdate = (_update: Uint8Array, origin: unknown): void => {
    if (origin === this) return
    this.unsent += 1
    this.#context.onStatus()
  }
}

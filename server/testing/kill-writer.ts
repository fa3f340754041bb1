// A client that writes without pause over the shared socket, keeps what it wrote, and notes what was acknowledged.
import * as prng from 'lib0/prng'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { decodeMessage, encodeMessage, type Message, SUBPROTOCOL, SyncType, WIRE_VERSION } from '../../src/sync/wire.ts'
import { encodeSync } from '../room/frame.ts'

interface Written {
  readonly doc: Y.Doc
  /** Written and not acknowledged, in order. */
  pending: string[]
  /** Of those, how many the frames of this connection brought, frame by frame. */
  frames: number[]
}

const MAX_UNACKNOWLEDGED = 8

/** One writer. */
export class Writer {
  /** Ids of the elements that the relay has acknowledged. */
  readonly acknowledged: string[] = []
  /** Channels that the relay closed. */
  refusals = 0
  readonly #number: number
  readonly #gen: prng.PRNG
  readonly #written: readonly Written[]
  readonly #names: readonly string[]
  #socket: WebSocket | undefined
  #count = 0
  #onAcknowledged = (): void => {}

  constructor(number: number, names: readonly string[], gen: prng.PRNG) {
    this.#number = number
    this.#names = names
    this.#gen = gen
    this.#written = names.map(() => ({ doc: new Y.Doc(), pending: [], frames: [] }))
  }

  /** Connects, brings what was not acknowledged, and writes until the connection ends. */
  connect(url: string): void {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/sync`, [SUBPROTOCOL])
    this.#socket = socket
    socket.on('error', () => {})
    socket.on('message', (data: Buffer) => this.#receive(decodeMessage(data)))
    socket.on('open', () => {
      this.#send({ kind: 'hello', version: WIRE_VERSION })
      for (const [at, document] of this.#names.entries()) this.#open(at, document)
      this.#writeMore()
    })
  }

  /** Ends the connection, if it has not ended by itself. */
  disconnect(): void {
    this.#socket?.terminate()
    this.#socket = undefined
  }

  /** Resolves with the next acknowledgement. */
  acknowledgedMore(): Promise<void> {
    return new Promise((resolve) => {
      this.#onAcknowledged = resolve
    })
  }

  #open(at: number, document: string): void {
    const written = this.#written[at] as Written
    this.#send({ kind: 'open', channel: at + 1, document })
    written.frames = []
    if (written.pending.length === 0) return
    written.frames.push(written.pending.length)
    this.#sendUpdate(at, Y.encodeStateAsUpdate(written.doc))
  }

  #writeMore(): void {
    while (this.#written.reduce((sum, { pending }) => sum + pending.length, 0) < MAX_UNACKNOWLEDGED) this.#writeOne()
  }

  #writeOne(): void {
    const at = prng.int32(this.#gen, 0, this.#written.length - 1)
    const { doc, pending, frames } = this.#written[at] as Written
    const id = `${this.#number}-${++this.#count}`
    const before = Y.encodeStateVector(doc)
    doc.getArray('log').push([id])
    pending.push(id)
    frames.push(1)
    this.#sendUpdate(at, Y.encodeStateAsUpdate(doc, before))
  }

  #receive(message: Message): void {
    if (message.kind === 'close') this.refusals += 1
    if (message.kind !== 'ack') return
    const written = this.#written[message.channel - 1] as Written
    // Acknowledgements count all frames of the connection; `frames` forgets those that were counted.
    let newly = 0
    for (let at = 0; at < message.count; at++) {
      newly += written.frames[at] ?? 0
      written.frames[at] = 0
    }
    this.acknowledged.push(...written.pending.splice(0, newly))
    if (newly > 0) this.#onAcknowledged()
    this.#writeMore()
  }

  #sendUpdate(at: number, update: Uint8Array): void {
    this.#send({ kind: 'frame', channel: at + 1, bytes: encodeSync(SyncType.update, update) })
  }

  #send(message: Message): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(encodeMessage(message))
  }
}

// A WebSocket client that costs next to nothing, so that the server is what is measured: it hops from frame to frame and looks
// into one only where it is told to. Knows RFC 6455 as far as servers use it.
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

/** How a client reads. */
export interface RawClientOptions {
  readonly port: number
  readonly path: string
  /** Told of every message: its first bytes, or all of it if `isWhole`; they count until the call ends. */
  readonly onMessage: (bytes: Uint8Array, length: number) => void
  /** Whether messages are wanted whole. */
  readonly isWhole: boolean
}

const PEEK_BYTES = 32
const BINARY = 2
const PING = 9
const PONG = Buffer.from([0x8a, 0x80, 0, 0, 0, 0])
/** All sockets read into the same bytes, which are dealt with at once. */
const shared = Buffer.alloc(256 * 1024)

/** A client's frame. The mask is zero, so that masking changes nothing. */
export const clientFrame = (message: Uint8Array): Buffer => {
  const { length } = message
  const head = length < 126 ? 2 : length < 65_536 ? 4 : 10
  const frame = Buffer.alloc(head + 4 + length)
  frame[0] = 0x80 | BINARY
  frame[1] = 0x80 | (head === 2 ? length : head === 4 ? 126 : 127)
  if (head === 4) frame.writeUInt16BE(length, 2)
  if (head === 10) frame.writeBigUInt64BE(BigInt(length), 2)
  frame.set(message, head + 4)
  return frame
}

/** One connection. */
export class RawClient {
  readonly #socket: Socket
  readonly #options: RawClientOptions
  #isOpen = false
  #opened: () => void = () => {}
  #head = Buffer.alloc(0)
  #opcode = 0
  #length = 0
  #seen = 0
  #parts: Buffer[] = []
  /** Bytes that have come. */
  received = 0
  /** Resolves once the WebSocket is open; rejects if it is not to be. */
  readonly opened: Promise<void>

  constructor(options: RawClientOptions) {
    this.#options = options
    const { port, path } = options
    const onread = { buffer: shared, callback: (count: number) => this.#read(shared.subarray(0, count)) }
    this.#socket = connect({ port, host: '127.0.0.1', onread, noDelay: true })
    this.opened = new Promise((resolve, reject) => {
      this.#opened = resolve
      this.#socket.on('error', reject)
      this.#socket.on('close', () => reject(new Error(`The server closed ${path}.`)))
    })
    this.opened.catch(() => {})
    const key = Buffer.alloc(16).toString('base64')
    this.#socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
    )
  }

  /** Sends what {@link clientFrame} made; all of one turn in one piece. */
  send(frame: Buffer): void {
    const socket = this.#socket
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(() => socket.uncork())
    }
    socket.write(frame)
  }

  /** Resolves once what was sent has left this process. */
  async drained(): Promise<void> {
    if (this.#socket.writableNeedDrain) await once(this.#socket, 'drain')
  }

  /** Whether the connection has ended. */
  get isClosed(): boolean {
    return this.#socket.destroyed
  }

  /** Cuts it off. */
  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: Buffer): boolean {
    this.received += chunk.length
    let at = this.#isOpen ? 0 : this.#upgrade(chunk)
    while (at < chunk.length) at = this.#length > this.#seen ? this.#body(chunk, at) : this.#header(chunk, at)
    return true
  }

  /** @returns Where the first frame begins. */
  #upgrade(chunk: Buffer): number {
    const head = Buffer.concat([this.#head, chunk])
    const end = head.indexOf('\r\n\r\n')
    if (end < 0) {
      this.#head = head
      return chunk.length
    }
    if (!head.toString('latin1', 0, 12).endsWith('101')) throw new Error(head.toString('latin1', 0, end))
    const before = this.#head.length
    this.#head = Buffer.alloc(0)
    this.#isOpen = true
    this.#opened()
    return end + 4 - before
  }

  #header(chunk: Buffer, at: number): number {
    const short = this.#head.length === 0 ? chunk.subarray(at) : Buffer.concat([this.#head, chunk.subarray(at)])
    const code = (short[1] ?? 0) & 0x7f
    const needed = code < 126 ? 2 : code === 126 ? 4 : 10
    if (short.length < needed) {
      this.#head = Buffer.from(short)
      return chunk.length
    }
    const before = this.#head.length
    if (before > 0) this.#head = Buffer.alloc(0)
    this.#opcode = (short[0] ?? 0) & 0x0f
    this.#length = code < 126 ? code : code === 126 ? short.readUInt16BE(2) : Number(short.readBigUInt64BE(2))
    this.#seen = 0
    if (this.#length === 0) this.#end(short.subarray(0, 0))
    return at + needed - before
  }

  #body(chunk: Buffer, at: number): number {
    const end = Math.min(chunk.length, at + this.#length - this.#seen)
    const isFirst = this.#seen === 0
    this.#seen += end - at
    const isLast = this.#seen === this.#length
    const piece = chunk.subarray(at, end)
    if (isFirst && isLast) this.#end(piece)
    else this.#gather(piece, isLast)
    return end
  }

  #gather(piece: Buffer, isLast: boolean): void {
    const { isWhole } = this.#options
    const kept = this.#parts.reduce((sum, { length }) => sum + length, 0)
    if (isWhole || kept < PEEK_BYTES) this.#parts.push(Buffer.from(isWhole ? piece : piece.subarray(0, PEEK_BYTES)))
    if (!isLast) return
    const whole = Buffer.concat(this.#parts)
    this.#parts = []
    this.#end(whole)
  }

  #end(message: Buffer): void {
    if (this.#opcode === PING) this.send(PONG)
    if (this.#opcode === BINARY) this.#options.onMessage(message, this.#length)
  }
}

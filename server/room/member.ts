// What a room and its members know of each other. Knows neither sockets nor Yjs.
import { encodeMessage } from '../../src/sync/wire.ts'

/** One frame for members of one room, framed for the shared socket at most once however many get it. */
export class RoomFrame {
  /** Number of the room among this relay's rooms. */
  readonly room: number
  /** The stock frame, as `/yjs` clients get it. */
  readonly bytes: Uint8Array
  #message: Uint8Array | undefined

  constructor(room: number, bytes: Uint8Array) {
    this.room = room
    this.bytes = bytes
  }

  /** The frame as a message of the shared socket. */
  get message(): Uint8Array {
    this.#message ??= encodeMessage({ kind: 'frame', channel: this.room, bytes: this.bytes })
    return this.#message
  }
}

/** One client's hold on one document, as its room sees it. No method throws. */
export interface Member {
  /** Takes what all members get; may be refused to one who is too far behind. */
  broadcast(frame: RoomFrame): void
  /** Takes what this member alone asked for. */
  answer(frame: RoomFrame): void
  /** Learns that its first `count` update frames are durable. */
  acknowledge(count: number): void
  /** Learns that its membership is over; the code is a WebSocket close code. */
  close(code: number, reason: string): void
}

// What a room and its members know of each other. Knows neither sockets nor Yjs.
import { cutFrame, encodeMessage } from '../../src/sync/wire.ts'

/** One frame for members of one room, framed for the shared socket at most once however many get it. */
export class RoomFrame {
  /** Number of the room among this relay's rooms. */
  readonly room: number
  /** The stock frame, as `/yjs` clients get it. */
  readonly bytes: Uint8Array
  #messages: readonly Uint8Array[] | undefined

  constructor(room: number, bytes: Uint8Array) {
    this.room = room
    this.bytes = bytes
  }

  /** The frame as messages of the shared socket: one, or, if it is long, its parts, so that a slow client hears that it is under way. */
  get messages(): readonly Uint8Array[] {
    this.#messages ??= Array.from(cutFrame(this.room, this.bytes), encodeMessage)
    return this.#messages
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

/** What a member may do in a document. */
export type Access = 'none' | 'read' | 'write'

/** Whom a member stands for. */
export interface Entrant {
  /** Whose token it is; undefined where tokens name nobody. */
  readonly subject: string | undefined
  /** Client id that it announced, under which it will write. */
  readonly client?: number | undefined
  /** What it may do now; asked at each frame, since tokens are renewed and end. */
  access(): Access
}

/** Somebody who may do everything, where nobody is asked for a token. */
export const ANYBODY: Entrant = { subject: undefined, access: () => 'write' }

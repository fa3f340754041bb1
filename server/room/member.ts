// What a room and its members know of each other. Knows neither sockets nor Yjs.
import type { Access } from '../auth/grants.ts'

/** What members speak: Merrow's shared socket, or stock frames alone. */
export type Protocol = 'shared' | 'stock'

/** What goes out on the sockets of each protocol. */
type Encoded = { [P in Protocol]?: readonly Uint8Array[] }

/** One frame for members of one room, encoded for each protocol at most once however many get it. */
export class RoomFrame {
  /** Number of the room among this relay's rooms. */
  readonly room: number
  /** The stock frame. */
  readonly bytes: Uint8Array
  readonly #encoded: Encoded = {}

  constructor(room: number, bytes: Uint8Array) {
    this.room = room
    this.bytes = bytes
  }

  /** What goes out on the sockets of one protocol; `encode` runs the first time alone. */
  encodedAs(protocol: Protocol, encode: () => readonly Uint8Array[]): readonly Uint8Array[] {
    this.#encoded[protocol] ??= encode()
    return this.#encoded[protocol]
  }
}

/** Largest batch that is sent as one piece, in bytes: copying more takes longer than sending it in pieces. */
const MAX_PIECE_BYTES = 256 * 1024

/** Frames that go out together, put together for each protocol at most once however many get them. */
export class RoomBatch {
  /** In order; at least one. */
  readonly frames: readonly RoomFrame[]
  readonly #encoded: Encoded = {}

  constructor(frames: readonly RoomFrame[]) {
    this.frames = frames
  }

  /** What goes out on the sockets of one protocol; `encode` is given each frame the first time alone. */
  encodedAs(protocol: Protocol, encode: (frame: RoomFrame) => readonly Uint8Array[]): readonly Uint8Array[] {
    this.#encoded[protocol] ??= inOnePiece(this.frames.flatMap(encode))
    return this.#encoded[protocol]
  }
}

const inOnePiece = (packets: readonly Uint8Array[]): readonly Uint8Array[] => {
  if (packets.length === 1) return packets
  const bytes = packets.reduce((sum, { length }) => sum + length, 0)
  return bytes <= MAX_PIECE_BYTES ? [Buffer.concat(packets, bytes)] : packets
}

/** One client's hold on one document, as its room sees it. No method throws. */
export interface Member {
  /** Whether it gets its own updates back once they are durable: newer stock clients take that for their acknowledgement. */
  readonly isEchoed?: boolean
  /** Takes what all members get; may be refused to one who is too far behind. */
  broadcast(batch: RoomBatch): void
  /** Takes what this member alone asked for. */
  answer(frame: RoomFrame): void
  /** Learns that its first `count` update frames are durable. */
  acknowledge(count: number): void
  /** Learns that a frame of its made the relay read the document. */
  costs?(): void
  /** Learns that its membership is over; the code is a WebSocket close code. */
  close(code: number, reason: string): void
}

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

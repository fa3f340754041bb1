// Frames of a room as the bytes that go out on a WebSocket, made once for all who get them. Knows WebSocket framing (RFC 6455).
import * as ws from 'ws'
import { cutFrame, encodeMessage } from '../../../src/sync/wire.ts'
import type { RoomBatch, RoomFrame } from '../../room/member.ts'

/** `Sender.frame` is public in `ws` and missing from its types. */
const { Sender } = ws as unknown as {
  readonly Sender: { frame(data: Buffer, options: typeof UNMASKED_BINARY): readonly Buffer[] }
}
const UNMASKED_BINARY = { fin: true, rsv1: false, opcode: 2, mask: false, readOnly: true } as const

/** A message as one WebSocket frame of a server. */
export const packetOf = (message: Uint8Array): Buffer => Buffer.concat(piecesOf(message))

/** The same as head and message, which is not copied. */
const piecesOf = (message: Uint8Array): readonly Buffer[] =>
  Sender.frame(Buffer.from(message.buffer, message.byteOffset, message.byteLength), UNMASKED_BINARY)

/** Messages up to this size are copied, so that one call sends them, in bytes. */
const SMALL_BYTES = 16 * 1024

/** A room's frame for shared sockets: in parts if it is long, so that a slow client hears that it is under way. */
export const sharedPackets = (frame: RoomFrame): readonly Uint8Array[] =>
  frame.encodedAs('shared', () =>
    Array.from(cutFrame(frame.room, frame.bytes), (part) => packetsOf(encodeMessage(part))).flat(),
  )

/** A room's frame for stock clients. */
export const stockPackets = (frame: RoomFrame): readonly Uint8Array[] =>
  frame.encodedAs('stock', () => packetsOf(frame.bytes))

const packetsOf = (message: Uint8Array): readonly Uint8Array[] =>
  message.length > SMALL_BYTES ? piecesOf(message) : [packetOf(message)]

/** Frames that go out together on shared sockets. */
export const sharedBatch = (batch: RoomBatch): readonly Uint8Array[] => batch.encodedAs('shared', sharedPackets)
/** Frames that go out together to stock clients. */
export const stockBatch = (batch: RoomBatch): readonly Uint8Array[] => batch.encodedAs('stock', stockPackets)

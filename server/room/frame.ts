// Stock y-websocket frames, read from bytes that anyone may have sent, and written. Knows updates as bytes.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { MerrowError } from '../../src/errors.ts'
import { FrameType, SyncType } from '../../src/sync/wire.ts'

/** One stock frame from a client. */
export type Frame =
  | { readonly kind: 'step1'; readonly stateVector: Uint8Array }
  /** `isAnswer`: a step 2, which answers the relay's step 1 with all that it lacks. */
  | { readonly kind: 'update'; readonly update: Uint8Array; readonly isAnswer: boolean }
  | { readonly kind: 'awareness'; readonly update: Uint8Array }
  | { readonly kind: 'queryAwareness' }

/**
 * Decodes one stock frame; its bytes are views into `bytes`.
 *
 * @throws {@link MerrowError} `invalid_frame` if it is none that a client may send.
 */
export const decodeFrame = (bytes: Uint8Array): Frame => {
  try {
    const decoder = decoding.createDecoder(bytes)
    const frame = readFrame(decoder)
    if (decoding.hasContent(decoder)) throw new Error('bytes are left over')
    return frame
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MerrowError('invalid_frame', `A frame of ${bytes.length} B cannot be read: ${reason}.`, {
      cause,
    })
  }
}

const readFrame = (decoder: decoding.Decoder): Frame => {
  const type = decoding.readVarUint(decoder)
  switch (type) {
    case FrameType.sync:
      return readSync(decoder)
    case FrameType.awareness:
      return { kind: 'awareness', update: decoding.readVarUint8Array(decoder) }
    case FrameType.queryAwareness:
      return { kind: 'queryAwareness' }
    default:
      throw new Error(`unknown type ${type}`)
  }
}

const readSync = (decoder: decoding.Decoder): Frame => {
  const type = decoding.readVarUint(decoder)
  switch (type) {
    case SyncType.step1:
      return { kind: 'step1', stateVector: decoding.readVarUint8Array(decoder) }
    case SyncType.step2:
    case SyncType.update:
      return { kind: 'update', update: decoding.readVarUint8Array(decoder), isAnswer: type === SyncType.step2 }
    default:
      throw new Error(`unknown sync type ${type}`)
  }
}

/** Encodes a sync frame around a state vector (step 1) or an update (step 2, update), which may be large: it is copied once. */
export const encodeSync = (type: (typeof SyncType)[keyof typeof SyncType], body: Uint8Array): Uint8Array => {
  const { length } = body
  const lengthBytes = Math.max(1, Math.ceil(Math.log2(length + 1) / 7))
  const frame = Buffer.allocUnsafe(2 + lengthBytes + length)
  frame[0] = FrameType.sync
  frame[1] = type
  let rest = length
  for (let at = 2; at < 1 + lengthBytes; at++) {
    frame[at] = 0x80 | (rest % 128)
    rest = Math.floor(rest / 128)
  }
  frame[1 + lengthBytes] = rest
  frame.set(body, 2 + lengthBytes)
  return frame
}

/** Encodes an awareness frame around an awareness update. */
export const encodeAwareness = (update: Uint8Array): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, FrameType.awareness)
  encoding.writeVarUint8Array(encoder, update)
  return encoding.toUint8Array(encoder)
}

// The shared socket's messages, both directions, as bytes. Knows neither sockets nor Yjs; `server/` reads the same page.
//
// One WebSocket (subprotocol `merrow.v1`) carries every document of a database. A message is a varUint kind and its body:
//
//   0 hello    client  JSON { version, token? }       the first message; nothing else is read before it
//   1 welcome  relay   JSON { version, relay, expiresInMs?, leaseMs?, takesDigests? }   the relay took the hello; nothing else is sent before it
//   2 open     client  channel, document, client id?  starts a channel; its frames may follow at once, written under the client id
//   3 opened   relay   channel, room                  the relay's frames for this channel will carry `room`
//   4 close    both    channel, code, reason          ends one channel; the codes are WebSocket close codes
//   5 frame    both    channel | room, bytes          one stock y-websocket frame (client: its channel; relay: the room)
//   6 part     both    channel | room, bytes          a piece of a long frame; the pieces and then a `frame` make one
//   7 ack      relay   channel, count                 of this channel's update frames, the first `count` are on disk
//   8 ping     relay                                  every PING_INTERVAL_MS
//   9 pong     client                                 its answer
//  10 token    client  JSON { token }                 a new token of the same user, before the last one expires
//  11 renewed  relay   JSON { expiresInMs? }          the relay took it; channels go on
//  12 claim    client  JSON { duty, holder }          asks to hold a duty for one lease time, or to go on holding it
//  13 granted  relay   JSON { duty, number, leaseMs } it does, from when it asked; the number grows with each change of holder
//  14 denied   relay   JSON { duty, reason, waitMs? } it does not; without waitMs asking again is pointless
//  15 release  client  JSON { duty, holder }          it no longer does
//  16 digest   client  channel, JSON { vector, deletes, content }   what the document says, to a relay that takes digests
//
// Relays that grant duties say so by `leaseMs` in the welcome; clients claim from no others.
// A room number means the same to every client of a relay process, so that one broadcast is framed once.
// Codes 4400-4499 are permanent (do not try again), all others pass.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { MerrowError } from '../errors.ts'
import type { Digest } from './digest.js'

/** WebSocket subprotocol of the shared socket. */
export const SUBPROTOCOL = 'merrow.v1'
/** Version in `hello` and `welcome`; both sides must agree. */
export const WIRE_VERSION = 1
/** Longer frames are cut into parts of this size, in bytes. */
export const PART_BYTES = 256 * 1024
/** Largest WebSocket message that either side sends on behalf of a client, in bytes. */
export const MAX_MESSAGE_BYTES = 1024 * 1024
/** How often the relay pings; a side that hears nothing for three times this hangs up. In milliseconds. */
export const PING_INTERVAL_MS = 15_000
/** Longest name of a document or a duty, in characters. */
export const MAX_NAME_LENGTH = 256
/** Who holds a duty is known by a text that nobody can guess, of so many characters. */
export const MIN_HOLDER_LENGTH = 16
/** @see MIN_HOLDER_LENGTH */
export const MAX_HOLDER_LENGTH = 64
/** How long a duty is held after it was claimed, in milliseconds. */
export const LEASE_MS = 15_000

/** Close codes of Merrow's own. */
export const CloseCode = {
  badFrame: 4400,
  unauthorised: 4401,
  forbidden: 4403,
  /** The document was deleted; its name stays taken. */
  deleted: 4404,
  wrongVersion: 4406,
  /** Somebody else writes under the client id; a fresh one is taken instead. */
  clientTaken: 4409,
  /** The relay has other content under the same client id and clock: the replica was copied, or set back. */
  forked: 4410,
  tooLarge: 4413,
  /** The token has expired: transient, since the next connection brings a new one. */
  expired: 3000,
} as const

/** Whether a close code says that trying again is pointless. */
export const isPermanent = (code: number): boolean => code >= 4400 && code < 4500

/** One message of the shared socket. */
export type Message =
  | { readonly kind: 'hello'; readonly version: number; readonly token?: string }
  | {
      readonly kind: 'welcome'
      readonly version: number
      readonly relay: string
      readonly expiresInMs?: number
      readonly leaseMs?: number
      readonly takesDigests?: boolean
    }
  | { readonly kind: 'open'; readonly channel: number; readonly document: string; readonly client?: number }
  | { readonly kind: 'opened'; readonly channel: number; readonly room: number }
  | { readonly kind: 'close'; readonly channel: number; readonly code: number; readonly reason: string }
  | { readonly kind: 'frame'; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly kind: 'part'; readonly channel: number; readonly bytes: Uint8Array }
  | { readonly kind: 'ack'; readonly channel: number; readonly count: number }
  | { readonly kind: 'ping' }
  | { readonly kind: 'pong' }
  | { readonly kind: 'token'; readonly token: string }
  | { readonly kind: 'renewed'; readonly expiresInMs?: number }
  | { readonly kind: 'claim' | 'release'; readonly duty: string; readonly holder: string }
  | { readonly kind: 'granted'; readonly duty: string; readonly number: number; readonly leaseMs: number }
  | { readonly kind: 'denied'; readonly duty: string; readonly reason: string; readonly waitMs?: number }
  | { readonly kind: 'digest'; readonly channel: number; readonly digest: Digest }

const KINDS = [
  'hello',
  'welcome',
  'open',
  'opened',
  'close',
  'frame',
  'part',
  'ack',
  'ping',
  'pong',
  'token',
  'renewed',
  'claim',
  'granted',
  'denied',
  'release',
  'digest',
] as const

/** Encodes one message. */
export const encodeMessage = (message: Message): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, KINDS.indexOf(message.kind))
  writeBody(encoder, message)
  return encoding.toUint8Array(encoder)
}

const writeBody = (encoder: encoding.Encoder, message: Message): void => {
  switch (message.kind) {
    case 'hello':
    case 'token':
    case 'renewed':
    case 'welcome':
    case 'claim':
    case 'granted':
    case 'denied':
    case 'release': {
      const { kind: _, ...body } = message
      return encoding.writeVarString(encoder, JSON.stringify(body))
    }
    case 'open':
      encoding.writeVarUint(encoder, message.channel)
      encoding.writeVarString(encoder, message.document)
      if (message.client !== undefined) encoding.writeVarUint(encoder, message.client)
      return
    case 'opened':
      encoding.writeVarUint(encoder, message.channel)
      return encoding.writeVarUint(encoder, message.room)
    case 'close':
      encoding.writeVarUint(encoder, message.channel)
      encoding.writeVarUint(encoder, message.code)
      return encoding.writeVarString(encoder, message.reason)
    case 'frame':
    case 'part':
      encoding.writeVarUint(encoder, message.channel)
      return encoding.writeUint8Array(encoder, message.bytes)
    case 'ack':
      encoding.writeVarUint(encoder, message.channel)
      return encoding.writeVarUint(encoder, message.count)
    case 'digest':
      encoding.writeVarUint(encoder, message.channel)
      return encoding.writeVarString(encoder, JSON.stringify(message.digest))
    case 'ping':
    case 'pong':
      return
  }
}

/**
 * Decodes one message. The bytes may come from anyone; the result's `bytes` are a view into them.
 *
 * @throws {@link MerrowError} `invalid_frame` if they are no message.
 */
export const decodeMessage = (bytes: Uint8Array): Message => {
  try {
    const decoder = decoding.createDecoder(bytes)
    const message = readBody(decoder)
    if (decoding.hasContent(decoder)) throw new Error('bytes are left over')
    return message
  } catch (cause) {
    throw new MerrowError(
      'invalid_frame',
      `A message of ${bytes.length} B on the shared socket cannot be read: ${String(cause)}.`,
      {
        cause,
      },
    )
  }
}

const readBody = (decoder: decoding.Decoder): Message => {
  const kind = KINDS[decoding.readVarUint(decoder)]
  switch (kind) {
    case 'hello': {
      const { version, token } = readJson(decoder)
      if (typeof version !== 'number') throw new Error('hello without a version')
      return typeof token === 'string' ? { kind, version, token } : { kind, version }
    }
    case 'welcome': {
      const { version, relay, expiresInMs, leaseMs, takesDigests } = readJson(decoder)
      if (typeof version !== 'number') throw new Error('welcome without a version')
      const welcome = {
        kind,
        version,
        relay: typeof relay === 'string' ? relay : '',
        ...readExpiry(expiresInMs),
      } as const
      return {
        ...welcome,
        ...(isTime(leaseMs) ? { leaseMs } : {}),
        ...(takesDigests === true ? { takesDigests } : {}),
      }
    }
    case 'open':
      return readOpen(decoder)
    case 'opened':
      return { kind, channel: decoding.readVarUint(decoder), room: decoding.readVarUint(decoder) }
    case 'close':
      return {
        kind,
        channel: decoding.readVarUint(decoder),
        code: decoding.readVarUint(decoder),
        reason: decoding.readVarString(decoder),
      }
    case 'frame':
    case 'part':
      return { kind, channel: decoding.readVarUint(decoder), bytes: decoding.readTailAsUint8Array(decoder) }
    case 'ack':
      return { kind, channel: decoding.readVarUint(decoder), count: decoding.readVarUint(decoder) }
    case 'ping':
    case 'pong':
      return { kind }
    case 'token': {
      const { token } = readJson(decoder)
      if (typeof token !== 'string') throw new Error('no token')
      return { kind, token }
    }
    case 'renewed':
      return { kind, ...readExpiry(readJson(decoder)['expiresInMs']) }
    case 'claim':
    case 'release':
    case 'granted':
    case 'denied':
      return readDuty(kind, readJson(decoder))
    case 'digest':
      return { kind, channel: decoding.readVarUint(decoder), digest: readDigest(decoder) }
    default:
      throw new Error('unknown kind')
  }
}

const readDuty = (
  kind: 'claim' | 'release' | 'granted' | 'denied',
  { duty, holder, number, leaseMs, reason, waitMs }: Record<string, unknown>,
): Message => {
  if (typeof duty !== 'string' || duty.length > MAX_NAME_LENGTH) throw new Error('no duty')
  switch (kind) {
    case 'granted':
      if (!Number.isSafeInteger(number) || !isTime(leaseMs)) throw new Error('no grant')
      return { kind, duty, number: number as number, leaseMs }
    case 'denied': {
      const denied = { kind, duty, reason: typeof reason === 'string' ? reason : '' }
      return isTime(waitMs) ? { ...denied, waitMs } : denied
    }
    default:
      if (typeof holder !== 'string' || holder.length < MIN_HOLDER_LENGTH || holder.length > MAX_HOLDER_LENGTH)
        throw new Error('no holder')
      return { kind, duty, holder }
  }
}

const isTime = (ms: unknown): ms is number => typeof ms === 'number' && ms >= 0 && ms < 2 ** 31

const readExpiry = (expiresInMs: unknown): { readonly expiresInMs?: number } =>
  typeof expiresInMs === 'number' && expiresInMs >= 0 ? { expiresInMs } : {}

const readDigest = (decoder: decoding.Decoder): Digest => {
  const { vector, deletes, content } = readJson(decoder)
  const isText = (value: unknown): value is string => typeof value === 'string'
  if (!isText(vector) || !isText(deletes) || !isText(content)) throw new Error('no digest')
  return { vector, deletes, content }
}

const readOpen = (decoder: decoding.Decoder): Message => {
  const open = {
    kind: 'open',
    channel: decoding.readVarUint(decoder),
    document: decoding.readVarString(decoder),
  } as const
  return decoding.hasContent(decoder) ? { ...open, client: decoding.readVarUint(decoder) } : open
}

const readJson = (decoder: decoding.Decoder): Record<string, unknown> => {
  const value: unknown = JSON.parse(decoding.readVarString(decoder))
  if (typeof value !== 'object' || value === null) throw new Error('not an object')
  return value as Record<string, unknown>
}

/** The messages that carry one frame, in order: its parts, if it is long, and then the rest as a `frame`. */
export function* cutFrame(channel: number, frame: Uint8Array): Generator<Message, void, undefined> {
  let from = 0
  for (; frame.length - from > PART_BYTES; from += PART_BYTES)
    yield { kind: 'part', channel, bytes: frame.subarray(from, from + PART_BYTES) }
  yield { kind: 'frame', channel, bytes: frame.subarray(from) }
}

/** Frame types of the stock protocol (y-websocket), the first varUint of a frame. */
export const FrameType = { sync: 0, awareness: 1, auth: 2, queryAwareness: 3 } as const
/** Sync frame types, the second varUint of a sync frame. */
export const SyncType = { step1: 0, step2: 1, update: 2 } as const

/** Whether a stock frame carries an update, and so is counted and acknowledged. All these numbers fit one byte. */
export const carriesUpdate = (frame: Uint8Array): boolean =>
  frame[0] === FrameType.sync && (frame[1] === SyncType.step2 || frame[1] === SyncType.update)

/** A silent keep-alive for stock clients, which hang up after 30 s without a frame: an empty awareness update. */
export const KEEP_ALIVE_FRAME = Uint8Array.of(FrameType.awareness, 1, 0)

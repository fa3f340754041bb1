// Row ids: made here as UUIDv7, unless by another scheme, and packed for the wire. Knows nothing of rows.
import { v7 } from 'uuid'

/** Fills bytes with randomness; the source of ids, replica names and jitter. */
export type RandomBytes = (bytes: Uint8Array<ArrayBuffer>) => Uint8Array

/** Cryptographic randomness of the platform. */
export const systemRandom: RandomBytes = (bytes) => crypto.getRandomValues(bytes)

/**
 * How row ids are made.
 *
 * @param now - Wall clock, milliseconds since the epoch.
 * @param random - Source of randomness.
 * @returns What makes the next id: 1 to 256 characters, never the same again.
 */
export type IdScheme = (now: () => number, random: RandomBytes) => () => string

const POOL_BYTES = 4096

/** Makes UUIDv7 ids (RFC 9562), each above the one before it, whatever the wall clock does. */
export const createIdSource: IdScheme = (now, random) => {
  const make = createUuidSource(now, random)
  return () => toText(make())
}

/** As {@link createIdSource}, packed: quicker for ids that are stored and not shown. */
export const createPackedIdSource = (now: () => number, random: RandomBytes): (() => string) => {
  const make = createUuidSource(now, random)
  return () => packBytes(make())
}

/** @returns A function that gives the next id in the same 16 bytes each time. */
const createUuidSource = (now: () => number, random: RandomBytes): (() => Uint8Array) => {
  const pool = new Uint8Array(POOL_BYTES)
  const made = new Uint8Array(16)
  // Copied: a view of the pool takes longer to make.
  const bytes = new Uint8Array(16)
  let used = POOL_BYTES
  let lastMs = 0
  let sequence = 0
  return () => {
    if (used === POOL_BYTES) {
      random(pool)
      used = 0
    }
    for (let at = 0; at < 16; at++) bytes[at] = pool[used + at] as number
    used += 16
    const ms = Math.floor(now())
    if (ms > lastMs) {
      lastMs = ms
      sequence = ((bytes[6] ?? 0) << 16) | ((bytes[7] ?? 0) << 8) | (bytes[8] ?? 0)
    } else if (++sequence > 0x7fffffff) {
      lastMs += 1
      sequence = 0
    }
    return v7({ msecs: lastMs, seq: sequence, random: bytes }, made)
  }
}

/** A UUID in the usual form; uuid's own stringify, which takes any case and any length, takes longer than making the id. */
const toText = (bytes: Uint8Array): string => {
  for (let digit = 0; digit < 32; digit++) put(unpacked, digit, (bytes[digit >> 1] ?? 0) >> (digit & 1 ? 0 : 4))
  return String.fromCharCode.apply(null, unpacked)
}

/** A UUID in base64url: three bytes are four characters, and the last one stands alone. */
const packBytes = (bytes: Uint8Array): string => {
  for (let at = 0, to = 0; at < 16; at += 3, to += 4) {
    const bits = ((bytes[at] ?? 0) << 16) | ((bytes[at + 1] ?? 0) << 8) | (bytes[at + 2] ?? 0)
    packed[to] = ALPHABET.charCodeAt(bits >> 18)
    packed[to + 1] = ALPHABET.charCodeAt((bits >> 12) & 63)
    if (to === 20) break
    packed[to + 2] = ALPHABET.charCodeAt((bits >> 6) & 63)
    packed[to + 3] = ALPHABET.charCodeAt(bits & 63)
  }
  return String.fromCharCode.apply(null, packed)
}

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A random name of 16 characters `[A-Za-z0-9_-]`, unique for all practical purposes (96 bits). */
export const randomName = (random: RandomBytes): string =>
  Array.from(random(new Uint8Array(16)), (byte) => ALPHABET.charAt(byte & 63)).join('')

const PACKED = /^[A-Za-z0-9_-]{21}[AQgw]$/
const DASH = 45
const DASHES = [8, 13, 18, 23]
const HEX_AT = Array.from({ length: 36 }, (_, at) => at).filter((at) => !DASHES.includes(at))
const HEX = '0123456789abcdef'
const HEX_CODES = Array.from(HEX, (digit) => digit.charCodeAt(0))
/** Where the digits of each byte begin. */
const BYTE_AT = Array.from({ length: 16 }, (_, byte) => HEX_AT[byte * 2] as number)
const NO_DIGIT = 16
const digitOf = new Uint8Array(128).fill(NO_DIGIT)
const sextetOf = new Uint8Array(128)
for (let digit = 0; digit < 16; digit++) digitOf[HEX.charCodeAt(digit)] = digit
for (let sextet = 0; sextet < 64; sextet++) sextetOf[ALPHABET.charCodeAt(sextet)] = sextet

/**
 * The form in which a row id travels and rests: a UUID in base64url (RFC 4648), 22 characters instead of 36; any other
 * id as it is, behind a `:`. Written out by hand because it runs once a row at every load.
 */
export const packId = (id: string): string => {
  if (!isDashed(id)) return `:${id}`
  const codes = packed
  for (let at = 0, to = 0; at < 32; at += 3, to += 2) {
    const a = hexAt(id, at)
    const b = hexAt(id, at + 1)
    const c = hexAt(id, at + 2)
    if ((a | b | c) >= NO_DIGIT) return `:${id}`
    const bits = (a << 8) | (b << 4) | c
    codes[to] = ALPHABET.charCodeAt(bits >> 6)
    codes[to + 1] = ALPHABET.charCodeAt(bits & 63)
  }
  return String.fromCharCode.apply(null, codes)
}

const isDashed = (id: string): boolean =>
  id.length === 36 &&
  id.charCodeAt(8) === DASH &&
  id.charCodeAt(13) === DASH &&
  id.charCodeAt(18) === DASH &&
  id.charCodeAt(23) === DASH

/** Where an id is put together; one for all, since this runs once a row at every load. */
const packed = new Array<number>(22).fill(DASH)
const unpacked = new Array<number>(36).fill(DASH)

/** The row id of its packed form, or undefined if this is none. */
export const unpackId = (packed: string): string | undefined => {
  if (packed.charCodeAt(0) === 58) return packed.length > 1 ? packed.slice(1) : undefined
  if (packed.length !== 22 || !PACKED.test(packed)) return undefined
  const codes = unpacked
  for (let at = 0, from = 0; at < 32; at += 3, from += 2) {
    const bits = (sextet(packed, from) << 6) | sextet(packed, from + 1)
    put(codes, at, bits >> 8)
    put(codes, at + 1, bits >> 4)
    put(codes, at + 2, bits)
  }
  return String.fromCharCode.apply(null, codes)
}

/** Bytes of a UUID. */
export const UUID_BYTES = 16

/** The bytes of a UUID in lower case; undefined for any other id. */
export const uuidBytes = (id: string): Uint8Array<ArrayBuffer> | undefined => {
  if (id.length !== 36 || DASHES.some((at) => id.charCodeAt(at) !== DASH)) return undefined
  const bytes = new Uint8Array(UUID_BYTES)
  for (let at = 0; at < UUID_BYTES; at++) {
    const [high, low] = [hexAt(id, at * 2), hexAt(id, at * 2 + 1)]
    if ((high | low) >= NO_DIGIT) return undefined
    bytes[at] = (high << 4) | low
  }
  return bytes
}

/** The UUID of {@link UUID_BYTES} bytes. */
export const uuidOf = (bytes: Uint8Array): string => {
  const codes = unpacked
  for (let at = 0; at < UUID_BYTES; at++) {
    const byte = bytes[at] as number
    const to = BYTE_AT[at] as number
    codes[to] = HEX_CODES[byte >> 4] as number
    codes[to + 1] = HEX_CODES[byte & 15] as number
  }
  return String.fromCharCode.apply(null, codes)
}

const hexAt = (id: string, digit: number): number =>
  digit < 32 ? (digitOf[id.charCodeAt(HEX_AT[digit] ?? 0)] ?? NO_DIGIT) : 0
const sextet = (packed: string, at: number): number => sextetOf[packed.charCodeAt(at)] ?? 0
const put = (codes: number[], digit: number, bits: number): void => {
  const at = HEX_AT[digit]
  if (at !== undefined) codes[at] = HEX.charCodeAt(bits & 15)
}

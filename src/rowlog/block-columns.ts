// Columns of a block: the values of one field, written together in the form that is shortest for them. Knows bytes; no patches.
//
//   column   varUint kind, then what that kind has
//
// Where some values are undefined, the kind has PARTIAL added, and a bit a value comes first that says which are there.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'

const ANY = 0
const STRINGS = 1
const NUMBERS = 2
const BOOLEANS = 3
const PARTIAL = 16
/** Numbers are written as integers, behind how many of their digits stand after the point. */
const MAX_DIGITS = 7

/** Writes the values of one field. */
export const writeColumn = (encoder: encoding.Encoder, values: readonly unknown[]): void => {
  const present = values.filter((value) => value !== undefined)
  const isPartial = present.length < values.length
  const kind = kindOf(present)
  encoding.writeVarUint(encoder, kind + (isPartial ? PARTIAL : 0))
  if (isPartial)
    writeBits(
      encoder,
      values.map((value) => value !== undefined),
    )
  switch (kind) {
    case STRINGS:
      return writeStrings(encoder, present as string[])
    case BOOLEANS:
      return writeBits(encoder, present as boolean[])
    case NUMBERS:
      return writeNumbers(encoder, present as number[])
    default:
      for (const value of present) encoding.writeAny(encoder, value as never)
  }
}

/** Reads as many values as were written. @throws if there are fewer, or other than {@link writeColumn} writes. */
export const readColumn = (decoder: decoding.Decoder, count: number): unknown[] => {
  const head = decoding.readVarUint(decoder)
  const there = head >= PARTIAL ? readBits(decoder, count) : undefined
  const present = readPresent(decoder, head % PARTIAL, there === undefined ? count : there.filter(Boolean).length)
  if (there === undefined) return present
  const values: unknown[] = []
  let at = 0
  for (const isThere of there) values.push(isThere ? present[at++] : undefined)
  return values
}

const readPresent = (decoder: decoding.Decoder, kind: number, count: number): unknown[] => {
  switch (kind) {
    case STRINGS:
      return readStrings(decoder, count)
    case BOOLEANS:
      return readBits(decoder, count)
    case ANY:
      return times(count, () => decoding.readAny(decoder))
    case NUMBERS:
      return readNumbers(decoder, count)
    default:
      throw new Error(`A column of a block is of kind ${kind}, which is none.`)
  }
}

const kindOf = (values: readonly unknown[]): number => {
  if (values.every((value) => typeof value === 'string')) return STRINGS
  if (values.every((value) => typeof value === 'boolean')) return BOOLEANS
  const areNumbers = values.every((value) => typeof value === 'number' && !Object.is(value, -0))
  return areNumbers && digitsOf(values as readonly number[]) !== undefined ? NUMBERS : ANY
}

/** The fewest digits after the point with which all numbers can be written as integers and read again as they were. */
const digitsOf = (values: readonly number[]): number | undefined => {
  for (let digits = 0; digits <= MAX_DIGITS; digits++) {
    const scale = 10 ** digits
    const isKept = (value: number): boolean => {
      const scaled = Math.round(value * scale)
      return Number.isSafeInteger(scaled) && scaled / scale === value
    }
    if (values.every(isKept)) return digits
  }
  return undefined
}

const writeNumbers = (encoder: encoding.Encoder, values: readonly number[]): void => {
  const digits = digitsOf(values) ?? 0
  encoding.writeUint8(encoder, digits)
  const scale = 10 ** digits
  for (const value of values) encoding.writeVarInt(encoder, Math.round(value * scale))
}

const readNumbers = (decoder: decoding.Decoder, count: number): number[] => {
  const scale = 10 ** decoding.readUint8(decoder)
  const numbers: number[] = []
  for (let at = 0; at < count; at++) {
    const value = decoding.readVarInt(decoder) / scale
    if (!Number.isFinite(value)) throw new Error('A number of a block is none.')
    numbers.push(value)
  }
  return numbers
}

const writeStrings = (encoder: encoding.Encoder, values: readonly string[]): void => {
  const strings = new encoding.StringEncoder()
  for (const value of values) strings.write(value)
  encoding.writeVarUint8Array(encoder, strings.toUint8Array())
}

const readStrings = (decoder: decoding.Decoder, count: number): string[] => {
  const strings = new decoding.StringDecoder(decoding.readVarUint8Array(decoder))
  return times(count, () => strings.read())
}

const writeBits = (encoder: encoding.Encoder, bits: readonly boolean[]): void => {
  for (let at = 0; at < bits.length; at += 8) {
    let byte = 0
    for (let bit = 0; bit < 8; bit++) if (bits[at + bit] === true) byte |= 1 << bit
    encoding.writeUint8(encoder, byte)
  }
}

const readBits = (decoder: decoding.Decoder, count: number): boolean[] => {
  const bytes = decoding.readUint8Array(decoder, Math.ceil(count / 8))
  const bits: boolean[] = []
  for (let at = 0; at < count; at++) bits.push((((bytes[at >> 3] as number) >> (at & 7)) & 1) === 1)
  return bits
}

/** What a call gives, so many times. */
const times = <T>(count: number, call: () => T): T[] => {
  const all: T[] = []
  for (let at = 0; at < count; at++) all.push(call())
  return all
}

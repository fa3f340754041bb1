// Ids and stamps of a block. Knows bytes; no values.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { UUID_BYTES, uuidBytes, uuidOf } from '../ids.ts'
import { STAMPS_PER_MINUTE, stampAt } from '../stamp.ts'
import { assertBlock } from './block-bytes.ts'

/** Precedes an id that is no UUID. */
const TEXT_ID = 255
/** Units in which a stamp may be written, largest first. */
const UNITS = [STAMPS_PER_MINUTE, stampAt(1), 1]

/** Stands for a leap of so many stamps, before a step that would be more than a varUint can hold: no step itself leads so far. */
const LEAP = Number.MAX_SAFE_INTEGER
const LEAP_STAMPS = 2 ** 51

/** UUIDs as the bytes that differ from the id before, behind how many are the same. */
export const writeIds = (encoder: encoding.Encoder, ids: readonly string[]): void => {
  let before = new Uint8Array(UUID_BYTES)
  for (const id of ids) {
    const bytes = uuidBytes(id)
    if (bytes === undefined) {
      encoding.writeUint8(encoder, TEXT_ID)
      encoding.writeVarString(encoder, id)
      continue
    }
    let same = 0
    while (same < UUID_BYTES && bytes[same] === before[same]) same++
    encoding.writeUint8(encoder, same)
    encoding.writeUint8Array(encoder, bytes.subarray(same))
    before = bytes
  }
}

/** Reads so many ids. */
export const readIds = (decoder: decoding.Decoder, count: number): string[] => {
  const bytes = new Uint8Array(UUID_BYTES)
  const ids: string[] = []
  for (let at = 0; at < count; at++) {
    const same = decoding.readUint8(decoder)
    if (same === TEXT_ID) {
      ids.push(decoding.readVarString(decoder))
      continue
    }
    assertBlock(same <= UUID_BYTES)
    for (let byte = same; byte < UUID_BYTES; byte++) bytes[byte] = decoding.readUint8(decoder)
    ids.push(uuidOf(bytes))
  }
  return ids
}

/**
 * A row's first stamp counts from the first of the row before; the others from the one before, in the largest of the units that is
 * exact: minutes, milliseconds, single stamps.
 */
export const writeStamps = (encoder: encoding.Encoder, rows: Iterable<readonly number[]>): void => {
  let first = 0
  for (const stamps of rows) {
    let before = first
    for (const [number, stamp] of stamps.entries()) {
      if (number === 0) {
        encoding.writeVarInt(encoder, stamp - first)
        first = stamp
      } else {
        while (stepTo(stamp, before) >= LEAP) {
          encoding.writeVarUint(encoder, LEAP)
          before += LEAP_STAMPS
        }
        encoding.writeVarUint(encoder, stepTo(stamp, before))
      }
      before = stamp
    }
  }
}

const stepTo = (stamp: number, before: number): number => {
  const unit = UNITS.findIndex((size) => stamp % size === 0)
  const size = UNITS[unit] as number
  return (stamp / size - Math.floor(before / size)) * UNITS.length + unit
}

/** Reads the stamps of all patches. @param counts - Patches of each row. */
export const readStamps = (decoder: decoding.Decoder, counts: readonly number[], total: number): Float64Array => {
  const stamps = new Float64Array(total)
  let first = 0
  let at = 0
  for (const count of counts) {
    let before = first
    for (const end = at + count; at < end; at++) {
      const isFirst = at === end - count
      const stamp: number = isFirst ? first + decoding.readVarInt(decoder) : readLater(decoder, before)
      assertBlock(Number.isSafeInteger(stamp) && stamp >= 0)
      if (isFirst) first = stamp
      stamps[at] = stamp
      before = stamp
    }
  }
  return stamps
}

const readLater = (decoder: decoding.Decoder, before: number): number => {
  const step = decoding.readVarUint(decoder)
  if (step === LEAP) return readLater(decoder, before + LEAP_STAMPS)
  const size = UNITS[step % UNITS.length] as number
  return (Math.floor(before / size) + Math.floor(step / UNITS.length)) * size
}

// Blocks: the patches of many rows in one element, column by column, as compaction writes them. Knows the bytes; not what to pack.
//
//   block    packed at · packer · fields · writers · shapes · rows · ids · shape numbers · writer numbers · stamps · columns
//
// Rows stand in the order of their ids, the patches of one in theirs. A block is never written to: to change it, another is made
// of what is left of it.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { UUID_BYTES, uuidBytes, uuidOf } from '../ids.ts'
import { STAMPS_PER_MINUTE } from '../stamp.ts'
import { readColumn, writeColumn } from './block-columns.ts'
import { FIRST_VALUE, isFieldName, type RawPatch } from './format.ts'

/** Who wrote a patch. */
export interface Writer {
  readonly replica: string
  readonly author: string | undefined
}

/** One write to one row. */
export interface BlockPatch extends Writer {
  readonly stamp: number
  readonly insert: boolean
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
}

/** A row's patches, lowest stamp first. */
export interface BlockRow {
  readonly id: string
  readonly patches: readonly BlockPatch[]
}

/** What a block holds. Of two copies of a write, that of the block which was packed later counts. */
export interface Block {
  /** Stamp of the packing, above those of all blocks that went into it. */
  readonly packedAt: number
  readonly packer: string
  readonly rows: readonly BlockRow[]
}

/** The columns that patches of one kind write. */
export interface BlockShape {
  readonly insert: boolean
  readonly columns: readonly string[]
}

/** A block as it was read. */
export interface PackedBlock {
  readonly packedAt: number
  readonly packer: string
  readonly writers: readonly Writer[]
  readonly shapes: readonly BlockShape[]
  /** Ids of its rows, and how many patches each has. */
  readonly ids: readonly string[]
  readonly counts: readonly number[]
  /** All patches, row by row: number of the shape, a place for the id, the stamp, values. */
  readonly raws: readonly RawPatch[]
  readonly writerNumbers: readonly number[]
}

/** Most rows in a block. */
export const BLOCK_ROWS = 1024
const MAX_PATCHES = 1 << 16
const MAX_VALUES = 1 << 20
/** Precedes an id that is no UUID. */
const TEXT_ID = 255

/** The bytes of a block. */
export const encodeBlock = ({ packedAt, packer, rows }: Block): Uint8Array => {
  const encoder = encoding.createEncoder()
  const patches = rows.flatMap((row) => row.patches)
  const fields = new Names()
  const writers = new Names()
  const shapes = new Names()
  const shapeKeys = patches.map(({ insert, columns }) =>
    JSON.stringify([insert ? 1 : 0, ...columns.map((column) => fields.numberOf(column))]),
  )
  // The most frequent first: their numbers are the shortest.
  for (const key of byFrequency(shapeKeys)) shapes.numberOf(key)
  const shapeNumbers = shapeKeys.map((key) => shapes.numberOf(key))
  const writerNumbers = patches.map(({ replica, author }) =>
    writers.numberOf(JSON.stringify([replica, author ?? null])),
  )
  encoding.writeVarUint(encoder, packedAt)
  encoding.writeVarString(encoder, packer)
  writeList(encoder, fields.list, (name) => encoding.writeVarString(encoder, name))
  writeList(encoder, writers.list, (key) => writeWriter(encoder, JSON.parse(key)))
  writeList(encoder, shapes.list, (key) =>
    writeList(encoder, JSON.parse(key) as number[], (number) => encoding.writeVarUint(encoder, number)),
  )
  writeList(encoder, rows, (row) => encoding.writeVarUint(encoder, row.patches.length))
  writeIds(encoder, rows)
  for (const number of shapeNumbers) encoding.writeVarUint(encoder, number)
  writeRuns(encoder, writerNumbers)
  writeStamps(encoder, rows)
  for (const field of fields.list) {
    const writing = patches.filter(({ columns }) => columns.includes(field))
    writeColumn(
      encoder,
      writing.map(({ columns, values }) => values[columns.indexOf(field)]),
    )
  }
  return encoding.toUint8Array(encoder)
}

/** The block of these bytes. They may come from anyone. @throws if they are no block. */
export const decodeBlock = (bytes: Uint8Array): PackedBlock => {
  const decoder = decoding.createDecoder(bytes)
  const packedAt = decoding.readVarUint(decoder)
  const packer = decoding.readVarString(decoder)
  const fields = readList(decoder, () => decoding.readVarString(decoder))
  assert(fields.every(isFieldName))
  const writers = readList(decoder, () => readWriter(decoder))
  const shapes = readList(decoder, () => readShape(decoder, fields.length))
  const counts = readList(decoder, () => decoding.readVarUint(decoder))
  const total = counts.reduce((sum, count) => sum + count, 0)
  assert(counts.length <= BLOCK_ROWS && total <= MAX_PATCHES)
  const ids = readIds(decoder, counts.length)
  const shapeNumbers = times(total, () => below(shapes.length, decoding.readVarUint(decoder)))
  const writerNumbers = readRuns(decoder, total).map((number) => below(writers.length, number))
  const stamps = readStamps(decoder, counts)
  const lengths = columnLengths(shapes, shapeNumbers, fields.length)
  const columns = lengths.map((length) => readColumn(decoder, length))
  assert(!decoding.hasContent(decoder))
  const next = new Array<number>(fields.length).fill(0)
  const raws = shapeNumbers.map((number, patch): RawPatch => {
    const own = (shapes[number] as NumberedShape).fields
    const raw = new Array<unknown>(FIRST_VALUE + own.length)
    raw[0] = number
    raw[2] = stamps[patch]
    for (let at = 0; at < own.length; at++) {
      const field = own[at] as number
      raw[FIRST_VALUE + at] = columns[field]?.[next[field] as number]
      next[field] = (next[field] as number) + 1
    }
    return raw as unknown as RawPatch
  })
  return {
    packedAt,
    packer,
    writers,
    shapes: shapes.map((shape) => named(shape, fields)),
    ids,
    counts,
    raws,
    writerNumbers,
  }
}

const named = ({ insert, fields: numbers }: NumberedShape, fields: readonly string[]): BlockShape => ({
  insert,
  columns: Object.freeze(numbers.map((number) => fields[number] as string)),
})

/** How many values each field has. */
const columnLengths = (
  shapes: readonly NumberedShape[],
  shapeNumbers: readonly number[],
  fields: number,
): readonly number[] => {
  const uses = new Array<number>(shapes.length).fill(0)
  for (const number of shapeNumbers) uses[number] = (uses[number] as number) + 1
  const lengths = new Array<number>(fields).fill(0)
  shapes.forEach((shape, number) => {
    for (const field of shape.fields) lengths[field] = (lengths[field] as number) + (uses[number] as number)
  })
  assert(lengths.reduce((sum, length) => sum + length, 0) <= MAX_VALUES)
  return lengths
}

/** Numbers things in the order in which they are met. */
class Names {
  readonly list: string[] = []
  readonly #numbers = new Map<string, number>()

  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.list.length)
    return this.list.push(name) - 1
  }
}

const byFrequency = (keys: readonly string[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a).map(([key]) => key)
}

interface NumberedShape {
  readonly insert: boolean
  readonly fields: readonly number[]
}

const readShape = (decoder: decoding.Decoder, fields: number): NumberedShape => {
  const [insert, ...numbers] = readList(decoder, () => decoding.readVarUint(decoder))
  assert(new Set(numbers).size === numbers.length && numbers.every((number) => number < fields))
  return { insert: insert === 1, fields: numbers }
}

const writeWriter = (encoder: encoding.Encoder, [replica, author]: readonly [string, string | null]): void => {
  encoding.writeVarString(encoder, replica)
  encoding.writeAny(encoder, author)
}

const readWriter = (decoder: decoding.Decoder): Writer => {
  const replica = decoding.readVarString(decoder)
  const author = decoding.readAny(decoder)
  return { replica, author: typeof author === 'string' ? author : undefined }
}

/** UUIDs as the bytes that differ from the id before, behind how many are the same. */
const writeIds = (encoder: encoding.Encoder, rows: readonly BlockRow[]): void => {
  let before = new Uint8Array(UUID_BYTES)
  for (const { id } of rows) {
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

const readIds = (decoder: decoding.Decoder, count: number): string[] => {
  const bytes = new Uint8Array(UUID_BYTES)
  return times(count, () => {
    const same = decoding.readUint8(decoder)
    if (same === TEXT_ID) return decoding.readVarString(decoder)
    assert(same <= UUID_BYTES)
    bytes.set(decoding.readUint8Array(decoder, UUID_BYTES - same), same)
    return uuidOf(bytes)
  })
}

/** A row's first stamp counts from the first of the row before; the others from the one before, in whole minutes where that is exact. */
const writeStamps = (encoder: encoding.Encoder, rows: readonly BlockRow[]): void => {
  let first = 0
  for (const { patches } of rows) {
    let before = first
    for (const [number, { stamp }] of patches.entries()) {
      if (number === 0) {
        encoding.writeVarInt(encoder, stamp - first)
        first = stamp
      } else if (stamp % STAMPS_PER_MINUTE === 0)
        encoding.writeVarUint(encoder, (stamp / STAMPS_PER_MINUTE - minuteOf(before)) * 2 + 1)
      else encoding.writeVarUint(encoder, (stamp - before) * 2)
      before = stamp
    }
  }
}

const readStamps = (decoder: decoding.Decoder, counts: readonly number[]): number[] => {
  const stamps: number[] = []
  let first = 0
  for (const count of counts) {
    for (let number = 0; number < count; number++) {
      const before = number === 0 ? first : (stamps[stamps.length - 1] as number)
      const stamp = number === 0 ? first + decoding.readVarInt(decoder) : readLater(decoder, before)
      assert(Number.isSafeInteger(stamp) && stamp >= 0)
      if (number === 0) first = stamp
      stamps.push(stamp)
    }
  }
  return stamps
}

const readLater = (decoder: decoding.Decoder, before: number): number => {
  const step = decoding.readVarUint(decoder)
  const isMinutes = step % 2 === 1
  const distance = Math.floor(step / 2)
  return isMinutes ? (minuteOf(before) + distance) * STAMPS_PER_MINUTE : before + distance
}

const minuteOf = (stamp: number): number => Math.floor(stamp / STAMPS_PER_MINUTE)

const writeRuns = (encoder: encoding.Encoder, numbers: readonly number[]): void => {
  const runs = new encoding.UintOptRleEncoder()
  for (const number of numbers) runs.write(number)
  encoding.writeVarUint8Array(encoder, runs.toUint8Array())
}

const readRuns = (decoder: decoding.Decoder, count: number): number[] => {
  const runs = new decoding.UintOptRleDecoder(decoding.readVarUint8Array(decoder))
  return times(count, () => runs.read())
}

const writeList = <T>(encoder: encoding.Encoder, list: readonly T[], write: (item: T) => void): void => {
  encoding.writeVarUint(encoder, list.length)
  for (const item of list) write(item)
}

/** Every item takes a byte at least, so that no list is longer than what there is to read. */
const readList = <T>(decoder: decoding.Decoder, read: () => T): T[] => {
  const length = decoding.readVarUint(decoder)
  assert(length <= decoder.arr.length)
  return Array.from({ length }, read)
}

/** What a call gives, so many times. */
const times = <T>(count: number, call: () => T): T[] => {
  const all: T[] = []
  for (let at = 0; at < count; at++) all.push(call())
  return all
}

const below = (length: number, number: number): number => {
  assert(number < length)
  return number
}

function assert(isSo: boolean): asserts isSo {
  if (!isSo) throw new Error('A block holds what no block can.')
}

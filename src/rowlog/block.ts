// Blocks: the patches of many rows in one element, column by column, as compaction writes them. Knows the bytes; not what to pack.
//
//   block    packed at · packer · fields · writers · shapes · patches a row · ids · shape numbers · writer numbers · stamps · columns
//
// Rows stand in the order of their ids, the patches of one in theirs. A block is never written to: to change it, another is made
// of what is left of it.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { assertBlock, readList, readRuns, writeList, writeRuns } from './block-bytes.ts'
import { readColumn, writeColumn } from './block-columns.ts'
import { type Layout, layOut } from './block-layout.ts'
import { readIds, readStamps, writeIds, writeStamps } from './block-rows.ts'
import { Names, type NumberedShape, readShapeNumbers, readShapes, writeShapes } from './block-shapes.ts'
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
  /** The shapes of its patches by number; undefined for numbers that none has. */
  readonly shapes: readonly (BlockShape | undefined)[]
  /** Ids of its rows. */
  readonly ids: readonly string[]
  /** Which patches each row has, row by row, and where their values are. */
  readonly layout: Layout
  /** The stamp of each patch. */
  readonly stamps: Float64Array
  /** The writer of each patch. */
  readonly writerNumbers: Uint32Array
  readonly fields: readonly string[]
  /** The values of each field, in the order of the patches that write it. */
  readonly columns: readonly (readonly unknown[])[]
}

/** Most rows in a block. */
export const BLOCK_ROWS = 4096
/** Most patches in a block. */
export const BLOCK_PATCHES = 1 << 16
/** Most values in a block. */
export const BLOCK_VALUES = 1 << 20

/** The bytes of a block. */
export const encodeBlock = ({ packedAt, packer, rows }: Block): Uint8Array => {
  const encoder = encoding.createEncoder()
  const patches = rows.flatMap((row) => row.patches)
  const fields = new Names([...new Set(patches.flatMap(({ columns }) => columns))].sort())
  const shapes = patches.map(({ insert, columns }) => ({
    insert,
    fields: columns.map((column) => fields.numberOf(column)).sort((a, b) => a - b),
  }))
  const writers = new Names()
  const writerNumbers = patches.map(({ replica, author }) =>
    writers.numberOf(JSON.stringify([replica, author ?? null])),
  )
  encoding.writeVarUint(encoder, packedAt)
  encoding.writeVarString(encoder, packer)
  writeList(encoder, fields.list, (name) => encoding.writeVarString(encoder, name))
  writeList(encoder, writers.list, (key) => writeWriter(encoder, JSON.parse(key)))
  const writeShapeNumbers = writeShapes(encoder, shapes, fields.list.length)
  writeList(encoder, rows, (row) => encoding.writeVarUint(encoder, row.patches.length))
  writeIds(
    encoder,
    rows.map(({ id }) => id),
  )
  writeShapeNumbers()
  writeRuns(encoder, writerNumbers)
  writeStamps(
    encoder,
    rows.map((row) => row.patches.map(({ stamp }) => stamp)),
  )
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
  const names = readList(decoder, () => decoding.readVarString(decoder))
  assertBlock(names.every(isFieldName))
  const fields = names.length
  const writers = readList(decoder, () => readWriter(decoder))
  const shapes = readShapes(decoder, fields)
  const counts = readList(decoder, () => decoding.readVarUint(decoder))
  const total = counts.reduce((sum, count) => sum + count, 0)
  assertBlock(counts.length <= BLOCK_ROWS && total <= BLOCK_PATCHES)
  const ids = readIds(decoder, counts.length)
  const shapeNumbers = readShapeNumbers(decoder, total, { fields, shapes: shapes.length })
  const writerNumbers = readRuns(decoder, total, writers.length)
  const stamps = readStamps(decoder, counts, total)
  const uses = countUses(shapes, shapeNumbers)
  const columns = columnLengths(shapes, uses, fields).map((length) => readColumn(decoder, length))
  assertBlock(!decoding.hasContent(decoder))
  return {
    packedAt,
    packer,
    writers,
    shapes: shapes.map((shape, number) => ((uses[number] as number) > 0 ? named(shape, names) : undefined)),
    ids,
    layout: layOut(counts, shapes, shapeNumbers, fields),
    stamps,
    writerNumbers,
    fields: names,
    columns,
  }
}

/** The patches of a row as they would stand in a segment: number of the shape, row id, stamp, values. */
export const rawsOf = ({ ids, layout, stamps, columns }: PackedBlock, row: number): readonly RawPatch[] => {
  const { first, shapeNumbers, shapes, last } = layout
  const from = first[row] as number
  const end = first[row + 1] as number
  const left = last.map((places) => places[row] as number)
  const raws = new Array<RawPatch>(end - from)
  // Backwards, since it is of the last values that the places are known.
  for (let patch = end - 1; patch >= from; patch--) {
    const number = shapeNumbers[patch] as number
    const { fields } = shapes[number] as NumberedShape
    // Of its very length: one that grows takes twice the memory.
    const raw = new Array<unknown>(FIRST_VALUE + fields.length)
    raw[0] = number
    raw[1] = ids[row]
    raw[2] = stamps[patch]
    for (let at = 0; at < fields.length; at++) {
      const field = fields[at] as number
      const place = left[field] as number
      left[field] = place - 1
      raw[FIRST_VALUE + at] = (columns[field] as readonly unknown[])[place]
    }
    raws[patch - from] = raw as unknown as RawPatch
  }
  return raws
}

const named = ({ insert, fields: numbers }: NumberedShape, fields: readonly string[]): BlockShape => ({
  insert,
  columns: Object.freeze(numbers.map((number) => fields[number] as string)),
})

/** How many patches have each shape. */
const countUses = (shapes: readonly NumberedShape[], shapeNumbers: Uint32Array): Uint32Array => {
  const uses = new Uint32Array(shapes.length)
  for (const number of shapeNumbers) uses[number] = (uses[number] as number) + 1
  return uses
}

/** How many values each field has. */
const columnLengths = (shapes: readonly NumberedShape[], uses: Uint32Array, fields: number): readonly number[] => {
  const lengths = new Array<number>(fields).fill(0)
  shapes.forEach((shape, number) => {
    for (const field of shape.fields) lengths[field] = (lengths[field] as number) + (uses[number] as number)
  })
  assertBlock(lengths.reduce((sum, length) => sum + length, 0) <= BLOCK_VALUES)
  return lengths
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

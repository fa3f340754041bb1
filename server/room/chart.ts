// Where in an update (v1) the structs of each client lie, so that a part of it is copied out as bytes and not decoded whole. Knows updates
// that the guard has read, or that were made of such; no log.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import type { StructRange } from '../guard/verdict.ts'
import { HAS_ORIGIN, HAS_RIGHT_ORIGIN, type Head, LIST, StructReader } from './struct-reader.ts'

/** Next clocks by client. */
export type Clocks = ReadonlyMap<number, number>

/** Some structs of a client, or some values of one long list of his, which are as good as a struct. */
export interface ChartedRange extends StructRange {
  /** Values alone begin with this, and their number. */
  readonly head?: Uint8Array
}

/** Where an update's parts lie. */
export interface Chart {
  /** In the order of the update: by client, highest first, then by clock. */
  readonly ranges: readonly ChartedRange[]
  /** Where its deletes begin, which go to its end. */
  readonly deletesAt: number
}

/** A range of a large update is cut where it has grown to so many bytes: no more is decoded for whoever lacks a part of it. */
const RANGE_BYTES = 16 * 1024
/** So many bytes are read before others get their turn, in well under a millisecond. */
const READ_AT_ONCE = 64 * 1024

/** Charts a small update: a client's structs are one range. */
export const chartOf = (update: Uint8Array): Chart & { readonly ranges: readonly StructRange[] } => {
  const reader = new StructReader(update)
  const ranges = [...readRanges(reader, Number.POSITIVE_INFINITY)]
  return { ranges, deletesAt: reader.at }
}

/** Charts one that may be large, in ranges of some 16 KiB. Others get their turn between. */
export const chartInTurns = async (update: Uint8Array): Promise<Chart> => {
  const reader = new StructReader(update)
  const ranges: ChartedRange[] = []
  let pauseAt = READ_AT_ONCE
  for (const range of readRanges(reader, RANGE_BYTES)) {
    ranges.push(range)
    if (reader.at < pauseAt) continue
    pauseAt = reader.at + READ_AT_ONCE
    await new Promise((resolve) => setImmediate(resolve))
  }
  return { ranges, deletesAt: reader.at }
}

/** The ranges of which somebody with these clocks lacks something. */
export const rangesBeyond = ({ ranges }: Chart, has: Clocks): readonly ChartedRange[] =>
  ranges.filter(({ client, to }) => to > (has.get(client) ?? 0))

/** Bytes of an update from byte `at` on. */
export interface Excerpt {
  readonly bytes: Uint8Array
  readonly at: number
}

/** The structs of one client that go into an update. */
interface Run {
  readonly client: number
  readonly from: number
  structs: number
  readonly pieces: Uint8Array[]
}

const NOTHING: Clocks = new Map()
/** No deletes, encoded. */
const NO_DELETES = Uint8Array.of(0)

/**
 * An update that says what some ranges of another one say.
 *
 * @param ranges - In order; of a client those that follow one another.
 * @param excerpt - Has the bytes of all of them.
 * @param has - Clocks that are left out.
 * @param deletes - Encoded deletes that it brings, by default none.
 */
export const excerptOf = (
  ranges: readonly ChartedRange[],
  { bytes, at }: Excerpt,
  has: Clocks = NOTHING,
  deletes: Uint8Array = NO_DELETES,
): Uint8Array => {
  const runs: Run[] = []
  for (const range of ranges) {
    const whole = structsOf(range, bytes.subarray(range.bytes.from - at, range.bytes.to - at))
    const { from, structs, piece } = cut(range, whole, has.get(range.client) ?? 0)
    if (structs === 0) continue
    const last = runs.at(-1)
    if (last?.client === range.client) {
      last.structs += structs
      last.pieces.push(piece)
    } else runs.push({ client: range.client, from, structs, pieces: [piece] })
  }
  const pieces = [encoded(runs.length)]
  for (const run of runs) pieces.push(encoded(run.structs, run.client, run.from), ...run.pieces)
  return Buffer.concat([...pieces, deletes])
}

const encoded = (...numbers: readonly number[]): Uint8Array =>
  encoding.encode((encoder) => {
    for (const number of numbers) encoding.writeVarUint(encoder, number)
  })

/** What of a range comes from a clock on. Where that lies within the range, Yjs knows how to cut a struct. */
const cut = (
  { client, from, structs }: StructRange,
  piece: Uint8Array,
  clock: number,
): { readonly from: number; readonly structs: number; readonly piece: Uint8Array } => {
  if (clock <= from) return { from, structs, piece }
  const update = Buffer.concat([encoded(1, structs, client, from), piece, NO_DELETES])
  const rest = Y.diffUpdate(update, Y.encodeStateVector(new Map([[client, clock]])))
  const decoder = decoding.createDecoder(rest)
  // Nothing but clocks that are left out may come after it.
  if (decoding.readVarUint(decoder) === 0) return { from: clock, structs: 0, piece: NO_DELETES }
  const left = decoding.readVarUint(decoder)
  decoding.readVarUint(decoder)
  return { from: decoding.readVarUint(decoder), structs: left, piece: rest.subarray(decoder.pos, -NO_DELETES.length) }
}

const structsOf = ({ head, from, to }: ChartedRange, bytes: Uint8Array): Uint8Array => {
  if (head === undefined) return bytes
  return Buffer.concat([head, encoded(to - from), bytes])
}

/** @param most - Bytes from which on a range is cut. */
function* readRanges(reader: StructReader, most: number): Generator<ChartedRange> {
  const sections = reader.number()
  for (let section = 0; section < sections; section++) {
    const count = reader.number()
    const client = reader.number()
    let to = reader.number()
    /** Of the range that is being read. */
    let [from, start, structs] = [to, reader.at, 0]
    const range = (end: number): StructRange => ({ client, from, to, structs, bytes: { from: start, to: end } })
    for (let read = 0; read < count; read++) {
      const structAt = reader.at
      const head = reader.head()
      const length = head.ref === LIST ? reader.number() : reader.content(head.ref)
      const valuesAt = reader.at
      const first = head.ref === LIST ? reader.values(length, most) : length
      const isLong = first < length
      if (isLong) {
        if (structs > 0) yield range(structAt)
        yield* readValues(reader, { client, clock: to, head, structAt, valuesAt, values: length, first, most })
      }
      to += length
      structs += 1
      if (!isLong && reader.at - start < most) continue
      if (!isLong) yield range(reader.at)
      ;[from, start, structs] = [to, reader.at, 0]
    }
    if (structs > 0) yield range(reader.at)
  }
}

interface LongList {
  readonly client: number
  readonly clock: number
  readonly head: Head
  readonly structAt: number
  readonly valuesAt: number
  readonly values: number
  /** So many of them are read. */
  readonly first: number
  readonly most: number
}

/** A list in parts, each as Yjs would split it off: it follows the value before it. */
function* readValues(reader: StructReader, list: LongList): Generator<ChartedRange> {
  const { client, clock, head, values, most } = list
  let [from, to, start] = [clock, clock + list.first, list.valuesAt]
  let begin = reader.slice(list.structAt, head.end)
  for (;;) {
    yield { client, from, to, structs: 1, bytes: { from: start, to: reader.at }, head: begin }
    if (to === clock + values) return
    const info = LIST | HAS_ORIGIN | (head.info & HAS_RIGHT_ORIGIN)
    begin = Buffer.concat([
      Uint8Array.of(info),
      encoded(client, to - 1),
      reader.slice(head.rightOrigin.from, head.rightOrigin.to),
    ])
    ;[from, start] = [to, reader.at]
    to += reader.values(clock + values - to, most)
  }
}

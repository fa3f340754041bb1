// Shapes of a block: which fields each patch writes, by numbers of fields. Knows bytes and numbers; no names, no values.
//
//   few fields    a byte a patch: bit 0 says that it inserts, bit n + 1 that it writes field n
//   more          a list of shapes, the most frequent first, then the number of one a patch
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { assertBlock, readList, writeList } from './block-bytes.ts'

/** What a patch writes. */
export interface NumberedShape {
  readonly insert: boolean
  /** Numbers of its fields, each once. */
  readonly fields: readonly number[]
}

/** Of so few fields, a byte says which ones a patch writes: the shape then needs no page of its own. */
const MASKED_FIELDS = 7

/** Numbers things in the order in which they are met. */
export class Names {
  readonly list: string[] = []
  readonly #numbers = new Map<string, number>()

  constructor(names: readonly string[] = []) {
    for (const name of names) this.numberOf(name)
  }

  numberOf(name: string): number {
    const known = this.#numbers.get(name)
    if (known !== undefined) return known
    this.#numbers.set(name, this.list.length)
    return this.list.push(name) - 1
  }
}

/** Writes the shape of each patch, in their order. */
export const writeShapes = (
  encoder: encoding.Encoder,
  shapes: readonly NumberedShape[],
  fields: number,
): (() => void) => {
  if (fields <= MASKED_FIELDS)
    return () => {
      for (const shape of shapes) encoding.writeUint8(encoder, maskOf(shape))
    }
  const keys = shapes.map(({ insert, fields: own }) => JSON.stringify([insert ? 1 : 0, ...own]))
  // The most frequent first: their numbers are the shortest.
  const names = new Names(byFrequency(keys))
  writeList(encoder, names.list, (key) =>
    writeList(encoder, JSON.parse(key) as number[], (number) => encoding.writeVarUint(encoder, number)),
  )
  return () => {
    for (const key of keys) encoding.writeVarUint(encoder, names.numberOf(key))
  }
}

/** The shapes that there may be. */
export const readShapes = (decoder: decoding.Decoder, fields: number): readonly NumberedShape[] => {
  if (fields > MASKED_FIELDS) return readList(decoder, () => readShape(decoder, fields))
  const shapes: NumberedShape[] = []
  for (let mask = 0; mask < 2 ** (fields + 1); mask++) shapes.push(shapeOfMask(mask, fields))
  return shapes
}

/** Reads the number of each patch's shape. */
export const readShapeNumbers = (
  decoder: decoding.Decoder,
  count: number,
  { fields, shapes }: { readonly fields: number; readonly shapes: number },
): Uint32Array => {
  const numbers = new Uint32Array(count)
  const areMasks = fields <= MASKED_FIELDS
  for (let at = 0; at < count; at++) {
    const number = areMasks ? decoding.readUint8(decoder) : decoding.readVarUint(decoder)
    assertBlock(number < shapes)
    numbers[at] = number
  }
  return numbers
}

const maskOf = ({ insert, fields }: NumberedShape): number =>
  fields.reduce((mask, field) => mask | (2 << field), insert ? 1 : 0)

const shapeOfMask = (mask: number, fields: number): NumberedShape => {
  const own: number[] = []
  for (let field = 0; field < fields; field++) if ((mask & (2 << field)) !== 0) own.push(field)
  return { insert: (mask & 1) === 1, fields: own }
}

const readShape = (decoder: decoding.Decoder, fields: number): NumberedShape => {
  const [insert, ...numbers] = readList(decoder, () => decoding.readVarUint(decoder))
  assertBlock(new Set(numbers).size === numbers.length && numbers.every((number) => number < fields))
  return { insert: insert === 1, fields: numbers }
}

const byFrequency = (keys: readonly string[]): readonly string[] => {
  const counts = new Map<string, number>()
  for (const key of keys) counts.set(key, (counts.get(key) ?? 0) + 1)
  return [...counts].sort(([, a], [, b]) => b - a).map(([key]) => key)
}

// What a bulk insert stores: the bytes that Yjs gives for the same elements, which are written without it.
import * as encoding from 'lib0/encoding'
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { packId, type RandomBytes } from '../ids.ts'
import { StampClock } from '../stamp.ts'
import { ByteWriter } from './byte-writer.ts'
import { createDocument } from './document.ts'
import { encodeHeader, encodeSeal, encodeShape, SEGMENT_PATCHES } from './format.ts'
import { InsertEncoder } from './insert-encoder.ts'
import { forEachSeed, seedsOr } from './testing/seeds.ts'

const VALUES = seedsOr(500)
const PER_UPDATE = 16 * SEGMENT_PATCHES
const START_MS = 1_700_000_000_000
const LONG = ['x'.repeat(42), 'x'.repeat(43), 'é'.repeat(64), '日本'.repeat(9000), '👩‍🚀'.repeat(7_000)]
const STRINGS = [
  '',
  'plain',
  'Zürich',
  '東京',
  '👍 ok',
  '\ud83d',
  'a\udc4d',
  '\ud83d\ud83d\udc4d',
  '\0\x7f\x80\u07ff\u0800\uffff',
  ...LONG,
]
const WHOLE = [0, 1, 63, 64, 127, 128, 8191, 8192, 2 ** 30, 2 ** 31 - 1, 2 ** 31, 2 ** 32, 2 ** 53 - 1, 2 ** 53, 1e300]
const NUMBERS = [
  ...WHOLE,
  ...WHOLE.map((value) => -value),
  0.5,
  0.1,
  -1.25,
  3.4e38,
  1e-45,
  Number.MAX_VALUE,
  Number.NaN,
  -1 / 0,
]
const OTHERS = [
  undefined,
  null,
  true,
  false,
  0n,
  -1n,
  2n ** 63n - 1n,
  -(2n ** 63n),
  new Uint8Array(0),
  Uint8Array.of(0, 255),
]

/** Quicker by far than `toEqual`. */
const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0
const lib0 = (value: unknown): Uint8Array => encoding.encode((encoder) => encoding.writeAny(encoder, value as never))
const ours = (value: unknown, capacity: number): Uint8Array => {
  const writer = new ByteWriter(capacity)
  writer.any(value)
  return writer.written()
}

const randomText = (random: prng.PRNG): string =>
  Array.from({ length: prng.int31(random, 0, 60) }, () =>
    String.fromCharCode(prng.int31(random, 0, prng.oneOf(random, [0x7f, 0x7ff, 0xffff]))),
  ).join('')
const randomNumber = (random: prng.PRNG): number =>
  prng.oneOf(random, [
    prng.int53(random, -(2 ** 53), 2 ** 53),
    prng.int31(random, 0, 300),
    prng.real53(random),
    Math.fround(prng.real53(random)),
  ])
const randomValue = (random: prng.PRNG, depth = 0): unknown => {
  const kind = prng.int31(random, 0, depth > 3 ? 4 : 6)
  if (kind === 5) return Array.from({ length: prng.int31(random, 0, 4) }, () => randomValue(random, depth + 1))
  if (kind === 6)
    return Object.fromEntries(
      Array.from({ length: prng.int31(random, 0, 4) }, () => [randomText(random), randomValue(random, depth + 1)]),
    )
  if (kind < 2) return prng.oneOf<unknown>(random, kind === 0 ? STRINGS : [...NUMBERS, ...OTHERS])
  return kind === 2 ? randomText(random) : kind === 3 ? randomNumber(random) : prng.bool(random)
}

it('[K25] a value of any kind is written as lib0 writes it', async () => {
  for (const value of [...STRINGS, ...NUMBERS, ...OTHERS, [], {}, [[]], { a: [{ b: undefined }], é: STRINGS }])
    expect(isSame(ours(value, 1), lib0(value)), String(value).slice(0, 40)).toBe(true)
  await forEachSeed((seed) => {
    const random = prng.create(seed)
    const value = randomValue(random)
    expect(isSame(ours(value, prng.int31(random, 0, 64)), lib0(value)), `seed ${seed}`).toBe(true)
  }, VALUES)
})

/** Four bytes, a different four each time, that begin with each possible one. */
const createRandom = (): RandomBytes => {
  let draws = 0
  return (bytes) => bytes.fill(73 * ++draws)
}

/** The same with a Yjs document. */
const throughYjs = (
  rows: readonly (readonly [string, readonly unknown[]])[],
  columns: readonly string[],
): Uint8Array[] => {
  const clock = new StampClock(() => START_MS)
  const random = createRandom()
  const updates: Uint8Array[] = []
  for (let from = 0; from < rows.length; from += PER_UPDATE) {
    const document = createDocument(random)
    const segments: Y.Array<unknown>[] = []
    for (let at = from; at < Math.min(from + PER_UPDATE, rows.length); at += SEGMENT_PATCHES) {
      const stamped = rows.slice(at, at + SEGMENT_PATCHES).map((row) => [row, clock.next()] as const)
      const since = (stamped[0] as (typeof stamped)[0])[1]
      const patches = stamped.map(([[id, values], stamp]) => [0, id, stamp - since, ...values])
      const segment = new Y.Array<unknown>()
      segment.push([
        encodeHeader({ replica: 'ann.1', author: 'Ann', since }),
        encodeShape(true, columns),
        ...patches,
        encodeSeal(),
      ])
      segments.push(segment)
    }
    document.getArray('log').push(segments)
    updates.push(Y.encodeStateAsUpdate(document))
  }
  return updates
}

it('[K25] a bulk insert writes the updates that Yjs would, of no row to more than one update', () => {
  const random = prng.create(1)
  const columns = ['name', 'größe', 'list']
  for (const count of [0, 1, 124, 125, 255, 256, 257, PER_UPDATE, PER_UPDATE + 1, 2 * PER_UPDATE + 300]) {
    const rows = Array.from({ length: count }, (_, at) => {
      const values = columns.map(() => (count > 300 ? prng.word(random) : randomValue(random)))
      return [packId(`row-${at}`), values] as const
    })
    const clock = new StampClock(() => START_MS)
    const encoder = new InsertEncoder({ replica: 'ann.1', author: 'Ann', clock, columns, random: createRandom() })
    for (const [id, values] of rows) encoder.add(id, values)
    const updates = encoder.take()
    const expected = throughYjs(rows, columns)
    expect(updates.map(({ length }) => length)).toEqual(expected.map(({ length }) => length))
    expect(updates.every((update, at) => isSame(update, expected[at] as Uint8Array))).toBe(true)
  }
})

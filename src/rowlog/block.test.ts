// Laws of blocks: what packing keeps, what it tells nobody, what must leave it, and what a stranger's bytes can do.
import * as prng from 'lib0/prng'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { createIdSource, systemRandom } from '../ids.ts'
import { StampClock } from '../stamp.ts'
import { type Block, decodeBlock, encodeBlock, rawsOf } from './block.ts'
import { fieldOf } from './entry.ts'
import { type RowChanges, RowLog } from './log.ts'
import { forEachSeed, seedsOr } from './testing/seeds.ts'

/** Random blocks that are written and read. */
const BLOCKS = seedsOr(300)
const timeout = 10_000 + 20 * BLOCKS
const START_MS = 1_700_000_000_000
const DAY_MS = 24 * 60 * 60 * 1000
const time = { ms: START_MS }
const open = (device: string): RowLog =>
  new RowLog({
    replica: `${device}.0`,
    author: device,
    clock: new StampClock(() => time.ms),
    isFoldable: () => true,
  })
const write = (log: RowLog, id: string, fields: Readonly<Record<string, unknown>>, insert = false): void => {
  log.stage(id, insert, Object.keys(fields), Object.values(fields))
  log.commit()
}
const send = (from: RowLog, to: RowLog): void => Y.applyUpdate(to.document, from.encode(), 'peer')
const fieldsOf = (log: RowLog): unknown =>
  [...log.entries].map(([id, entry]) => [id, fieldOf(entry, 'a'), fieldOf(entry, 'b')]).sort()
const holds = (log: RowLog, text: string): boolean => Buffer.from(log.encode()).includes(text)

/** A log of rows that were inserted, and then updated one by one. */
const worn = (rows: number): RowLog => {
  time.ms = START_MS
  const log = open('ann')
  for (let at = 0; at < rows; at++) write(log, `r${at}`, { a: `text ${at}`, b: at }, true)
  for (let at = 0; at < rows; at++) write(log, `r${at}`, { b: at / 4 })
  return log
}

describe('packing', () => {
  it('[K15] is done once a twentieth of the rows, and 64 of them, are worth it', () => {
    const [few, many] = [worn(63), worn(64)]
    expect([few.compact(), many.compact(), many.compact()]).toEqual([0, 64, 0])
    expect(many.document.getArray('log').length).toBe(1)
  })

  it('[K26] goes on where it left off, with the rows as they are then', () => {
    const log = worn(200)
    const first = log.compact(90)
    write(log, 'r98', { a: 'later' })
    log.drop(['r99'])
    const rows = fieldsOf(log)
    expect([first, log.compact(90), log.compact(90), log.compact(90)]).toEqual([90, 90, 19, 0])
    expect(fieldsOf(log)).toEqual(rows)
    expect(log.document.getArray('log').length).toBe(3)
  })

  it('[K15] leaves the rows as they are, here, elsewhere and after loading, in fewer bytes', () => {
    const [ann, ben] = [worn(200), open('ben')]
    send(ann, ben)
    const [rows, bytes] = [fieldsOf(ann), ann.encode().length]
    ann.compact()
    send(ann, ben)
    const loaded = open('cem')
    loaded.load([ann.encode()])
    expect([fieldsOf(ann), fieldsOf(ben), fieldsOf(loaded)]).toEqual([rows, rows, rows])
    expect(ann.encode().length).toBeLessThan(bytes * 0.6)
  })

  it('[K16] is told to nobody, and rows stay the same objects', () => {
    const [ann, ben] = [worn(100), open('ben')]
    send(ann, ben)
    for (const entry of ben.entries.values()) entry.row = { id: entry.id }
    const before = new Map(Array.from(ben.entries, ([id, { row }]) => [id, row]))
    const heard: RowChanges[] = []
    ben.onRemoteChange((changes) => heard.push(changes))
    ann.compact()
    send(ann, ben)
    expect(heard).toEqual([])
    expect([...ben.entries].every(([id, { row }]) => row === before.get(id))).toBe(true)
  })

  it('[K17] by several at once leaves one copy of each write, once they have met and written', () => {
    const [ann, ben] = [worn(100), open('ben')]
    send(ann, ben)
    ann.compact()
    ben.pack()
    send(ann, ben)
    send(ben, ann)
    write(ann, 'r0', { a: 'later' })
    expect(ann.document.getArray('log').length).toBeLessThanOrEqual(3)
    send(ann, ben)
    expect(fieldsOf(ben)).toEqual(fieldsOf(ann))
  })

  it('[K18] makes old writes coarser, but never the insert, the last write, or what is not a day old', () => {
    const log = worn(1)
    time.ms += 1234
    write(log, 'r0', { a: 'second' })
    time.ms += DAY_MS + 5000
    write(log, 'r0', { b: 9 })
    const stamps = (): number[] => log.entries.get('r0')?.patches.map(({ stamp }) => stamp) ?? []
    const before = stamps()
    log.pack()
    const after = stamps()
    expect(after.at(-1)).toBe(before.at(-1))
    expect(after[0]).toBeGreaterThanOrEqual(before[0] as number)
    expect(log.entries.get('r0')?.patches.map(({ replica }) => replica)).toEqual(['ann.0', '~', 'ann.0'])
  })

  it('[K19] what is purged leaves the document, packed or not', () => {
    const log = worn(80)
    log.compact()
    expect(holds(log, 'text 7')).toBe(true)
    for (const id of ['r7', 'r70', 'r71', 'r72', 'r73', 'r74', 'r75', 'r76', 'r77', 'r78', 'r79'])
      write(log, id, { purgedAt: time.ms })
    expect([holds(log, 'text 7'), holds(log, 'text 8')]).toEqual([false, true])
  })

  it('[K19] so does a row that is dropped, and its block with the last of them', () => {
    const log = worn(80)
    log.compact()
    log.drop(['r79'])
    const loaded = open('cem')
    loaded.load([log.encode()])
    expect([holds(log, 'text 79'), loaded.entries.size, loaded.entries.has('r79')]).toEqual([false, 79, false])
    log.drop([...log.entries.keys()])
    expect(log.document.getArray('log').length).toBe(0)
  })

  it('[B13] rows of a block are adopted as others are, and once', () => {
    const [ann, ben] = [worn(80), open('ben')]
    ann.compact()
    const rows = new Map(['r1', 'r2'].map((id) => [id, ann.entries.get(id)?.patches ?? []]))
    ben.adopt(rows)
    ben.pack()
    ben.adopt(rows)
    const loaded = open('cem')
    loaded.load([ben.encode()])
    expect(fieldsOf(loaded)).toEqual(fieldsOf(ben))
    expect(fieldsOf(ben)).toEqual((fieldsOf(ann) as unknown[][]).filter(([id]) => rows.has(id as string)))
    expect(ben.document.getArray('log').length).toBe(1)
  })

  it('[K11] a packed patch from the far future is gone for good once its column is written', () => {
    const ann = worn(64)
    time.ms += 30 * DAY_MS
    write(ann, 'r0', { b: 'future' })
    ann.pack()
    time.ms = START_MS + 1000
    const ben = open('ben')
    send(ann, ben)
    write(ben, 'r0', { b: 'now' })
    const loaded = open('cem')
    loaded.load([ben.encode()])
    expect([ben, loaded].map((log) => fieldOf(log.entries.get('r0') as never, 'b'))).toEqual(['now', 'now'])
  })
})

const randomBlock = (random: prng.PRNG): Block => {
  const makeId = createIdSource(() => START_MS, systemRandom)
  const value = (): unknown =>
    prng.oneOf(random, [
      () => undefined,
      () => null,
      () => prng.bool(random),
      () => prng.int32(random, -1000, 1000),
      () => prng.real53(random) * 1000,
      () => prng.int32(random, -9999, 9999) / 100,
      () => -0,
      () => `${prng.word(random, 0, 20)} 中文 😀`,
      () => ({ deep: [1, { b: null }] }),
    ])()
  const column = prng.bool(random) ? value : () => 'same kind'
  return {
    packedAt: prng.int53(random, 0, 2 ** 52),
    packer: 'ann.0',
    rows: Array.from({ length: prng.int32(random, 0, 30) }, (_, row) => {
      const first = START_MS * 2048 + prng.int32(random, 0, 10 ** 6)
      // What is saved from the far future has the lowest of stamps.
      let stamp = prng.int32(random, 0, 3) === 0 ? 1 : first
      return {
        id: prng.bool(random) ? makeId() : `row ${row}`,
        patches: Array.from({ length: prng.int32(random, 1, 4) }, (_, at) => {
          const columns = ['a', 'b', 'c', 'd'].filter(() => prng.bool(random))
          if (at > 0) stamp = Math.max(stamp, first) + (prng.bool(random) ? prng.int32(random, 1, 10 ** 6) : 0)
          if (prng.bool(random)) stamp = Math.ceil(stamp / 122_880_000) * 122_880_000
          return {
            stamp,
            replica: prng.oneOf(random, ['ann.0', 'ben.1', '~']),
            author: prng.oneOf(random, ['ann', undefined]),
            insert: at === 0 || columns.length === 0,
            columns,
            values: columns.map(column),
          }
        }),
      }
    }),
  }
}

/** What was decoded, in the form in which it was given. */
const asGiven = (bytes: Uint8Array): Block => {
  const block = decodeBlock(bytes)
  const { packedAt, packer, ids, layout, shapes, writers, writerNumbers } = block
  const rows = ids.map((id, row) => ({
    id,
    patches: rawsOf(block, row).map(([shape, , stamp, ...values], at) => ({
      stamp,
      ...writers[writerNumbers[(layout.first[row] as number) + at] as number],
      ...shapes[shape],
      values,
    })),
  }))
  return { packedAt, packer, rows } as unknown as Block
}

describe('bytes', () => {
  it('[K20] say what was packed', { timeout }, () =>
    forEachSeed((seed) => {
      const block = randomBlock(prng.create(seed + 1))
      expect(asGiven(encodeBlock(block))).toEqual(block)
    }, BLOCKS),
  )

  it('[K20] of strangers are read or refused, never more than that, and the rest of the table works', { timeout }, () =>
    forEachSeed((seed) => {
      const random = prng.create(seed + 1)
      const bytes = encodeBlock(randomBlock(random))
      for (let at = 0; at < 5; at++) bytes[prng.int32(random, 0, bytes.length - 1)] = prng.int32(random, 0, 255)
      const stranger = new Y.Doc()
      stranger.getArray('log').push([Y.Array.from([{ format: 2 }, bytes] as object[])])
      const log = worn(1)
      Y.applyUpdate(log.document, Y.encodeStateAsUpdate(stranger), 'peer')
      write(log, 'r0', { a: 'works' })
      expect(fieldOf(log.entries.get('r0') as never, 'a')).toBe('works')
    }, BLOCKS),
  )

  it('[K20] that say there is more than there can be are refused before anything is made of it', () => {
    const bytes = encodeBlock({ packedAt: 1, packer: 'x', rows: [] })
    const log = open('ann')
    const stranger = new Y.Doc()
    stranger
      .getArray('log')
      .push([Y.Array.from([{ format: 2 }, Uint8Array.of(...bytes.subarray(0, 3), 255, 255, 255, 127)] as object[])])
    Y.applyUpdate(log.document, Y.encodeStateAsUpdate(stranger), 'peer')
    expect([log.refused, log.entries.size]).toEqual([1, 0])
  })
})

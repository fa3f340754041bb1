// What is read of stored updates without Yjs is what Yjs reads; and how a log goes from the one to the other.
import * as prng from 'lib0/prng'
import { describe, expect, it } from 'vitest'
import * as Y from 'yjs'
import { StampClock } from '../stamp.ts'
import { fieldOf } from './entry.ts'
import { type RowChanges, RowLog } from './log.ts'
import { storedLists } from './stored-lists.ts'
import { forEachSeed, SEEDS } from './testing/seeds.ts'

const timeout = 10_000 + 20 * SEEDS

/** What a document may hold, and what a row log never writes. */
const OPS = {
  begin: (log: Y.Array<unknown>) => log.push([Y.Array.from([{ n: 0 }])]),
  beginEmpty: (log: Y.Array<unknown>) => log.push([new Y.Array()]),
  append: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined, random: prng.PRNG) =>
    list?.push([prng.int32(random, 0, 99), [prng.word(random), null]]),
  appendBytes: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined) => list?.push([Uint8Array.of(1, 2)]),
  deleteSome: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined, random: prng.PRNG) => {
    if (list !== undefined && list.length > 0) list.delete(prng.int32(random, 0, list.length - 1))
  },
  deleteList: (log: Y.Array<unknown>, _list: Y.Array<unknown> | undefined, random: prng.PRNG) => {
    if (log.length > 0) log.delete(prng.int32(random, 0, log.length - 1))
  },
  insertBefore: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined) => list?.insert(0, ['before']),
  beginBefore: (log: Y.Array<unknown>) => log.insert(0, [Y.Array.from(['first'])]),
  nest: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined) => list?.push([Y.Array.from(['nested'])]),
  text: (_log: Y.Array<unknown>, list: Y.Array<unknown> | undefined) => list?.push([new Y.Text('text')]),
  elsewhere: ({ doc }: Y.Array<unknown>) => doc?.getArray('other').push([Y.Array.from(['elsewhere'])]),
  map: ({ doc }: Y.Array<unknown>) => doc?.getMap('map').set('key', Y.Array.from(['in a map'])),
}
type Op = keyof typeof OPS
const ALL = Object.keys(OPS) as Op[]
const USUAL: Op[] = ['begin', 'beginEmpty', 'append', 'append', 'append', 'appendBytes', 'deleteSome', 'deleteList']

/** The updates of some replicas that write at random, each to its own lists for the most part, and exchange now and then. */
const randomUpdates = (seed: number, unusual: number): readonly Uint8Array[] => {
  const random = prng.create(seed + 1)
  const documents = [1, 2, 3].map((at) => {
    const document = new Y.Doc()
    document.clientID = prng.uint32(random, 1, 2 ** 31) + at
    return document
  })
  const own = new Map<Y.Doc, Y.Array<unknown>>()
  const updates: Uint8Array[] = []
  documents[0]?.on('update', (update: Uint8Array) => updates.push(update))
  for (let step = 0; step < 40; step++) {
    const document = prng.oneOf(random, documents)
    const log = document.getArray<unknown>('log')
    const isUnusual = prng.real53(random) < unusual
    const name: Op = prng.oneOf(random, isUnusual ? ALL : USUAL)
    const lists = log.toArray().filter((list) => list instanceof Y.Array)
    const held = own.get(document)
    const list = isUnusual && lists.length > 0 ? prng.oneOf(random, lists) : lists.find((other) => other === held)
    OPS[name](log, list, random)
    const last = log.toArray().at(-1)
    if (name.startsWith('begin') && last instanceof Y.Array) own.set(document, last)
    const other = prng.oneOf(random, documents)
    if (prng.int32(random, 0, 3) === 0)
      Y.applyUpdate(other, Y.encodeStateAsUpdate(document, Y.encodeStateVector(other)))
  }
  return prng.bool(random) ? updates : [Y.encodeStateAsUpdate(documents[0] as Y.Doc)]
}

const sorted = (lists: readonly unknown[]): readonly string[] => lists.map((list) => JSON.stringify(list)).sort()

const listsByYjs = (updates: readonly Uint8Array[]): readonly unknown[] => {
  const document = new Y.Doc()
  for (const update of updates) Y.applyUpdate(document, update)
  return document
    .getArray('log')
    .toArray()
    .map((list) => (list instanceof Y.Array ? list.toJSON() : list))
}

describe('lists that are read of stored updates', () => {
  it('[K23] are those that Yjs makes of them', { timeout }, () => {
    let read = 0
    return forEachSeed((seed) => {
      const updates = randomUpdates(seed, 0)
      const lists = storedLists(updates, 'log')
      if (lists === undefined) return
      read += 1
      expect(sorted(lists)).toEqual(sorted(listsByYjs(updates)))
    }).then(() => expect(read).toBeGreaterThan(0))
  })

  it('[K23] are none where anything stands that row logs do not write, or else what Yjs makes of it', { timeout }, () =>
    forEachSeed((seed) => {
      const updates = randomUpdates(seed, 0.15)
      const lists = storedLists(updates, 'log')
      if (lists !== undefined) expect(sorted(lists)).toEqual(sorted(listsByYjs(updates)))
    }),
  )

  it.each([
    ['insertBefore', 'an element that was put before others'],
    ['nest', 'a list in a list'],
    ['text', 'a text'],
    ['elsewhere', 'another root list'],
    ['map', 'a map'],
  ] as const)('[K23] are none beside %s: %s', (name, _what) => {
    const document = new Y.Doc()
    const log = document.getArray<unknown>('log')
    OPS.begin(log)
    OPS[name](log, log.get(0) as Y.Array<unknown>)
    expect(storedLists([Y.encodeStateAsUpdate(document)], 'log')).toBeUndefined()
  })

  it('[K23] are none of updates with a gap', () => {
    const document = new Y.Doc()
    const updates: Uint8Array[] = []
    document.on('update', (update: Uint8Array) => updates.push(update))
    for (let at = 0; at < 3; at++) OPS.begin(document.getArray<unknown>('log'))
    expect(storedLists(updates, 'log')).toHaveLength(3)
    expect(storedLists(updates.slice(1), 'log')).toBeUndefined()
  })
})

const open = (): RowLog =>
  new RowLog({
    replica: 'ann.0',
    author: 'ann',
    clock: new StampClock(() => 1_700_000_000_000),
    isFoldable: () => true,
  })

/** The stored form of a log that was packed and then written to by many runs. */
const written = (runs = 300): Uint8Array => {
  const log = open()
  for (let at = 0; at < 100; at++) log.stage(`r${at}`, true, ['a', 'b'], [at, 'text'])
  log.pack()
  for (let run = 0; run < runs; run++) {
    log.document.clientID = run + 1
    log.stage(`r${run % 10}`, false, ['a'], [-run])
    log.commit()
    log.seal()
  }
  return log.encode()
}

const rowsOf = (log: RowLog): unknown => [...log.entries].map(([id, entry]) => [id, fieldOf(entry, 'a')]).sort()

describe('a log that shows what is stored', () => {
  it('[K23] is not whole if many runs wrote it, and at once if few did', () => {
    const [few, many] = [open(), open()]
    few.show([written(10)])
    many.show([written()])
    expect([few.isWhole, many.isWhole]).toEqual([true, false])
    expect(many.entries.size).toBe(100)
  })

  it('[K23] has the same rows once it is brought in, the same objects, and nobody is told', () => {
    const log = open()
    const heard: RowChanges[] = []
    log.show([written()])
    log.onRemoteChange((changes) => heard.push(changes))
    for (const entry of log.entries.values()) entry.row = Object.freeze({ id: entry.id })
    const [rows, objects] = [rowsOf(log), new Map(Array.from(log.entries, ([id, { row }]) => [id, row]))]
    expect(log.bringIn()).toBe(true)
    expect(rowsOf(log)).toEqual(rows)
    for (const [id, { row }] of log.entries) expect(row).toBe(objects.get(id))
    expect([heard.length, log.isWhole, log.bringIn()]).toEqual([0, true, false])
  })

  it('[K23] is whole before anything is written to it, and updates are told from then on alone', () => {
    const [log, plain] = [open(), open()]
    const stored = written()
    const updates: Uint8Array[] = []
    log.show([stored])
    log.onUpdate((update) => updates.push(update))
    log.stage('r1', false, ['b'], ['new'])
    log.commit()
    expect(updates).toHaveLength(1)
    plain.load([stored, ...updates])
    expect(rowsOf(plain)).toEqual(rowsOf(log))
    expect(fieldOf(plain.entries.get('r1') as never, 'b')).toBe('new')
    expect(updates[0]?.length).toBeLessThan(1000)
  })

  it('[K23] says of damaged bytes what one says that loads them', () => {
    const stored = written()
    for (const bytes of [stored.slice(0, -30), Uint8Array.of(255, 255, 255)])
      expect(() => open().show([bytes], 0)).toThrow(expect.objectContaining({ code: 'storage_failed' }))
  })
})

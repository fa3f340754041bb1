// Laws of lenses: apps that know a column under different names and types see each other's edits.
import * as prng from 'lib0/prng'
import { describe, expect, it } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { codeOf } from '../schema/testing/thrown.ts'
import { openReplica, testClock } from './testing/replicas.ts'

const german = defineSchema({
  tasks: table({
    titel: c.string(),
    faellig: c.date().optional(),
    stufe: c.string().default('tief'),
    note: c.string().default(''),
  }),
})
const english = defineSchema(
  {
    tasks: table({
      title: c
        .string()
        .formerly({ name: 'titel', read: (old: string) => old.toUpperCase(), write: (title) => title.toLowerCase() }),
      dueAt: c
        .date()
        .optional()
        .formerly({
          name: 'faellig',
          read: (old: number) => new Date(old),
          write: (date) => date?.getTime() as number,
        }),
      stufe: c
        .number()
        .default(1)
        .formerly({
          read: (old: string) => (old === 'hoch' ? 2 : old === 'tief' ? 1 : undefined),
          write: (level) => (level > 1 ? 'hoch' : 'tief'),
        }),
      note: c.string().default(''),
    }),
  },
  { version: 2 },
)

describe('lenses', () => {
  const pair = async () => {
    const clock = testClock()
    const old = await openReplica(german, { now: clock.now })
    const newer = await openReplica(english, { now: clock.now })
    return { old, newer, clock }
  }

  it('[Y20] both versions see what the other inserts and edits, under their own names and types', async () => {
    const { old, newer, clock } = await pair()
    old.db.tasks.insert({ id: 'a', titel: 'alt', faellig: new Date(5), stufe: 'hoch' })
    newer.db.tasks.insert({ id: 'b', title: 'NEU', dueAt: new Date(7), stufe: 2 })
    await exchange(old, newer)
    expect(newer.db.tasks.get('a')).toMatchObject({ title: 'ALT', dueAt: new Date(5), stufe: 2 })
    expect(old.db.tasks.get('b')).toMatchObject({ titel: 'neu', faellig: new Date(7), stufe: 'hoch' })
    clock.nowMs += 10
    newer.db.tasks.update('a', { title: 'X', dueAt: undefined, stufe: 1 })
    old.db.tasks.update('b', { titel: 'y', stufe: 'tief' })
    await exchange(old, newer)
    expect(old.db.tasks.get('a')).toMatchObject({ titel: 'x', faellig: undefined, stufe: 'tief' })
    expect(newer.db.tasks.get('b')).toMatchObject({ title: 'Y', dueAt: new Date(7), stufe: 1 })
    newer.db.tasks.update('a', { title: 'Mixed' })
    await exchange(old, newer)
    expect([old.db.tasks.get('a')?.titel, newer.db.tasks.get('a')?.title]).toEqual(['mixed', 'Mixed'])
    expect([...newer.db.quarantine.list(), ...old.db.quarantine.list()]).toEqual([])
  })

  it('[Y21] of concurrent edits under the two names the later shows, for both', async () => {
    for (const isOldLater of [true, false]) {
      const { old, newer, clock } = await pair()
      old.db.tasks.insert({ id: 'a', titel: 'alt' })
      await exchange(old, newer)
      const edits = [
        () => newer.db.tasks.update('a', { title: 'NEW' }),
        () => old.db.tasks.update('a', { titel: 'old' }),
      ]
      for (const edit of isOldLater ? edits : edits.reverse()) {
        clock.nowMs += 10
        edit()
      }
      await exchange(old, newer)
      const shown = isOldLater ? 'old' : 'new'
      expect([old.db.tasks.get('a')?.titel, newer.db.tasks.get('a')?.title]).toEqual([shown, shown.toUpperCase()])
    }
  })

  it('[Y22] undo puts back what the former name held', async () => {
    const { old, newer, clock } = await pair()
    old.db.tasks.insert({ id: 'a', titel: 'alt', stufe: 'hoch' })
    await exchange(old, newer)
    clock.nowMs += 1000
    newer.db.tasks.update('a', { title: 'X', stufe: 1 })
    newer.db.undo.undo()
    await exchange(old, newer)
    expect(newer.db.tasks.get('a')).toMatchObject({ title: 'ALT', stufe: 2 })
    expect(old.db.tasks.get('a')).toMatchObject({ titel: 'alt', stufe: 'hoch' })
  })

  it('[Y23] what a lens cannot read is set aside; what it cannot write is refused', async () => {
    const number = c.number().formerly({
      name: 'text',
      read: (text: string) => {
        if (text === 'boom') throw new Error('no')
        return Number(text)
      },
      write: (value) => (value > 9 ? undefined : String(value)) as string,
    })
    const [old, newer] = [
      await openReplica(defineSchema({ rows: table({ text: c.string() }) })),
      await openReplica(defineSchema({ rows: table({ number }) })),
    ]
    for (const [at, text] of ['1', 'one', 'boom'].entries()) old.db.rows.insert({ id: `${at}`, text })
    await exchange(old, newer)
    expect(['0', '1', '2'].map((id) => newer.db.rows.get(id)?.number)).toEqual([1, undefined, undefined])
    expect(
      newer.db.quarantine.list().map(({ column, raw, reason }) => [column, raw, /finite|no/.test(reason)]),
    ).toEqual([
      ['number', 'one', true],
      ['number', 'boom', true],
    ])
    newer.db.rows.update('2', { number: 3 })
    await exchange(old, newer)
    expect([newer.db.quarantine.list().length, old.db.rows.get('2')?.text]).toEqual([1, '3'])
    const throwing = c.number().formerly({ name: 'text', read: Number, write: () => JSON.parse('{') as number })
    expect(() => table({ n: throwing }).storePatch('rows', 'x', { n: 1 })).toThrow('could not write it')
  })

  it('[Y24] former names that are not clear are refused where they are written', () => {
    const read = (old: string) => old
    const write = read
    for (const declare of [
      () => table({ a: c.string().formerly({ name: 'b', read }), b: c.string() }),
      () =>
        table({
          a: c.string().formerly({ name: 'x', read, write }),
          b: c.string().formerly({ name: 'x', read, write }),
        }),
      () => table({ a: c.string().formerly({ name: 'id', read }) }),
      () => table({ a: c.string({ conflict: 'ask' }).formerly({ name: 'x', read }) }),
    ])
      expect(codeOf(declare)).toBe('invalid_schema')
    const split = table({ a: c.string().formerly({ name: 'x', read }), b: c.string().formerly({ name: 'x', read }) })
    expect(split.columnNames).toEqual(['a', 'b'])
  })

  it(
    '[Y25] apps of both versions that edit at random, apart and at once, lose no field',
    {
      timeout: 60_000 + 50 * SEEDS,
    },
    () => forEachSeed(checkMixed),
  )
})

/** One seeded schedule of edits by two apps of each version; at its end every field is what its last writer said. */
const checkMixed = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const clock = testClock()
  const olds = [await openReplica(german, { now: clock.now }), await openReplica(german, { now: clock.now })]
  const news = [await openReplica(english, { now: clock.now }), await openReplica(english, { now: clock.now })]
  const all = [...olds, ...news]
  const model = new Map<string, { titel: string; stufe: string; note: string }>()
  for (const id of ['a', 'b', 'c']) {
    model.set(id, { titel: id, stufe: 'tief', note: '' })
    if (prng.bool(random)) olds[0]?.db.tasks.insert({ id, titel: id })
    else news[0]?.db.tasks.insert({ id, title: id.toUpperCase() })
  }
  await exchange(...all)
  for (let step = 0; step < 30; step++) {
    clock.nowMs += prng.int32(random, 1, 5)
    const id = prng.oneOf(random, [...model.keys()])
    const row = model.get(id) as NonNullable<ReturnType<typeof model.get>>
    const field = prng.oneOf(random, ['titel', 'stufe', 'note'] as const)
    row[field] = field === 'stufe' ? prng.oneOf(random, ['hoch', 'tief']) : `${field}${step}`
    if (prng.bool(random)) prng.oneOf(random, olds).db.tasks.update(id, { [field]: row[field] })
    else prng.oneOf(random, news).db.tasks.update(id, inEnglish(field, row[field]))
    if (prng.int32(random, 0, 3) === 0) await exchange(...all.filter(() => prng.bool(random)))
  }
  await exchange(...all)
  await exchange(...all)
  for (const [id, { titel, stufe, note }] of model) {
    for (const { db } of olds) expect(db.tasks.get(id), `SEED=${seed}`).toMatchObject({ titel, stufe, note })
    const shown = { ...inEnglish('titel', titel), ...inEnglish('stufe', stufe), note }
    for (const { db } of news) expect(db.tasks.get(id), `SEED=${seed}`).toMatchObject(shown)
  }
  for (const { db } of all) await db.close()
}

const inEnglish = (field: 'titel' | 'stufe' | 'note', value: string): object => {
  if (field === 'titel') return { title: value.toUpperCase() }
  return { [field]: field === 'stufe' ? (value === 'hoch' ? 2 : 1) : value }
}

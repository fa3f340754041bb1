// Laws of the merge rules: counters add up, sets are element by element, what asks is kept, what merges is merged.
import { expect, it, vi } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { memory } from '../storage/index.ts'
import { openReplica, testClock } from './testing/replicas.ts'

const schema = defineSchema({
  tasks: table({
    title: c.string({ conflict: 'ask' }),
    note: c.string().default(''),
    votes: c.counter(),
    labels: c.set(c.string()),
    best: c.number({ merge: Math.max }).default(0),
  }),
})

const trio = async () => {
  const clock = testClock()
  const open = (user: string) => openReplica(schema, { user, now: clock.now })
  const [a, b, late] = [await open('ann'), await open('ben'), await open('cleo')]
  const id = a.db.tasks.insert({ title: 'start' })
  await exchange(a, b)
  return { a, b, late, id, clock }
}

it('[J1] concurrent increments add up, decrements too, for late joiners too', async () => {
  const { a, b, late, id } = await trio()
  for (let at = 0; at < 3; at++) a.db.tasks.update(id, { votes: (a.db.tasks.get(id)?.votes ?? 0) + 1 })
  b.db.tasks.update(id, (draft) => {
    draft.votes -= 5
  })
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect(db.tasks.get(id)?.votes).toBe(-2)
})

it('[J2] a counter goes on adding up after a restart', async () => {
  const storage = memory()
  const first = await openReplica(schema, { storage })
  const id = first.db.tasks.insert({ title: 't', votes: 10 })
  first.db.tasks.update(id, { votes: 11 })
  await first.db.close()
  const second = await openReplica(schema, { storage })
  second.db.tasks.update(id, { votes: 14 })
  expect(second.db.tasks.get(id)?.votes).toBe(14)
  await second.db.close()
  const third = await openReplica(schema, { storage })
  expect(third.db.tasks.get(id)?.votes).toBe(14)
  await third.db.close()
})

it('[J3] adds and removes of different elements are independent', async () => {
  const { a, b, late, id } = await trio()
  a.db.tasks.update(id, { labels: ['x', 'y'] })
  await exchange(a, b)
  a.db.tasks.update(id, { labels: ['y', 'z'] })
  b.db.tasks.update(id, (draft) => {
    draft.labels = [...draft.labels, 'w']
  })
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect(db.tasks.get(id)?.labels).toEqual(['w', 'y', 'z'])
})

it('[J4] of a concurrent add and remove of one element, the later wins', async () => {
  const { a, b, id, clock } = await trio()
  a.db.tasks.update(id, { labels: new Set(['x']) })
  await exchange(a, b)
  clock.nowMs += 1000
  a.db.tasks.update(id, { labels: [] })
  b.db.tasks.update(id, { labels: [] })
  clock.nowMs += 1000
  b.db.tasks.update(id, { labels: ['x'] })
  await exchange(a, b)
  expect([a.db.tasks.get(id)?.labels, b.db.tasks.get(id)?.labels]).toEqual([['x'], ['x']])
})

it('[J5] what a row began with counts as added at its insert', async () => {
  const { a, b } = await trio()
  const id = a.db.tasks.insert({ title: 't', labels: ['p', 'q'], votes: 2 })
  await exchange(a, b)
  b.db.tasks.update(id, { labels: ['q'], votes: 3 })
  expect([b.db.tasks.get(id)?.labels, b.db.tasks.get(id)?.votes]).toEqual([['q'], 3])
  await exchange(a, b)
  expect(a.db.tasks.get(id)).toEqual(b.db.tasks.get(id))
  expect(Object.isFrozen(a.db.tasks.get(id)?.labels)).toBe(true)
})

it('[J6] writes of an asking column that did not know each other are both kept, the later shows, until resolved', async () => {
  const { a, b, late, id, clock } = await trio()
  const heard = vi.fn()
  b.db.conflicts.subscribe(heard)
  a.db.tasks.update(id, { title: 'ann says' })
  clock.nowMs += 1000
  b.db.tasks.update(id, { title: 'ben says', note: 'free' })
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) {
    expect(db.tasks.get(id)?.title).toBe('ben says')
    const [conflict, ...others] = db.conflicts.list()
    expect(others).toEqual([])
    expect(conflict).toMatchObject({ table: 'tasks', id, column: 'title' })
    expect(conflict?.writes.map(({ value, author }) => [value, author])).toEqual([
      ['ann says', 'ann'],
      ['ben says', 'ben'],
    ])
  }
  expect(heard).toHaveBeenCalledTimes(1)
  const conflict = a.db.conflicts.list()[0]
  if (conflict === undefined) throw new Error('no conflict')
  expect(conflict.base).toBe('start')
  a.db.conflicts.resolve(conflict, 'mine')
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) {
    expect(db.tasks.get(id)?.title).toBe('ann says')
    expect(db.conflicts.list()).toEqual([])
  }
})

it('[J7] a write that knew the other is no conflict, however often and whoever writes', async () => {
  const { a, b, late, id } = await trio()
  for (let at = 0; at < 5; at++) {
    a.db.tasks.update(id, { title: `a${at}` })
    await exchange(a, b, late)
    b.db.tasks.update(id, { title: `b${at}` })
    await exchange(a, b)
  }
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect(db.conflicts.list()).toEqual([])
  expect(late.db.tasks.get(id)?.title).toBe('b4')
})

it('[J11] a row that was purged has none, though others wrote to it meanwhile without knowing each other', async () => {
  const { a, b, late, id, clock } = await trio()
  await exchange(a, b, late)
  a.db.tasks.purge(id)
  await a.db.saved()
  clock.nowMs += 1000
  b.db.tasks.update(id, { title: 'by ben' })
  late.db.tasks.update(id, { title: 'by cleo' })
  await exchange(b, late)
  expect(b.db.conflicts.list()).toHaveLength(1)
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect([db.tasks.get(id), db.conflicts.list()]).toEqual([undefined, []])
})

it('[J8] concurrent resolutions with different values are a conflict again; with a given value, none is left', async () => {
  const { a, b, id } = await trio()
  a.db.tasks.update(id, { title: 'A' })
  b.db.tasks.update(id, { title: 'B' })
  await exchange(a, b)
  const of = (db: typeof a.db) => db.conflicts.list()[0] as NonNullable<ReturnType<typeof db.conflicts.list>[0]>
  a.db.conflicts.resolve(of(a.db), 'theirs')
  b.db.conflicts.resolve(of(b.db), 'theirs')
  await exchange(a, b)
  expect(a.db.conflicts.list()).toHaveLength(1)
  a.db.conflicts.resolve(of(a.db), 'both')
  await exchange(a, b)
  expect([a.db.conflicts.list(), b.db.conflicts.list(), b.db.tasks.get(id)?.title]).toEqual([[], [], 'both'])
})

it('[J9] a merge function makes one value of concurrent writes, the same everywhere', async () => {
  const { a, b, late, id } = await trio()
  a.db.tasks.update(id, { best: 7 })
  b.db.tasks.update(id, { best: 5 })
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect([db.tasks.get(id)?.best, db.conflicts.list()]).toEqual([7, []])
  b.db.tasks.update(id, { best: 1 })
  await exchange(a, b, late)
  for (const { db } of [a, b, late]) expect(db.tasks.get(id)?.best).toBe(1)
})

it('[J10] a merge function that throws is reported; the later write shows', async () => {
  const onError = vi.fn()
  const broken = defineSchema({
    tasks: table({
      best: c.number({
        merge: () => {
          throw new Error('mine')
        },
      }),
    }),
  })
  const [a, b] = [await openReplica(broken, { onError }), await openReplica(broken, { onError })]
  const id = a.db.tasks.insert({ best: 0 })
  await exchange(a, b)
  a.db.tasks.update(id, { best: 1 })
  await new Promise((resolve) => setImmediate(resolve))
  b.db.tasks.update(id, { best: 2 })
  await exchange(a, b)
  expect(a.db.tasks.get(id)?.best).toBe(b.db.tasks.get(id)?.best)
  expect(onError).toHaveBeenCalled()
})

it('[J12] a transaction that is taken back leaves the list of conflicts as it was', async () => {
  const { a, b, id } = await trio()
  a.db.tasks.update(id, { title: 'A' })
  b.db.tasks.update(id, { title: 'B' })
  await exchange(a, b)
  expect(() =>
    a.db.transact(() => {
      a.db.tasks.update(id, { title: 'mine' })
      expect(a.db.conflicts.list()).toEqual([])
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(a.db.conflicts.list()).toHaveLength(1)
})

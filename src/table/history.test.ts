// Laws of history: what is kept, for how long, and that it changes no row.
import { expect, it } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { openReplica, testClock } from './testing/replicas.ts'

const columns = { title: c.string(), done: c.boolean().default(false), labels: c.set(c.string()) }
const schema = defineSchema({
  plain: table(columns),
  kept: table(columns).keepHistory({ maxWrites: 3, maxAgeMs: 60_000 }),
})

it('[W1] without retention, history is the writes that show, with author and time', async () => {
  const clock = testClock()
  const [a, b] = [
    await openReplica(schema, { user: 'ann', now: clock.now }),
    await openReplica(schema, { user: 'ben', now: clock.now }),
  ]
  const id = a.db.plain.insert({ title: 'a' })
  await exchange(a, b)
  clock.nowMs += 1000
  b.db.plain.update(id, { done: true, labels: ['x'] })
  clock.nowMs += 1000
  b.db.plain.update(id, { done: false })
  await exchange(a, b)
  const done = a.db.plain.history(id).filter(({ column }) => column === 'done')
  expect(done.map(({ value, author }) => [value, author])).toEqual([
    [false, 'ben'],
    [true, 'ben'],
    [false, 'ann'],
  ])
  expect(a.db.plain.history(id).find(({ part }) => part !== undefined)).toMatchObject({
    column: 'labels',
    part: '"x"',
    value: true,
  })
  expect(a.db.plain.history('nobody')).toEqual([])
})

it('[W2] with retention, replaced writes are kept up to a number and an age', async () => {
  const clock = testClock()
  const { db } = await openReplica(schema, { user: 'ann', now: clock.now })
  const id = db.kept.insert({ title: '0' })
  for (let at = 1; at <= 6; at++) {
    clock.nowMs += 1000
    db.kept.update(id, { title: `${at}` })
    await db.saved()
  }
  const titles = (): unknown[] =>
    db.kept
      .history(id)
      .filter(({ column }) => column === 'title')
      .map(({ value }) => value)
  // The insert stays for what else it says.
  expect(titles()).toEqual(['6', '5', '4', '3', '0'])
  expect(db.kept.get(id)?.title).toBe('6')
  clock.nowMs += 120_000
  db.kept.update(id, { title: '7' })
  await db.saved()
  expect(titles()).toEqual(['7', '0'])
})

it('[W3] history is merged like rows, and a purge takes it', async () => {
  const clock = testClock()
  const open = (user: string) => openReplica(schema, { user, now: clock.now })
  const [a, b] = [await open('ann'), await open('ben')]
  const id = a.db.kept.insert({ title: 'a' })
  await exchange(a, b)
  clock.nowMs += 1000
  b.db.kept.update(id, { title: 'b' })
  clock.nowMs += 1000
  await exchange(a, b)
  a.db.kept.update(id, { title: 'c' })
  await exchange(a, b)
  expect(a.db.kept.history(id)).toEqual(b.db.kept.history(id))
  expect(b.db.kept.history(id).filter(({ column }) => column === 'title')).toHaveLength(3)
  a.db.kept.purge(id)
  await exchange(a, b)
  expect([a.db.kept.history(id), b.db.kept.history(id)]).toEqual([[], []])
})

it('[W4] retention needs a bound', () => {
  expect(() => table(columns).keepHistory({})).toThrow('needs a bound')
  expect(() => table(columns).keepHistory({ maxWrites: 0 })).toThrow('positive')
})

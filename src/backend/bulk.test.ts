// Bulk requests: how many go out, and what becomes of each item, against a backend in memory with a list address.
import { expect, it } from 'vitest'
import { type RestBulk, restTable } from './index.ts'
import type { FakeBackend } from './testing/fake-backend.ts'
import { setUp } from './testing/setup.ts'
import { NO_FAULTS, World } from './testing/world.ts'

const LIMIT = 100
const BULK = {
  create: { maxItems: LIMIT, keyField: 'key' },
  update: { maxItems: LIMIT, keyField: 'key' },
  remove: { maxItems: LIMIT, keyField: 'key' },
} satisfies RestBulk

/** What the list address makes of the answers of its items. */
type Spoil = (answers: unknown[]) => unknown

/** A database whose backend takes lists; `spoil` changes what it answers, or throws. */
const setUpBulk = async ({ bulk = BULK, spoil = (answers) => answers }: { bulk?: RestBulk; spoil?: Spoil } = {}) => {
  const world = new World(1)
  const bulks: number[] = []
  const given = await setUp({ world, mapping: { bulk } })
  given.fake.listAnswer = (answers) => {
    bulks.push(answers.length)
    return spoil(answers)
  }
  await world.pass(200_000)
  given.requests.length = 0
  return { ...given, bulks }
}

const rows = (count: number) => Array.from({ length: count }, (_, at) => ({ title: `t${at}` }))
const titles = (fake: FakeBackend) => fake.live('tasks').map(({ fields }) => fields['title'])

it('[O20] N inserts go out as N / limit requests, and edits and deletes as well', async () => {
  const { db, world, fake, backend, bulks } = await setUpBulk()
  const ids = db.tasks.insertMany(rows(950))
  await world.pass(2000)
  expect([bulks.length, backend.status.pending, fake.live('tasks').length]).toEqual([10, 0, 950])
  db.transact(() => ids.forEach((id) => db.tasks.update(id, { done: true })))
  await world.pass(2000)
  expect([bulks.length, backend.status.pending]).toEqual([20, 0])
  db.transact(() => ids.forEach((id) => db.tasks.delete(id)))
  await world.pass(2000)
  expect([bulks.length, backend.status.pending, fake.live('tasks').length]).toEqual([30, 0, 0])
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
})

it('[O20] a request is bounded in bytes as well', async () => {
  const { db, world, fake, bulks } = await setUpBulk({ bulk: { create: { ...BULK.create, maxBytes: 1000 } } })
  db.tasks.insertMany(rows(20).map(({ title }) => ({ title: title + 'x'.repeat(300) })))
  db.tasks.insert({ title: 'y'.repeat(5000) })
  await world.pass(2000)
  expect([Math.max(...bulks), fake.live('tasks').length]).toEqual([2, 21])
})

it('[O20] an item that is refused hits its own operation alone', async () => {
  const { db, world, fake, backend, bulks } = await setUpBulk()
  const ids = db.tasks.insertMany([...rows(5), { title: 'poison' }, ...rows(5)])
  await world.pass(2000)
  expect(backend.outbox.failed().map(({ row, failure }) => [row, failure?.kind, failure?.status])).toEqual([
    [ids[5], 'refused', 422],
  ])
  expect([bulks, fake.live('tasks').length, backend.status.pending]).toEqual([[11], 10, 1])
})

it.each([
  ['an answer too few', (answers: unknown[]) => answers.slice(1)],
  ['answers in another order', (answers: unknown[]) => answers.toReversed()],
  ['the same answer for all', (answers: unknown[]) => answers.map(() => answers[0])],
  ['no list', () => ({ ok: true })],
  ['HTML with status 200', () => '<html>proxy</html>'],
])('[O20] with %s each item is sent alone, under its key; nothing is lost or doubled', async (_, spoil) => {
  const { db, world, fake, backend, bulks } = await setUpBulk({ spoil })
  const ids = db.tasks.insertMany(rows(12))
  await world.pass(20_000)
  expect([bulks, backend.status.pending, titles(fake)]).toEqual([[12], 0, rows(12).map(({ title }) => title)])
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
  expect(ids.map((id) => [db.tasks.get(id)?.title, db.tasks.status(id)])).toEqual(
    rows(12).map(({ title }) => [title, 'synced']),
  )
  const [problem] = backend.problems()
  expect([problem?.kind, problem?.message]).toEqual(['answer', expect.stringMatching(/12 operations.*begins/)])
  db.tasks.insertMany(rows(3))
  await world.pass(20_000)
  expect([bulks.length, backend.status.pending]).toEqual([1, 0])
})

it('[O20] an item whose part is no record is sent alone, and the others are done', async () => {
  const { db, world, fake, backend, writes } = await setUpBulk({ spoil: ([_, ...rest]) => [{ ok: true }, ...rest] })
  db.tasks.insertMany(rows(4))
  await world.pass(20_000)
  expect([backend.status.pending, titles(fake).length]).toEqual([0, 4])
  expect(writes().filter(({ path, method }) => path === '/tasks' && method === 'POST').length).toBe(5)
})

it('[O20] a lost answer is asked for again in one request, under the same keys', async () => {
  let tries = 0
  const { db, world, fake, backend, bulks } = await setUpBulk({
    spoil(answers) {
      tries += 1
      return tries === 1 ? undefined : answers
    },
  })
  db.tasks.insertMany(rows(30))
  await world.pass(60_000)
  expect([bulks, backend.status.pending, titles(fake).length]).toEqual([[30, 30], 0, 30])
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
})

it('[O20] order per row and references hold: what names a row without a record waits for it', async () => {
  const { db, world, fake, backend } = await setUpBulk()
  world.faults = { ...NO_FAULTS, maxDelayMs: 50 }
  db.transact(() => {
    for (let at = 0; at < 20; at++) {
      const projectId = db.projects.insert({ name: `p${at}` })
      db.tasks.insert({ title: `t${at}`, projectId })
    }
  })
  await world.pass(20)
  for (const { id, title } of db.tasks.all()) db.tasks.update(id, { title: `${title}!` })
  await world.pass(20_000)
  const names = new Map(fake.live('projects').map(({ id, fields }) => [id, fields['name']]))
  expect([backend.status.pending, fake.violations]).toEqual([0, 0])
  expect(
    fake
      .live('tasks')
      .every(({ fields }) => fields['title'] === `t${String(names.get(fields['project_id'] as number)).slice(1)}!`),
  ).toBe(true)
})

it('[O20] killed before whatever happens, and opened again, it leaves each item there once', async () => {
  for (let at = 1, isKilled = true; isKilled; at++) {
    const world = new World(1)
    const bulk = { create: { ...BULK.create, maxItems: 3 }, update: BULK.update, remove: BULK.remove }
    const first = await setUp({ world, mapping: { bulk } })
    world.faults = { ...NO_FAULTS, maxDelayMs: 20 }
    let count = 0
    world.onEvent = () => {
      count += 1
      if (count === at) first.process.isAlive = false
    }
    const { db, disk, fake, process } = first
    const write = async (work: () => void): Promise<void> => {
      if (process.isAlive) work()
      await world.pass(100)
    }
    let isSaved = false
    await write(() => {
      db.transact(() => {
        const projectId = db.projects.insert({ name: 'p' })
        db.tasks.insertMany(rows(5).map((row) => ({ ...row, projectId })))
      })
      db.saved().then(() => {
        isSaved = process.isAlive
      })
    })
    await write(() => db.tasks.updateWhere({}, { done: true }))
    await write(() => db.tasks.all().forEach(({ id, title }) => title < 't2' && db.tasks.delete(id)))
    isKilled = !process.isAlive
    world.onEvent = () => {}
    world.faults = NO_FAULTS
    process.isAlive = false
    const again = await setUp({ world, fake, disk, mapping: { bulk } })
    await world.pass(5000)
    const left = again.db.tasks.all().map(({ title, done }) => `${title} ${done}`)
    expect([at, fake.live('tasks').map(({ fields }) => `${fields['title']} ${fields['done']}`)]).toEqual([at, left])
    expect(isSaved ? [3, 5] : [0, 5]).toContain(left.length)
    expect([...fake.effects.values()].every((times) => times === 1)).toBe(true)
    expect([again.backend.status.pending, fake.violations]).toEqual([0, 0])
  }
}, 120_000)

it('[O20] inserts that a repetition could double are refused as a bulk', () => {
  const url = 'http://backend/tasks'
  expect(() => restTable({ url, bulk: { create: { maxItems: 10 } } })).toThrow(/keyField/)
  expect(() => restTable({ url, bulk: { update: { maxItems: 0 } } })).toThrow(/limits of 1/)
})

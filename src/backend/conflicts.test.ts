// Conflicts with a backend, column by column and of deletes, and references inside JSON: one behaviour each, against a backend in memory.
import { expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, table } from '../index.ts'
import { documentsAdapter } from '../table/testing/replicas.ts'
import { connectBackend, type RestTableOptions, restTable } from './index.ts'
import { FakeBackend } from './testing/fake-backend.ts'
import { Disk, NO_FAULTS, Process, World } from './testing/world.ts'

const schema = defineSchema({
  people: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    votes: c.counter(),
    labels: c.set(c.string()),
    meta: c.json<{ owner?: string; members: { id: string }[] }>().optional(),
  }),
})

const setUp = async (mapping: Partial<RestTableOptions> = {}, { aheadMs = 0 } = {}) => {
  const world = new World(1)
  const now = (): number => world.nowMs + aheadMs
  const fake = new FakeBackend({ tables: { people: {}, tasks: {} }, now })
  const process = new Process(world)
  const wait = async <T>(promise: Promise<T>): Promise<T> => {
    await world.pass(5)
    return promise
  }
  const storage = new Disk().adapter(process, () => 1)
  const sync = documentsAdapter(new Map())
  const db = await wait(createDatabase({ name: 'test', schema, storage, sync, now: () => world.nowMs }))
  const listChanges = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const
  const tables = {
    people: restTable({ url: 'http://backend/people', listChanges }),
    tasks: restTable({ url: 'http://backend/tasks', listChanges, versionField: 'version', ...mapping }),
  }
  const { timers } = process
  const backend = await wait(
    connectBackend(db, tables, { fetch: process.fetch(fake), timers, random: () => 0.5, token: '1' }),
  )
  await world.pass(50)
  const id = db.tasks.insert({ title: 'a', votes: 1, labels: ['x', 'y'] })
  await world.pass(50)
  const [record] = fake.live('tasks')
  if (record === undefined) throw new Error('not sent')
  /** Both sides write while they do not hear of each other. */
  const apart = async (here: () => void, there: Record<string, unknown>): Promise<void> => {
    backend.pause()
    here()
    await world.pass(1000)
    Object.assign(record.fields, there)
    fake.touch(record)
    backend.resume()
    await world.pass(5000)
  }
  return { world, fake, db, backend, id, record, apart }
}

it('[C2] a function decides a column, whichever side is later; others go their own way', async () => {
  const join = ({ base, local, remote }: { base: unknown; local: unknown; remote: unknown }) =>
    `${base}${local}${remote}`
  const { db, backend, id, record, apart } = await setUp({ conflict: { title: join } })
  await apart(() => db.tasks.update(id, { title: 'b' }), { title: 'c' })
  expect([db.tasks.get(id)?.title, record.fields['title'], backend.status.pending]).toEqual(['abc', 'abc', 0])
})

it('[C2] counters add up, and sets merge element by element', async () => {
  const { db, id, record, apart } = await setUp()
  await apart(() => db.tasks.update(id, { votes: 3, labels: ['y', 'z'] }), {
    votes: 11,
    labels: ['w', 'x', 'y'],
  })
  const row = db.tasks.get(id)
  expect([row?.votes, [...(row?.labels ?? [])].sort()]).toEqual([13, ['w', 'y', 'z']])
  expect([record.fields['votes'], [...(record.fields['labels'] as string[])].sort()]).toEqual([13, ['w', 'y', 'z']])
})

it.each([
  ['mine', true],
  ['theirs', false],
] as const)('[C7] a row edited here and deleted there asks; %s decides', async (choice, isThere) => {
  const { db, world, fake, backend, id, record, apart } = await setUp({ deletedRemotely: 'ask' })
  await apart(() => db.tasks.update(id, { title: 'b' }), {})
  db.tasks.update(id, { title: 'c' })
  backend.pause()
  await world.pass(100)
  record.isDeleted = true
  fake.touch(record)
  backend.resume()
  await world.pass(5000)
  const [conflict] = db.conflicts.list()
  expect([conflict?.column, conflict?.backend, db.tasks.status(id), db.tasks.get(id)?.title]).toEqual([
    'deletedAt',
    'backend',
    'conflict',
    'c',
  ])
  db.conflicts.resolve(conflict as never, choice)
  await world.pass(5000)
  expect([db.conflicts.list(), backend.status.pending, db.tasks.get(id) !== undefined]).toEqual([[], 0, isThere])
  expect(fake.live('tasks').map(({ fields }) => fields['title'])).toEqual(isThere ? ['c'] : [])
})

it.each([
  ['mine', false],
  ['theirs', true],
] as const)('[C7] a row deleted here and edited there asks; %s decides', async (choice, isThere) => {
  const { db, world, fake, backend, id, apart } = await setUp({ deletedLocally: 'ask' })
  await apart(() => db.tasks.delete(id), { title: 'c' })
  const [conflict] = db.conflicts.list()
  expect([conflict?.column, fake.live('tasks').length, db.tasks.status(id)]).toEqual(['deletedAt', 1, 'conflict'])
  db.conflicts.resolve(conflict as never, choice)
  await world.pass(5000)
  expect([db.conflicts.list(), backend.status.pending, db.tasks.get(id)?.title]).toEqual([
    [],
    0,
    isThere ? 'c' : undefined,
  ])
  expect(fake.live('tasks').length).toBe(isThere ? 1 : 0)
})

it.each([
  ['ahead', 3_600_000],
  ['behind', -3_600_000],
])('[C2] the newer write wins by one clock, though that of the service is an hour %s', async (_, aheadMs) => {
  const { db, id, record, apart } = await setUp({ conflict: 'newest', updatedAtField: 'updatedAt' }, { aheadMs })
  await apart(() => db.tasks.update(id, { title: 'earlier, here' }), { title: 'later, there' })
  expect([db.tasks.get(id)?.title, record.fields['title']]).toEqual(['later, there', 'later, there'])
})

it('[C8] what meets a conflict at every try is in the dead letter after so many, and holds up nothing else', async () => {
  let tries = 0
  const { db, world, fake, backend, id } = await setUp()
  fake.refuses = ({ method, path }) => {
    if (method !== 'PATCH' || path !== `/tasks/${db.ids.remote('tasks', id)}`) return undefined
    tries += 1
    return { status: 412, body: { error: 'changed' } }
  }
  db.tasks.update(id, { title: 'b' })
  db.tasks.insert({ title: 'other', labels: [] })
  await world.pass(60_000)
  const [failed] = backend.outbox.failed()
  expect([failed?.failure?.kind, failed?.failure?.status, tries, backend.status.pending]).toEqual([
    'conflict',
    412,
    6,
    1,
  ])
  expect(fake.live('tasks').map(({ fields }) => fields['title'])).toEqual(['a', 'other'])
})

it('[C1] references inside JSON and in lists are translated both ways, and hold their own operation alone', async () => {
  const { db, world, fake } = await setUp({ refs: { 'meta.owner': 'people', 'meta.members.*.id': 'people' } })
  world.faults = { ...NO_FAULTS, maxDelayMs: 50 }
  const [ada, bob] = db.people.insertMany([{ name: 'Ada' }, { name: 'Bob' }]) as [string, string]
  const meta = { owner: ada, members: [{ id: bob }, { id: ada }] }
  const id = db.tasks.insert({ title: 'with people', labels: [], meta })
  await world.pass(5000)
  const [one, two] = ['Ada', 'Bob'].map((name) => fake.live('people').find(({ fields }) => fields['name'] === name)?.id)
  const record = fake.live('tasks').find(({ fields }) => fields['title'] === 'with people')
  expect(record?.fields['meta']).toEqual({ owner: one, members: [{ id: two }, { id: one }] })
  Object.assign(record?.fields ?? {}, { meta: { owner: two, members: [{ id: one }] } })
  if (record !== undefined) fake.touch(record)
  await world.pass(100_000)
  expect(db.tasks.get(id)?.meta).toEqual({ owner: bob, members: [{ id: ada }] })
})

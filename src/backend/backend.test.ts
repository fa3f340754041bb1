// What a connected backend does, against one in memory, in a time of its own.
import { expect, it } from 'vitest'
import { AnswerError, connectBackend, type Lease, replayTraces, restTable, serverSentEvents } from './index.ts'
import { schema, setUp } from './testing/setup.ts'
import { NO_FAULTS } from './testing/world.ts'

it('[O8] a token is renewed by one call however many requests are refused', async () => {
  let calls = 0
  const { db, world, fake } = await setUp({
    options: {
      token: () => {
        calls += 1
        return String(calls === 1 ? 1 : 2)
      },
    },
  })
  world.token = 2
  db.tasks.insertMany(Array.from({ length: 20 }, (_, at) => ({ title: `t${at}` })))
  await world.pass(5000)
  expect([calls, fake.live('tasks').length]).toEqual([2, 20])
})

it('[O9] a refused token pauses, loses nothing, and goes on with a good one', async () => {
  const { db, world, fake, backend } = await setUp()
  const token = world.token
  world.token = -1
  const bad = { isBad: true }
  world.faults = { ...NO_FAULTS, status401: 1 }
  db.tasks.insert({ title: 'a' })
  await world.pass(500)
  expect([backend.status.connection, backend.status.pending, bad.isBad]).toEqual(['unauthorized', 1, true])
  world.token = token
  world.faults = NO_FAULTS
  backend.resume()
  await world.pass(500)
  expect([fake.live('tasks').length, backend.status.connection]).toEqual([1, 'online'])
})

it('[C1] refs are translated both ways, and a pulled row has the same id on every replica', async () => {
  const { db, world, fake } = await setUp()
  const post = (path: string, body: Record<string, unknown>) =>
    fake.handle({ method: 'POST', path, query: new URLSearchParams(), headers: new Headers(), body })
  post('/projects', { name: 'p' })
  post('/tasks', { title: 't', done: false, project_id: 1 })
  await world.pass(120_000)
  const other = await setUp({ world, fake })
  await world.pass(120_000)
  const [task] = db.tasks.all()
  expect(db.projects.get(task?.projectId ?? '')?.name).toBe('p')
  expect(other.db.tasks.all().map(({ id, projectId }) => [id, projectId])).toEqual([[task?.id, task?.projectId]])
  expect([db.ids.remote('tasks', task?.id ?? ''), db.ids.local('tasks', 2)]).toEqual([2, task?.id])
})

it('[C2] a conflict that asks waits in db.conflicts until the user has chosen', async () => {
  const { db, world, fake, backend } = await setUp({ mapping: { conflict: 'ask', versionField: 'version' } })
  const id = db.tasks.insert({ title: 'base' })
  await world.pass(500)
  world.isOnline = false
  db.tasks.update(id, { title: 'mine' })
  const [record] = fake.live('tasks')
  if (record) fake.touch(Object.assign(record, { fields: { ...record.fields, title: 'theirs' } }))
  world.isOnline = true
  await world.pass(100_000)
  const [conflict] = db.conflicts.list()
  expect([conflict?.base, conflict?.writes.map(({ value }) => value), backend.rowStatus('tasks', id)]).toEqual([
    'base',
    ['theirs', 'mine'],
    'conflict',
  ])
  if (conflict) db.conflicts.resolve(conflict, 'theirs')
  await world.pass(500)
  expect([db.tasks.get(id)?.title, backend.status.pending, db.conflicts.list()]).toEqual(['theirs', 0, []])
})

it('[C3] different columns changed on both sides are both kept', async () => {
  const { db, world, fake } = await setUp({ mapping: { versionField: 'version' } })
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(500)
  world.isOnline = false
  db.tasks.update(id, { note: 'mine' })
  const [record] = fake.live('tasks')
  if (record) fake.touch(Object.assign(record, { fields: { ...record.fields, title: 'theirs' } }))
  world.isOnline = true
  await world.pass(100_000)
  expect([db.tasks.get(id)?.title, db.tasks.get(id)?.note, fake.live('tasks')[0]?.fields['note']]).toEqual([
    'theirs',
    'mine',
    'mine',
  ])
})

it('[X1] a pulled change is not sent back, and is no step for undo', async () => {
  const { db, world, fake, writes } = await setUp()
  fake.handle({
    method: 'POST',
    path: '/tasks',
    query: new URLSearchParams(),
    headers: new Headers(),
    body: { title: 't', done: false },
  })
  await world.pass(120_000)
  const own = writes().filter(({ headers }) => headers.has('idempotency-key'))
  expect([db.tasks.all().length, own.length, db.undo.undoable]).toEqual([1, 0, 0])
})

it('[X2] a cursor that comes again ends the pull and is reported', async () => {
  let gets = 0
  const { backend, world } = await setUp({
    options: {
      fetch: async () => {
        gets += 1
        return Response.json({ records: [], deleted: [], cursor: '1', more: true })
      },
    },
  })
  await world.pass(500)
  expect(gets).toBeLessThan(20)
  expect(backend.problems().map(({ kind }) => kind)).toContain('cursor')
})

it('[O11] functions of the user are enough for a backend, one way', async () => {
  const sent: unknown[] = []
  const { db, world, backend } = await setUp()
  const other = await connectBackend(
    db,
    {
      tasks: {
        async create(data) {
          sent.push(data['title'])
          if (sent.length === 1) throw new AnswerError('away')
          return { id: sent.length }
        },
      },
    },
    {
      name: 'messages',
      timers: { setTimeout: (work, ms) => world.at(ms, work), clearTimeout: () => {} },
      random: () => 0.5,
      existing: 'ignore',
    },
  )
  const id = db.tasks.insert({ title: 'hello' })
  await world.pass(60_000)
  expect([sent, other.remoteId('tasks', id), other.status.pending, backend.name]).toEqual([
    ['hello', 'hello'],
    2,
    0,
    'backend',
  ])
  expect(() => restTable({ url: 'nowhere' })).toThrow(/http/)
})

it('[O16] of two tabs one sends, what both have written; the other takes over, and sends nothing twice', async () => {
  const waiting: (() => void)[] = []
  const listeners = new Set<() => void>()
  let held = false
  const lease: Lease = {
    async hold(_name, work, signal) {
      if (held) await new Promise<void>((resolve) => waiting.push(resolve))
      held = true
      await work(signal)
      held = false
      waiting.shift()?.()
    },
    tell: () => listeners.forEach((listener) => listener()),
    listen: (_name, onNews) => {
      listeners.add(onNews)
      return () => listeners.delete(onNews)
    },
  }
  const a = await setUp({ options: { lease } })
  const b = await setUp({ disk: a.disk, world: a.world, fake: a.fake, options: { lease } })
  a.db.tasks.insert({ title: 'of a' })
  b.db.tasks.insert({ title: 'of b' })
  await a.world.pass(2000)
  expect([
    b.backend.status.connection,
    a.fake
      .live('tasks')
      .map(({ fields }) => fields['title'])
      .sort(),
  ]).toEqual(['waiting', ['of a', 'of b']])
  a.backend.close()
  b.db.tasks.insert({ title: 'later' })
  await a.world.pass(2000)
  expect([b.backend.status.connection, b.backend.status.pending, a.fake.live('tasks').length]).toEqual(['online', 0, 3])
  expect([...a.fake.effects.values()].every((count) => count === 1)).toBe(true)
})

it('[O17] traces, as JSON, make the same records in an empty backend', async () => {
  const { db, world, fake, backend } = await setUp()
  const projectId = db.projects.insert({ name: 'p' })
  const [a, b] = db.tasks.insertMany([{ title: 'a', projectId }, { title: 'b' }]) as [string, string]
  await world.pass(1000)
  db.tasks.update(a, { done: true })
  db.tasks.delete(b)
  await world.pass(1000)
  const other = await setUp()
  const url = 'http://backend'
  const tables = {
    projects: restTable({ url: `${url}/projects`, fields: { parentId: 'parent_id' } }),
    tasks: restTable({ url: `${url}/tasks`, fields: { projectId: 'project_id' } }),
  }
  const fetch = other.process.fetch(other.fake)
  const done = replayTraces(schema, JSON.parse(JSON.stringify(backend.trace())), tables, { fetch, token: '1' })
  await other.world.pass(1000)
  await done
  const there = (one: typeof fake) => one.live('tasks').map(({ fields }) => fields)
  expect([there(other.fake).length, there(other.fake)]).toEqual([1, there(fake)])
})

it('[X4] an event of the backend leads to a pull at once', async () => {
  let source: (EventTarget & { close(): void }) | undefined
  class Source extends EventTarget {
    constructor(url: string) {
      super()
      expect(url).toBe('http://backend/events')
      source = this
    }
    close(): void {}
  }
  const listen = serverSentEvents({ url: 'http://backend/events', EventSource: Source })
  const { db, world, fake } = await setUp({ options: { listen, pollMs: Number.POSITIVE_INFINITY } })
  fake.handle({
    method: 'POST',
    path: '/tasks',
    query: new URLSearchParams(),
    headers: new Headers(),
    body: { title: 't', done: false },
  })
  await world.pass(100_000)
  expect(db.tasks.all()).toEqual([])
  source?.dispatchEvent(new Event('message'))
  await world.pass(100)
  expect(db.tasks.all().length).toBe(1)
})

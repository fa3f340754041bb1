// What a connected backend does, against one in memory, in a time of its own.
import { expect, it } from 'vitest'
import { hostOf } from './host.ts'
import {
  AnswerError,
  connectBackend,
  type Lease,
  postgrestTable,
  replayTraces,
  restTable,
  serverSentEvents,
} from './index.ts'
import { schema, setUp } from './testing/setup.ts'
import { NO_FAULTS } from './testing/world.ts'

it('[O2] an operation is stored in the batch of its write: after a kill both are there', async () => {
  const { db, world, process, disk, fake, backend } = await setUp()
  backend.pause()
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(5)
  process.isAlive = false
  const again = await setUp({ disk, world, fake })
  expect(again.db.tasks.get(id)?.title).toBe('a')
  await world.pass(100)
  expect(fake.live('tasks').map(({ fields }) => fields['title'])).toEqual(['a'])
})

it('[O3] 10,000 edits of 500 rows made offline go out as 500 requests at most', async () => {
  const { db, world, writes, backend } = await setUp()
  const ids = db.tasks.insertMany(Array.from({ length: 500 }, (_, at) => ({ title: `t${at}` })))
  await world.pass(3000)
  expect(backend.status.pending).toBe(0)
  world.isOnline = false
  const before = writes().length
  for (let round = 0; round < 20; round++)
    db.transact(() => ids.forEach((id) => db.tasks.update(id, { title: `r${round}` })))
  await world.pass(10)
  expect(backend.status.pending).toBe(500)
  world.isOnline = true
  await world.pass(200_000)
  expect(backend.status.pending).toBe(0)
  expect(writes().length - before).toBeLessThanOrEqual(500)
})

it('[O4] inserts in chains of references 5 deep keep the requests in flight at the limit', {
  timeout: 600_000,
}, async () => {
  const { db, world, fake, backend, writes } = await setUp()
  backend.pause()
  const count = Number(process.env['CHAINED'] ?? 1000)
  db.transact(() => {
    for (let chain = 0; chain < count / 5; chain++) {
      let parentId: string | undefined
      for (let depth = 0; depth < 5; depth++) parentId = db.projects.insert({ name: `${chain}.${depth}`, parentId })
    }
  })
  await world.pass(10)
  world.faults = { ...NO_FAULTS, maxDelayMs: 50 }
  backend.resume()
  let [full, looks] = [0, 0]
  while (backend.status.pending > 0 && looks < 1e6) {
    await world.pass(10)
    if (writes().length === 0) continue
    looks += 1
    if (backend.status.sending === 6 || backend.status.pending < 20) full += 1
  }
  expect(full / looks).toBeGreaterThan(0.9)
  expect([fake.live('projects').length, fake.violations]).toEqual([count, 0])
})

it('[O5] a refused operation holds up what depends on it and nothing else; discarding it takes it back here', async () => {
  const { db, world, fake, backend } = await setUp()
  const bad = db.projects.insert({ name: 'poison' })
  const waiting = db.tasks.insert({ title: 'waits', projectId: bad })
  const free = db.tasks.insert({ title: 'goes' })
  await world.pass(500)
  const [failed] = backend.outbox.failed()
  expect(failed?.failure).toMatchObject({ kind: 'refused', status: 422, request: { name: 'poison' } })
  expect([db.projects.status(bad), db.tasks.status(waiting), db.tasks.status(free)]).toEqual([
    'failed',
    'pending',
    'synced',
  ])
  expect(failed && backend.outbox.dependants(failed).map(({ row }) => row)).toEqual([waiting])
  expect(() => failed && backend.outbox.discard(failed)).toThrow(/1 operations wait/)
  if (failed) backend.outbox.discard(failed, { withDependants: true })
  await world.pass(500)
  expect([db.projects.get(bad), db.tasks.get(waiting), backend.status.pending, fake.live('tasks').length]).toEqual([
    undefined,
    undefined,
    0,
    1,
  ])
})

it('[O6] a failed operation is edited and sent again, and what waited for it goes on', async () => {
  const { db, world, fake, backend } = await setUp()
  const project = db.projects.insert({ name: 'poison' })
  db.tasks.insert({ title: 'waits', projectId: project })
  await world.pass(500)
  const [failed] = backend.outbox.failed()
  if (failed) backend.outbox.edit(failed, { name: 'cured' })
  await world.pass(500)
  expect([fake.live('projects')[0]?.fields['name'], fake.live('tasks').length, db.projects.get(project)?.name]).toEqual(
    ['cured', 1, 'cured'],
  )
})

it('[O7] an edit made while its row is on its way is an operation of its own', async () => {
  const { db, world, fake, writes } = await setUp()
  const id = db.tasks.insert({ title: 'a' })
  world.faults = { ...NO_FAULTS, maxDelayMs: 200 }
  await world.pass(3)
  db.tasks.update(id, { title: 'b' })
  await world.pass(2000)
  expect(writes().map(({ method, body }) => [method, body?.['title']])).toEqual([
    ['POST', 'a'],
    ['PATCH', 'b'],
  ])
  expect(fake.live('tasks')[0]?.fields['title']).toBe('b')
})

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

it.each([
  ['HTML with status 200', () => new Response('<html>login</html>', { status: 200 }), 'answer'],
  ['no id', () => Response.json({ title: 'a' }, { status: 201 }), 'answer'],
  ['an empty answer', () => new Response(null, { status: 201 }), 'answer'],
  ['wrong types', () => Response.json({ id: 1, title: 7 }, { status: 201 }), 'answer'],
  ['ten megabytes', () => new Response(`"${'x'.repeat(10_000_000)}"`, { status: 201 }), 'answer'],
])(
  '[O10] an insert that is answered with %s stands in the dead letter with it, and is not sent again',
  async (_, answer, kind) => {
    let posts = 0
    const { db, world, backend } = await setUp({
      options: {
        fetch: async (_url, init) => {
          if (init?.method !== 'POST') return Response.json({ records: [], deleted: [], cursor: '1', more: false })
          posts += 1
          return answer()
        },
      },
    })
    const id = db.tasks.insert({ title: 'a' })
    await world.pass(300_000)
    expect([backend.outbox.failed()[0]?.failure?.kind, posts, db.tasks.get(id)?.title]).toEqual([kind, 1, 'a'])
  },
)

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

it('[O4] rows that refer to each other are both made, and refer to each other there', async () => {
  const { db, world, fake, backend } = await setUp()
  const [a, b] = [crypto.randomUUID(), crypto.randomUUID()]
  db.transact(() => {
    db.projects.insert({ id: a, name: 'a', parentId: b })
    db.projects.insert({ id: b, name: 'b', parentId: a })
  })
  await world.pass(1000)
  const there = fake.live('projects').map(({ id, fields }) => [id, fields['parent_id']])
  expect([backend.status.pending, there]).toEqual([
    0,
    [
      [1, 2],
      [2, 1],
    ].map(([id, parent]) => [id, parent]),
  ])
})

it('[O15] PostgREST-shaped answers: lists of one, filters in the address, an update of nothing', async () => {
  const rows: Record<string, unknown>[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const { searchParams } = new URL(String(input))
    const body = init?.body === undefined ? undefined : JSON.parse(String(init.body))
    if (init?.method === 'POST') rows.push({ ...body, id: rows.length + 1, updated_at: '2026-01-01T00:00:00Z' })
    if (init?.method === 'POST') return Response.json([rows.at(-1)], { status: 201 })
    const found = rows.filter(({ id }) => searchParams.get('id') === null || searchParams.get('id') === `eq.${id}`)
    if (init?.method === 'PATCH') for (const row of found) Object.assign(row, body)
    if (init?.method === 'DELETE') for (const row of found) rows.splice(rows.indexOf(row), 1)
    return init?.method === 'DELETE' ? new Response(null, { status: 204 }) : Response.json(found)
  }
  const { db, world } = await setUp()
  const timers = { setTimeout: (work: () => void, ms: number) => world.at(ms, work), clearTimeout: () => {} }
  const tasks = postgrestTable({
    url: 'https://x.example/rest/v1/tasks',
    fields: { projectId: false },
    updatedAtField: 'updated_at',
  })
  const backend = await connectBackend(
    db,
    { tasks },
    { name: 'postgrest', timers, fetch, existing: 'ignore', random: () => 0.5 },
  )
  const [kept, gone, lost] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'c' }]) as [
    string,
    string,
    string,
  ]
  await world.pass(5000)
  db.tasks.update(kept, { title: 'A' })
  db.tasks.delete(gone)
  rows.splice(2, 1)
  db.tasks.update(lost, { title: 'C' })
  await world.pass(5000)
  expect(rows.map(({ title }) => title).sort()).toEqual(['A', 'C'])
  expect([backend.status.pending, backend.outbox.failed()]).toEqual([0, []])
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

it('[K21] what an outbox keeps does not grow with what was sent', async () => {
  const { db, world, backend } = await setUp({ options: { traces: 20 } })
  const ids = db.tasks.insertMany(Array.from({ length: 10 }, (_, at) => ({ title: `t${at}` })))
  const log = await hostOf(db).openLog('_outbox-backend', { isMerged: false })
  const edit = async (): Promise<readonly [keys: number, bytes: number]> => {
    for (let round = 0; round < 20; round++) {
      db.transact(() => ids.forEach((id) => db.tasks.update(id, { title: `${id} ${round}` })))
      await world.pass(100)
    }
    expect(backend.status.pending).toBe(0)
    return [log.entries.size, log.encode().length]
  }
  await edit()
  const [, bytes] = await edit()
  const [keys, bytesLater] = await edit()
  // Traces, what is seen of each row, and notes of keys that are gone, which are cleared 256 at a time.
  expect(keys).toBeLessThan(20 + 10 + 256 + 30)
  expect(bytesLater).toBeLessThan(bytes + 256 * 64)
})

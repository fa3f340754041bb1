// Presets against small services that answer as theirs do.
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, table } from '../index.ts'
import {
  AnswerError,
  type BackendTables,
  connectBackend,
  graphqlTable,
  jsonApiTable,
  postgrestTable,
  type RemoteId,
  type RemoteRecord,
  relayRowsTable,
  restTable,
} from './index.ts'
import { Process, World } from './testing/world.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() }),
})
type Row = Record<string, unknown>

const connect = async (tables: BackendTables<typeof schema>, app?: Hono) => {
  const world = new World(1)
  const { timers } = new Process(world)
  const requests: Request[] = []
  const fetch = async (url: unknown, init?: RequestInit): Promise<Response> => {
    const request = new Request(String(url), init)
    requests.push(request.clone())
    return (await app?.fetch(request)) ?? new Response(null, { status: 500 })
  }
  const db = await createDatabase({ name: 'presets', schema, now: () => world.nowMs })
  const backend = await connectBackend(db, tables, {
    fetch: fetch as typeof globalThis.fetch,
    timers,
    random: () => 0.5,
  })
  await world.pass(50)
  const writes = () => requests.filter(({ method }) => method !== 'GET')
  return { world, db, backend, requests, writes }
}

it('[O15] JSON:API: resources, relationships, pages by links.next', async () => {
  const records: Record<string, Row[]> = { projects: [], tasks: [] }
  const app = new Hono()
  const resource = (type: string, { id, attributes, relationships }: Row) => ({ type, id, attributes, relationships })
  app.use(async (context, next) => {
    await next()
    context.res.headers.set('content-type', 'application/vnd.api+json')
  })
  app.get('/:type', (context) => {
    const type = context.req.param('type')
    const at = Number(context.req.query('page[offset]') ?? 0)
    const all = records[type] ?? []
    const next = at + 2 < all.length ? `/${type}?page[offset]=${at + 2}` : null
    return context.json({ data: all.slice(at, at + 2).map((one) => resource(type, one)), links: { next } })
  })
  app.post('/:type', async (context) => {
    const type = context.req.param('type')
    const { data } = (await context.req.json()) as { data: Row }
    if (data['type'] !== type || context.req.header('content-type') !== 'application/vnd.api+json')
      return context.json({ errors: [{ status: '409', title: 'wrong type' }] }, 409)
    const made = { ...data, id: String((records[type]?.length ?? 0) + 1) }
    records[type]?.push(made)
    return context.json({ data: resource(type, made) }, 201)
  })
  app.patch('/:type/:id', async (context) => {
    const { type, id } = context.req.param()
    const { data } = (await context.req.json()) as { data: Row }
    const found = records[type]?.find((one) => one['id'] === id)
    if (found === undefined || data['id'] !== id) return context.json({ errors: [{ title: 'none' }] }, 404)
    Object.assign(found['attributes'] as object, data['attributes'])
    return context.json({ data: resource(type, found) })
  })
  app.delete('/:type/:id', (context) => {
    const { type, id } = context.req.param()
    records[type] = (records[type] ?? []).filter((one) => one['id'] !== id)
    return context.body(null, 204)
  })
  const url = 'http://api.example'
  const { world, db, backend } = await connect(
    {
      projects: jsonApiTable({ url: `${url}/projects`, type: 'projects' }),
      tasks: jsonApiTable({
        url: `${url}/tasks`,
        type: 'tasks',
        relationships: { projectId: { name: 'project', type: 'projects' } },
      }),
    },
    app,
  )
  const projectId = db.projects.insert({ name: 'p' })
  const ids = db.tasks.insertMany(['a', 'b', 'c', 'd', 'e'].map((title) => ({ title, projectId })))
  await world.pass(1000)
  db.tasks.update(ids[0] as string, { done: true })
  db.tasks.delete(ids[1] as string)
  await world.pass(1000)
  expect([backend.status.pending, records['tasks']?.length]).toEqual([0, 4])
  expect(records['tasks']?.[0]).toMatchObject({
    attributes: { title: 'a', done: true },
    relationships: { project: { data: { type: 'projects', id: '1' } } },
  })
  await world.pass(120_000)
  records['tasks'] = records['tasks']?.slice(0, 3) ?? []
  Object.assign(records['tasks']?.[2]?.['attributes'] as object, { title: 'theirs' })
  await world.pass(120_000)
  expect(
    db.tasks
      .all()
      .map(({ title, projectId: to }) => [title, to === projectId])
      .sort(),
  ).toEqual([
    ['a', true],
    ['c', true],
    ['theirs', true],
  ])
})

it('[O15] JSON:API: a next page of another origin is not asked for', async () => {
  const app = new Hono()
  app.get('/tasks', (context) => context.json({ data: [], links: { next: 'https://evil.example/tasks' } }))
  const { world, backend, requests } = await connect(
    { tasks: jsonApiTable({ url: 'http://api.example/tasks', type: 'tasks' }) },
    app,
  )
  await world.pass(1000)
  expect(requests.every(({ url }) => new URL(url).host === 'api.example')).toBe(true)
  expect(backend.problems().map(({ message }) => message)).toEqual([expect.stringContaining('another origin')])
})

it('[O15] GraphQL: operations by functions; what comes in errors has its class', async () => {
  const tasks: Row[] = []
  const app = new Hono()
  app.post('/graphql', async (context) => {
    const { query, variables } = (await context.req.json()) as { query: string; variables: Row }
    const input = variables['input'] as Row
    if (input?.['title'] === 'bad')
      return context.json({ data: null, errors: [{ message: 'title is bad', extensions: { status: 422 } }] })
    if (query.includes('createTask')) tasks.push({ ...input, id: `T${tasks.length + 1}` })
    const found = tasks.find(({ id }) => id === variables['id'])
    if (query.includes('updateTask')) Object.assign(found ?? {}, input)
    if (query.includes('deleteTask')) tasks.splice(tasks.indexOf(found as Row), 1)
    const made = query.includes('createTask') ? tasks.at(-1) : found
    return context.json({ data: query.includes('tasks {') ? { tasks } : { task: made } })
  })
  const fields = 'id title done'
  const { world, db, backend } = await connect(
    {
      tasks: graphqlTable({
        url: 'http://api.example/graphql',
        fields: { projectId: false },
        create: {
          query: `mutation($input: TaskInput!) { task: createTask(input: $input) { ${fields} } }`,
          variables: ({ data = {} }) => ({ input: data }),
          result: ({ task }) => task,
        },
        update: {
          query: `mutation($id: ID!, $input: TaskInput!) { task: updateTask(id: $id, input: $input) { ${fields} } }`,
          variables: ({ id = '', data = {} }) => ({ id, input: data }),
          result: ({ task }) => task,
        },
        remove: {
          query: 'mutation($id: ID!) { deleteTask(id: $id) { id } }',
          variables: ({ id = '' }) => ({ id }),
          result: () => undefined,
        },
        list: { query: `query { tasks { ${fields} } }`, result: ({ tasks: all }) => all },
      }),
    },
    app,
  )
  const [kept, gone] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'bad' }]) as [string, string]
  await world.pass(1000)
  db.tasks.update(kept, { done: true })
  db.tasks.delete(gone)
  await world.pass(1000)
  expect(tasks).toEqual([{ id: 'T1', title: 'a', done: true }])
  expect(backend.outbox.failed().map(({ failure }) => [failure?.status, failure?.message])).toEqual([
    [422, 'title is bad'],
  ])
  tasks.push({ id: 'T9', title: 'theirs', done: false })
  await world.pass(120_000)
  expect(
    db.tasks
      .all()
      .map(({ title }) => title)
      .sort(),
  ).toEqual(['a', 'bad', 'theirs'])
})

/** A table as PostgREST shows it: lists of `max-rows` at most, filters and order in the address, a unique client_id, lists of inserts in one transaction. */
const postgrest = (rows: Row[], maxRows = 1000): Hono => {
  const app = new Hono()
  const isAfter = (row: Row, filter: string): boolean => {
    const [, time = '', id] =
      /^\(updated_at\.gt\."([^"]+)",and\(updated_at\.eq\."[^"]+",id\.gt\.(\d+)\)\)$/.exec(filter) ?? []
    const updatedAt = String(row['updated_at'])
    return updatedAt > time || (updatedAt === time && Number(row['id']) > Number(id))
  }
  const matching = (query: Record<string, string>): Row[] =>
    rows.filter((row) =>
      Object.entries(query).every(([name, filter]) => {
        if (name === 'or') return isAfter(row, filter)
        const value = String(row[name])
        if (filter.startsWith('eq.')) return value === filter.slice(3)
        if (filter.startsWith('in.')) return filter.slice(4, -1).split(',').includes(value)
        if (filter.startsWith('gt.')) return Number(value) > Number(filter.slice(3))
        return !filter.startsWith('gte.') || Date.parse(value) >= Date.parse(filter.slice(4))
      }),
    )
  app.get('/tasks', (context) => {
    const { limit = maxRows, offset = 0, order = 'id.asc' } = context.req.query()
    const by = order.split(',').map((one) => one.replace('.asc', ''))
    const compare = (a: Row, b: Row): number => {
      const differing = by.find((name) => a[name] !== b[name])
      return differing === undefined ? 0 : (a[differing] as number) > (b[differing] as number) ? 1 : -1
    }
    const found = matching(context.req.query()).sort(compare)
    return context.json(found.slice(Number(offset), Number(offset) + Math.min(maxRows, Number(limit))))
  })
  app.post('/tasks', async (context) => {
    const body = (await context.req.json()) as Row | Row[]
    const given = Array.isArray(body) ? body : [body]
    const taken = given.find((one) => rows.some((row) => row['client_id'] === one['client_id']))
    if (taken !== undefined) return context.json({ code: '23505', message: 'duplicate key' }, 409)
    if (given.some(({ title }) => title === 'bad')) return context.json({ code: '23514', message: 'check' }, 400)
    const made = given.map((one, at) => ({ ...one, id: rows.length + 1 + at, updated_at: '2026-01-01T00:00:00Z' }))
    rows.push(...made)
    return context.json(made, 201)
  })
  app.patch('/tasks', async (context) => {
    const found = matching(context.req.query())
    const body = (await context.req.json()) as Row
    for (const row of found) Object.assign(row, body)
    return context.json(found)
  })
  app.delete('/tasks', (context) => {
    const found = matching(context.req.query())
    for (const row of found) rows.splice(rows.indexOf(row), 1)
    return context.json(found)
  })
  return app
}

it('[O15] [O20] PostgREST: lists of inserts, of which one that is refused is found; deletes by a list of ids', async () => {
  const rows: Row[] = []
  const tasks = postgrestTable({
    url: 'http://x.example/tasks',
    fields: { projectId: false },
    localIdField: 'client_id',
    updatedAtField: 'updated_at',
  })
  const { world, db, backend, writes } = await connect({ tasks }, postgrest(rows))
  const ids = db.tasks.insertMany(Array.from({ length: 1200 }, (_, at) => ({ title: `t${at}` })))
  await world.pass(5000)
  expect([backend.status.pending, rows.length, writes().length]).toEqual([0, 1200, 3])
  db.tasks.insertMany([{ title: 'x' }, { title: 'bad' }, { title: 'y' }])
  await world.pass(5000)
  expect([backend.outbox.failed().length, backend.status.pending, rows.length]).toEqual([1, 1, 1202])
  const before = writes().length
  db.transact(() => ids.slice(0, 150).forEach((id) => db.tasks.delete(id)))
  await world.pass(5000)
  expect([rows.length, writes().length - before, backend.status.pending]).toEqual([1052, 2, 1])
})

it('[O15] [X8] PostgREST: all rows are there, however few the service gives at a time, and whatever goes and moves meanwhile', async () => {
  const rowAt = (id: number, ms: number): Row => ({
    id,
    title: `t${id}`,
    done: false,
    updated_at: new Date(ms).toISOString(),
  })
  const rows = Array.from({ length: 250 }, (_, at) => rowAt(at + 1, 1e12 + at * 1000))
  let asked = 0
  const app = new Hono()
  app.use(async (_, next) => {
    await next()
    asked += 1
    // Between two pages, somebody deletes what was listed, and touches a row that was not.
    if (asked === 2) rows.splice(1, 3)
    if (asked === 2) Object.assign(rows.at(-1) as Row, { updated_at: new Date(1.5e12).toISOString() })
  })
  app.route('/', postgrest(rows, 40))
  const options = { url: 'http://x.example/tasks', fields: { projectId: false } as const }
  for (const times of [{}, { updatedAtField: 'updated_at' }]) {
    asked = 0
    rows.splice(250)
    const { world, db, backend } = await connect({ tasks: postgrestTable({ ...options, ...times }) }, app)
    const titles = () => db.tasks.all().map(({ title }) => title)
    const missing = () => rows.filter(({ title }) => !titles().includes(title as string))
    await world.pass(1000)
    expect([missing(), backend.problems()]).toEqual([[], []])
    // 120 of one transaction: they have one time.
    const first = (rows.at(-1)?.['id'] as number) + 1
    rows.push(...Array.from({ length: 120 }, (_, at) => rowAt(first + at, 2e12)))
    for (let pull = 0; pull < 2; pull++) await world.pass(120_000)
    expect(missing()).toEqual([])
    rows.push(rowAt(first + 120, 2e12 + 1000))
    await world.pass(120_000)
    expect(missing()).toEqual([])
  }
})

it('[X8] a list with pages is read to its end; one that says it is not whole is reported, and nothing deleted for it', async () => {
  const records = Array.from({ length: 5 }, (_, at) => ({ id: at + 1, title: `t${at}`, done: false }))
  let form: 'header' | 'body' | 'count' | 'whole' = 'header'
  const app = new Hono()
  app.get('/tasks', (context) => {
    const at = Number(context.req.query('page') ?? 0)
    const page = records.slice(at, at + 2)
    const next = at + 2 < records.length ? `/tasks?page=${at + 2}` : undefined
    if (form === 'whole') return context.json(records)
    if (form === 'header') return context.json(page, 200, next === undefined ? {} : { link: `<${next}>; rel="next"` })
    if (form === 'body') return context.json({ count: records.length, next: next ?? null, results: page })
    return context.json({ count: records.length, results: page })
  })
  const tasks = restTable({ url: 'http://x.example/tasks', fields: { projectId: false }, listChanges: { kind: 'all' } })
  const { world, db, backend } = await connect({ tasks }, app)
  await world.pass(100)
  const count = () => db.tasks.all().length
  expect(count()).toBe(5)
  form = 'body'
  records.splice(0, 1)
  await world.pass(120_000)
  expect([count(), backend.problems()]).toEqual([4, []])
  form = 'count'
  await world.pass(120_000)
  expect([count(), backend.problems().at(-1)?.message]).toEqual([
    4,
    expect.stringContaining('says that there are more'),
  ])
  form = 'whole'
  records.splice(0, 1)
  await world.pass(120_000)
  expect(count()).toBe(3)
})

it('[O15] bare functions: create, update, remove, get, pull', async () => {
  const records = new Map<number, RemoteRecord>()
  const called: string[] = []
  const recordOf = (id: RemoteId): RemoteRecord | undefined => records.get(Number(id))
  const { world, db, backend } = await connect({
    tasks: {
      fields: { projectId: false },
      async create(data) {
        called.push('create')
        records.set(records.size + 1, { ...data, id: records.size + 1 })
        return recordOf(records.size)
      },
      async update(id, data) {
        called.push('update')
        if (recordOf(id) === undefined) throw new AnswerError('none', { status: 404 })
        records.set(Number(id), { ...recordOf(id), ...data })
        return recordOf(id)
      },
      async remove(id) {
        called.push('remove')
        records.delete(Number(id))
      },
      get: async (id) => recordOf(id),
      pull: async () => ({ records: [...records.values()], cursor: undefined, more: false }),
    },
  })
  const [kept, gone] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }]) as [string, string]
  await world.pass(500)
  db.tasks.update(kept, { done: true })
  db.tasks.delete(gone)
  await world.pass(500)
  records.set(9, { id: 9, title: 'theirs', done: true })
  await world.pass(120_000)
  expect(called.toSorted()).toEqual(['create', 'create', 'remove', 'update'])
  expect([backend.status.pending, db.tasks.all().map(({ title, done }) => [title, done])]).toEqual([
    0,
    [
      ['a', true],
      ['theirs', true],
    ],
  ])
})

/** A relay's rows as DESIGN has them: ids given by whoever inserts, ETag and If-Match, Idempotency-Key, `?since=`, restore. */
const relayRows = () => {
  const rows = new Map<string, Row & { at: number }>()
  const answers = new Map<string, Response>()
  let change = 0
  const put = (id: string, row: Row): Row => {
    change += 1
    const stored = { ...row, id, at: change, etag: `"${change}"`, updatedAt: new Date(change).toISOString() }
    rows.set(id, stored)
    return stored
  }
  const app = new Hono()
  const url = '/v1/db/acme/:table'
  app.use(async (context, next) => {
    const key = context.req.method === 'GET' ? undefined : context.req.header('idempotency-key')
    const before = key === undefined ? undefined : answers.get(key)
    if (before !== undefined) return before.clone()
    await next()
    if (key !== undefined && context.res.ok) answers.set(key, context.res.clone())
    return undefined
  })
  const shown = ({ at: _, etag, ...row }: Row, status = 200): Response =>
    Response.json(row, { status, headers: { etag: String(etag) } })
  app.get(url, (context) => {
    const since = Number(context.req.query('since') ?? 0)
    const news = [...rows.values()].filter(({ at }) => at > since).sort((a, b) => a.at - b.at)
    const page = news.slice(0, 2)
    return context.json({ rows: page, cursor: String(page.at(-1)?.at ?? since), more: news.length > page.length })
  })
  app.get(`${url}/:id`, (context) => {
    const row = rows.get(context.req.param('id'))
    return row === undefined ? context.json({ error: 'row_not_found' }, 404) : shown(row)
  })
  app.post(url, async (context) => {
    const row = (await context.req.json()) as Row
    return shown(put(String(row['id']), { ...row, deletedAt: null }), 201)
  })
  const changed = async (id: string, expected: string | undefined, change: Row): Promise<Response> => {
    const row = rows.get(id)
    if (row === undefined) return Response.json({ error: 'row_not_found' }, { status: 404 })
    if (expected !== undefined && expected !== row['etag']) return Response.json({ error: 'stale' }, { status: 412 })
    return shown(put(id, { ...row, ...change }))
  }
  app.patch(`${url}/:id`, async (context) =>
    changed(context.req.param('id'), context.req.header('if-match'), (await context.req.json()) as Row),
  )
  app.delete(`${url}/:id`, (context) =>
    changed(context.req.param('id'), context.req.header('if-match'), { deletedAt: '2026-01-01T00:00:00Z' }),
  )
  app.post(`${url}/:id/restore`, async (context) =>
    changed(context.req.param('id'), undefined, { ...((await context.req.json()) as Row), deletedAt: null }),
  )
  return { app, rows, put }
}

it("[O15] a relay's rows: the same ids, ETags, deletes that are restored, what changed since", async () => {
  const { app, rows, put } = relayRows()
  const url = 'http://relay.example/v1/db/acme/tasks'
  const { world, db, backend, writes } = await connect(
    { tasks: relayRowsTable({ url, fields: { projectId: false } }) },
    app,
  )
  const [a, b, c3] = db.tasks.insertMany([{ title: 'a' }, { title: 'b' }, { title: 'c' }]) as [string, string, string]
  await world.pass(1000)
  expect([...rows.keys()].sort()).toEqual([a, b, c3].sort())
  db.tasks.update(a, { done: true })
  db.tasks.delete(b)
  await world.pass(1000)
  expect([rows.get(a)?.['done'], rows.get(b)?.['deletedAt'] !== null, backend.status.pending]).toEqual([true, true, 0])
  expect(writes().at(-1)?.headers.get('if-match')).toMatch(/^"\d+"$/)
  db.tasks.restore(b)
  // Somebody else changes another column meanwhile: 412, then both are kept.
  put(c3, { ...rows.get(c3), title: 'theirs' })
  db.tasks.update(c3, { done: true })
  put('0193d1ad-0000-7000-8000-000000000001', { title: 'new there', done: false, deletedAt: null })
  await world.pass(120_000)
  expect([rows.get(b)?.['deletedAt'], rows.get(c3)?.['title'], rows.get(c3)?.['done']]).toEqual([null, 'theirs', true])
  expect(db.tasks.get('0193d1ad-0000-7000-8000-000000000001')?.title).toBe('new there')
  expect([db.tasks.get(c3)?.title, backend.status.pending, backend.problems()]).toEqual(['theirs', 0, []])
})

// PostgREST, as Supabase has it, against a service that answers as it does.
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { connectBackend, postgrestTable } from './index.ts'
import { setUp } from './testing/setup.ts'
import { connect, type Row } from './testing/small-service.ts'

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

// A relay's rows as a backend, against a service that answers as a relay does.
import { Hono } from 'hono'
import { expect, it } from 'vitest'
import { relayRowsTable } from './index.ts'
import { connect, type Row } from './testing/small-service.ts'

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

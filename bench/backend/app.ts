// The reference backend: an ordinary REST service over PostgreSQL, with keys of its own, foreign keys, versions, tombstones and a fault
// switch. For tests, the bench and the demo. Knows Hono and SQL; nothing of Merrow.
import { Hono } from 'hono'
import type { Sql } from 'postgres'

/** What is to go wrong, each with a chance from 0 to 1. */
export interface BackendFaults {
  /** Answers that are lost after the commit. */
  answerLost: number
  status429: number
  status500: number
  status401: number
  /** Most milliseconds that an answer is held back: later ones overtake it. */
  delayMs: number
}

/** A backend's collections: columns with their SQL types, and references among them. */
export type Collections = Readonly<Record<string, Readonly<Record<string, string>>>>

/** What {@link createBackendApp} takes. */
export interface BackendAppOptions {
  readonly sql: Sql
  readonly collections: Collections
  readonly random?: () => number
}

type Row = Record<string, unknown>

/** Makes the tables of a backend in the connection's schema. Integer keys; every change takes the next number of one sequence. */
export const migrateBackend = async (sql: Sql, collections: Collections): Promise<void> => {
  await sql`create sequence if not exists changes`
  await sql`create table if not exists answers (key text primary key, status int not null, body jsonb)`
  for (const [name, columns] of Object.entries(collections)) {
    const declared = Object.entries(columns).map(([column, type]) => `"${column}" ${type}`)
    await sql.unsafe(
      `create table if not exists "${name}" (id bigint generated always as identity primary key, version int not null default 1,
       change bigint not null default nextval('changes'), deleted boolean not null default false,
       updated_at timestamptz not null default clock_timestamp(), ${declared.join(', ')})`,
    )
  }
}

/** The service. `faults` may be changed at any time; `loseCursors` refuses all cursors given out so far. */
export const createBackendApp = ({ sql, collections, random = Math.random }: BackendAppOptions) => {
  const faults: BackendFaults = { answerLost: 0, status429: 0, status500: 0, status401: 0, delayMs: 0 }
  let epoch = 1
  const app = new Hono()
  app.use(async (context, next) => {
    if (random() < faults.status429) return context.json({ error: 'slow down' }, 429, { 'retry-after': '1' })
    if (random() < faults.status500) return context.json({ error: 'oh' }, 500)
    if (random() < faults.status401) return context.json({ error: 'token' }, 401)
    await next()
    if (faults.delayMs > 0) await new Promise((resolve) => setTimeout(resolve, random() * faults.delayMs))
    if (random() < faults.answerLost) context.res = new Response('gone', { status: 502 })
    return undefined
  })
  app.get('/:table', async (context) => {
    const table = known(context.req.param('table'))
    const [given, after] = (context.req.query('after') ?? `${epoch}.0`).split('.').map(Number)
    if (given !== epoch) return context.json({ error: 'this cursor is not known any more' }, 410)
    // What commits late may have an early number: nothing beyond the oldest transaction that still runs is shown.
    const rows: Row[] = await sql.unsafe(`select * from "${table}" where change > $1 order by change limit 201`, [
      after ?? 0,
    ])
    const page = rows.slice(0, 200)
    return context.json({
      records: page.filter(({ deleted }) => deleted === false).map(shown),
      deleted: page.filter(({ deleted }) => deleted === true).map(({ id }) => Number(id)),
      cursor: `${epoch}.${page.at(-1)?.['change'] ?? after ?? 0}`,
      more: rows.length > page.length,
    })
  })
  app.get('/:table/:id', async (context) => {
    const [row] = await one(sql, known(context.req.param('table')), context.req.param('id'))
    return row === undefined ? context.json({ error: 'no such record' }, 404) : context.json(shown(row))
  })
  app.on(['POST', 'PATCH', 'DELETE'], ['/:table', '/:table/:id'], async (context) => {
    const table = known(context.req.param('table') ?? '')
    const { method } = context.req
    const body: Row = method === 'DELETE' ? {} : await context.req.json()
    const request = { table, id: context.req.param('id'), method, body, ifMatch: context.req.header('if-match') }
    const answer = await once(sql, context.req.header('idempotency-key'), (transaction) => write(transaction, request))
    return answer.body === null ? context.body(null, 204) : context.json(answer.body, answer.status as 200)
  })
  const known = (table: string): string => {
    if (Object.hasOwn(collections, table)) return table
    throw new Error(`no collection ${table}`)
  }
  const write = async (transaction: Sql, { table, id, method, body, ifMatch }: WriteRequest): Promise<Answer> => {
    const columns = Object.keys(collections[table] ?? {}).filter((column) => column in body)
    const values = columns.map((column) => body[column] as never)
    try {
      if (method === 'POST') {
        const places = columns.map((_, at) => `$${at + 1}`)
        const names = columns.map((column) => `"${column}"`)
        const [row] = await transaction.unsafe(
          `insert into "${table}" (${names}) values (${places}) returning *`,
          values,
        )
        return { status: 201, body: shown(row as Row) }
      }
      const [found] = await one(transaction, table, id ?? '', true)
      if (found === undefined) return { status: 404, body: { error: 'no such record' } }
      if (ifMatch !== undefined && ifMatch !== `"${found['version']}"`)
        return { status: 412, body: { error: 'version' } }
      const changes = columns.map((column, at) => `"${column}" = $${at + 2}`)
      if (method === 'DELETE') {
        if (await isReferred(transaction, collections, table, Number(id)))
          return { status: 422, body: { error: 'it is referred to' } }
        changes.push('deleted = true')
      }
      const [row] = await transaction.unsafe(
        `update "${table}" set ${[...changes, 'version = version + 1', "change = nextval('changes')", 'updated_at = clock_timestamp()']} where id = $1 returning *`,
        [Number(id), ...values],
      )
      return method === 'DELETE' ? { status: 204, body: null } : { status: 200, body: shown(row as Row) }
    } catch (error) {
      const code = (error as { code?: string }).code ?? ''
      if (code.startsWith('23'))
        throw new Refused({ status: code === '23505' ? 409 : 422, body: { error: String(error) } })
      throw error
    }
  }
  return {
    fetch: (request: Request) => app.fetch(request),
    faults,
    loseCursors: () => {
      epoch += 1
    },
  }
}

interface WriteRequest {
  readonly table: string
  readonly id: string | undefined
  readonly method: string
  readonly body: Row
  readonly ifMatch: string | undefined
}

interface Answer {
  readonly status: number
  readonly body: Row | null
}

/** Takes a transaction back with an answer. */
class Refused extends Error {
  readonly answer: Answer
  constructor(answer: Answer) {
    super('refused')
    this.answer = answer
  }
}

/** Does a write once for a key, whatever how often it is asked for; the answer is kept in the same transaction. */
const once = async (
  sql: Sql,
  key: string | undefined,
  work: (transaction: Sql) => Promise<Answer>,
): Promise<Answer> => {
  try {
    return (await sql.begin(async (transaction) => {
      // One writer at a time, so that change numbers are committed in order and no reader passes one by.
      await transaction`select pg_advisory_xact_lock(hashtext(current_schema()))`
      const [before] = key === undefined ? [] : await transaction`select status, body from answers where key = ${key}`
      if (before !== undefined) return { status: before['status'], body: before['body'] }
      const answer = await work(transaction as unknown as Sql)
      if (key !== undefined && answer.status < 400)
        await transaction`insert into answers (key, status, body) values (${key}, ${answer.status}, ${transaction.json(answer.body as never)})`
      return answer
    })) as Answer
  } catch (error) {
    if (error instanceof Refused) return error.answer
    throw error
  }
}

const one = async (sql: Sql, table: string, id: string, lock = false): Promise<Row[]> =>
  sql.unsafe(`select * from "${table}" where id = $1 and not deleted ${lock ? 'for update' : ''}`, [Number(id)])

const isReferred = async (sql: Sql, collections: Collections, table: string, id: number): Promise<boolean> => {
  for (const [other, columns] of Object.entries(collections))
    for (const [column, type] of Object.entries(columns)) {
      if (!new RegExp(`references "?${table}"?\\b`).test(type)) continue
      const [row] = await sql.unsafe(`select 1 from "${other}" where "${column}" = $1 and not deleted limit 1`, [id])
      if (row !== undefined) return true
    }
  return false
}

const shown = ({ change: _, deleted: __, id, ...row }: Row): Row => ({
  id: Number(id),
  ...Object.fromEntries(
    Object.entries(row).map(([name, value]) => [
      name,
      typeof value === 'string' && /^\d+$/.test(value) && name.endsWith('_id') ? Number(value) : value,
    ]),
  ),
})

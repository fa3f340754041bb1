// Two replicas against the reference backend on a real PostgreSQL, with faults; and against npm json-server as it is.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import postgres, { type Sql } from 'postgres'
import { expect, it, onTestFinished } from 'vitest'
import { type Backend, connectBackend, jsonServerTable, restTable } from '../../src/backend/index.ts'
import { column as c, createDatabase, defineSchema, table } from '../../src/index.ts'
import { createBackendApp, migrateBackend } from './app.ts'

const URL_OF_POSTGRES = process.env['MERROW_POSTGRES'] ?? 'postgres://postgres@127.0.0.1:5432/test'
const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() }),
})
const COLLECTIONS = {
  projects: { name: 'text not null' },
  tasks: { title: 'text not null', done: 'boolean not null', project_id: 'bigint references projects' },
}

/** A schema of its own in PostgreSQL, gone after the test; undefined where there is no PostgreSQL. */
const openSql = async (): Promise<Sql | undefined> => {
  const name = `merrow_${crypto.randomUUID().slice(0, 8)}`
  const sql = postgres(URL_OF_POSTGRES, { connection: { search_path: name }, onnotice: () => {}, connect_timeout: 3 })
  try {
    await sql.unsafe(`create schema ${name}`)
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    return undefined
  }
  onTestFinished(async () => {
    await sql.unsafe(`drop schema ${name} cascade`)
    await sql.end()
  })
  return sql
}

const until = async (isSo: () => boolean, what: string): Promise<void> => {
  // Waits double at every failure, and a fifth of all requests fails.
  const endMs = Date.now() + 150_000
  while (!isSo()) {
    if (Date.now() > endMs) throw new Error(`not in time: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}

it('[O12] a faulty backend on PostgreSQL ends up with each write once, keys in order', {
  timeout: 180_000,
}, async ({ skip }) => {
  const sql = await openSql()
  if (sql === undefined) return skip(`no PostgreSQL at ${URL_OF_POSTGRES}: nothing was tested`)
  await migrateBackend(sql, COLLECTIONS)
  const app = createBackendApp({ sql, collections: COLLECTIONS })
  const open = async (user: string) => {
    const db = await createDatabase({ name: 'pg', schema, user })
    const listChanges = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const
    const mapping = { versionField: 'version', updatedAtField: 'updated_at', listChanges }
    const backend = await connectBackend(
      db,
      {
        projects: restTable({ url: 'http://backend/projects', ...mapping }),
        tasks: restTable({ url: 'http://backend/tasks', fields: { projectId: 'project_id' }, ...mapping }),
      },
      {
        fetch: async (input, init) => app.fetch(new Request(input, init)),
        pollMs: 200,
        freshMs: 1000,
        maxTries: 100,
        token: 't',
      },
    )
    onTestFinished(() => db.close())
    return { db, backend }
  }
  const [a, b] = [await open('a'), await open('b')]
  Object.assign(app.faults, { answerLost: 0.08, status500: 0.03, status429: 0.02, delayMs: 5 })
  for (let at = 0; at < 20; at++) {
    const { db } = at % 2 === 0 ? a : b
    const projectId = db.projects.insert({ name: `p${at}` })
    const id = db.tasks.insert({ title: `t${at}`, projectId })
    db.tasks.update(id, { done: true })
  }
  const isDone = ({ backend }: { backend: Backend }): boolean => backend.status.pending === 0
  const nudge = setInterval(() => [a, b].forEach(({ backend }) => backend.resume()), 100)
  onTestFinished(() => clearInterval(nudge))
  await until(
    () => isDone(a) && isDone(b),
    JSON.stringify([...a.backend.outbox.list(), ...b.backend.outbox.list()].slice(0, 2)),
  )
  Object.assign(app.faults, { answerLost: 0, status500: 0, status429: 0, delayMs: 0 })
  await until(
    () => [a, b].every(({ db }) => db.tasks.all().length === 20 && db.projects.all().length === 20),
    'both see all',
  )
  const rows =
    await sql`select t.title, t.done, p.name from tasks t join projects p on p.id = t.project_id order by t.id`
  expect([...rows].map(({ title }) => title).sort()).toEqual(Array.from({ length: 20 }, (_, at) => `t${at}`).sort())
  expect(rows.every(({ title, name, done }) => done && name === `p${String(title).slice(1)}`)).toBe(true)
})

it('[O13] npm json-server, as it is: inserts, references, edits, deletes', { timeout: 60_000 }, async () => {
  const folder = mkdtempSync(join(tmpdir(), 'merrow-json-server-'))
  writeFileSync(join(folder, 'db.json'), JSON.stringify({ projects: [{ id: 1, name: 'theirs' }], tasks: [] }))
  const port = await freePort()
  const bin = createRequire(import.meta.url).resolve('json-server/lib/cli/bin.js')
  const server = spawn(process.execPath, [
    bin,
    join(folder, 'db.json'),
    '--port',
    String(port),
    '--host',
    '127.0.0.1',
    '--quiet',
  ])
  onTestFinished(() => {
    server.kill()
    rmSync(folder, { recursive: true, force: true })
  })
  const url = `http://127.0.0.1:${port}`
  const db = await createDatabase({ name: 'js', schema })
  const backend = await connectBackend(
    db,
    {
      projects: jsonServerTable({ url: `${url}/projects`, localIdField: 'clientId' }),
      tasks: jsonServerTable({ url: `${url}/tasks`, localIdField: 'clientId' }),
    },
    { pollMs: 300 },
  )
  onTestFinished(() => db.close())
  const nudge = setInterval(() => backend.status.connection === 'offline' && backend.resume(), 200)
  onTestFinished(() => clearInterval(nudge))
  await until(() => db.projects.all().length === 1, 'the first pull')
  const mine = db.projects.insert({ name: 'mine' })
  const [task, gone] = db.tasks.insertMany([{ title: 'a', projectId: mine }, { title: 'b' }]) as [string, string]
  await until(() => backend.status.pending === 0, 'inserts')
  db.tasks.update(task, { done: true })
  db.tasks.delete(gone)
  await until(() => backend.status.pending === 0, 'edits')
  const tasks = (await (await fetch(`${url}/tasks`)).json()) as object[]
  expect(tasks).toMatchObject([{ title: 'a', done: true, projectId: db.ids.remote('projects', mine) }])
  await fetch(`${url}/projects/1`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json' },
    body: '{"name":"theirs again"}',
  })
  await until(() => db.projects.all().some(({ name }) => name === 'theirs again'), 'their edit')
})

const freePort = (): Promise<number> =>
  new Promise((resolve) => {
    const probe = createServer().listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number }
      probe.close(() => resolve(port))
    })
  })

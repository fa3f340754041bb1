// A database that is connected to a small service, written as that kind of service answers. Builds; asserts nothing.
import type { Hono } from 'hono'
import { column as c, createDatabase, defineSchema, table } from '../../index.ts'
import { type BackendTables, connectBackend } from '../index.ts'
import { Process, World } from './world.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() }),
})

/** A record as such services have them. */
export type Row = Record<string, unknown>

/** Connects; a service that is not there answers 500. */
export const connect = async (tables: BackendTables<typeof schema>, app?: Hono) => {
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

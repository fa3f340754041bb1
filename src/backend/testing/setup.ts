// A database, a backend in memory and a world of their own time, for tests of single behaviours. Builds; asserts nothing.
import type * as Y from 'yjs'
import { column as c, createDatabase, defineSchema, table } from '../../index.ts'
import { documentsAdapter } from '../../table/testing/replicas.ts'
import { type BackendOptions, connectBackend, type RestTableOptions, restTable } from '../index.ts'
import { FakeBackend, type FakeRequest } from './fake-backend.ts'
import { Disk, Process, World } from './world.ts'

export const schema = defineSchema({
  projects: table({ name: c.string(), parentId: c.ref('projects').optional() }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    note: c.string().optional(),
    projectId: c.ref('projects').optional(),
  }),
})

/** How a set-up may differ. */
export interface SetupOptions {
  readonly mapping?: Partial<RestTableOptions>
  readonly options?: BackendOptions
  readonly disk?: Disk
  readonly fake?: FakeBackend
  readonly world?: World
  readonly documents?: Map<string, Y.Doc>
}

/** Opens a database that is connected to a backend, and lets the first pull happen. */
export const setUp = async ({ mapping = {}, options = {}, ...given }: SetupOptions = {}) => {
  const world = given.world ?? new World(1)
  const references = { projects: { parent_id: 'projects' }, tasks: { project_id: 'projects' } }
  const fake = given.fake ?? new FakeBackend({ tables: references, now: () => world.nowMs, pageSize: 100 })
  const disk = given.disk ?? new Disk()
  const process = new Process(world)
  const sync = documentsAdapter(given.documents ?? new Map())
  const requests: FakeRequest[] = []
  fake.onRequest = (request) => requests.push(request)
  const wait = async <T>(promise: Promise<T>): Promise<T> => {
    await world.pass(5)
    return promise
  }
  const storage = disk.adapter(process, () => 1)
  const db = await wait(createDatabase({ name: 'test', schema, storage, sync, now: () => world.nowMs }))
  const listChanges = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const
  const backend = await wait(
    connectBackend(
      db,
      {
        projects: restTable({
          url: 'http://backend/projects',
          fields: { parentId: 'parent_id' },
          listChanges,
          ...mapping,
        }),
        tasks: restTable({ url: 'http://backend/tasks', fields: { projectId: 'project_id' }, listChanges, ...mapping }),
      },
      {
        fetch: process.fetch(fake),
        timers: process.timers,
        random: () => 0.5,
        token: () => String(world.token),
        ...options,
      },
    ),
  )
  await world.pass(50)
  requests.length = 0
  const writes = (): FakeRequest[] => requests.filter(({ method }) => method !== 'GET')
  return { world, fake, disk, process, db, backend, requests, writes }
}

// Bridges beside a real relay: they send for all, take turns by its lease, and go on with one outbox.
import { expect, it, onTestFinished } from 'vitest'
import { createRelay, openMemoryLog } from '../../../server/index.ts'
import { column as c, createDatabase, type Database, defineSchema, table } from '../../index.ts'
import { relay } from '../../sync/index.ts'
import { type BackendOptions, connectBackend, type Operation, openBridgeOutbox, restTable } from '../index.ts'
import { FakeBackend, type FakeRequest } from '../testing/fake-backend.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() }),
})

/** One request, by whom and when. */
interface Seen {
  readonly by: string
  readonly method: string
  readonly key: string | null
}

const setUp = async () => {
  const { url, close } = await createRelay({ port: 0, log: openMemoryLog(), logger: () => {}, leaseMs: 500 })
  onTestFinished(close)
  const fake = new FakeBackend({ tables: { projects: {}, tasks: { project_id: 'projects' } }, now: Date.now })
  const seen: Seen[] = []
  /** Names of bridges whose answers do not come. */
  const deaf = new Set<string>()
  const fetchAs =
    (by: string): typeof fetch =>
    async (input, init) => {
      const { pathname: path, searchParams: query } = new URL(String(input))
      const headers = new Headers(init?.headers)
      const method = init?.method ?? 'GET'
      if (method !== 'GET') seen.push({ by, method, key: headers.get('idempotency-key') })
      const body = init?.body === undefined ? undefined : JSON.parse(String(init.body))
      const request: FakeRequest = { method, path, query, headers, body }
      const answer = fake.handle(request)
      if (deaf.has(by)) await new Promise(() => {})
      return new Response(answer.body === undefined ? null : JSON.stringify(answer.body), { status: answer.status })
    }
  const listChanges = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const
  const tables = {
    projects: restTable({ url: 'http://b/projects', listChanges }),
    tasks: restTable({ url: 'http://b/tasks', fields: { projectId: 'project_id' }, listChanges }),
  }
  const open = async (name: string, options: BackendOptions) => {
    const sync = relay({ url, random: () => 0 })
    const db = await createDatabase({ name: 'acme', schema, sync, user: name })
    onTestFinished(() => db.close())
    const backend = await connectBackend(db, tables, { fetch: fetchAs(name), pollMs: 100, token: '1', ...options })
    return { db, backend }
  }
  return {
    ...{ fake, seen, deaf },
    bridge: (name: string) => open(name, { isBridge: true }),
    device: (name: string) => open(name, { sender: 'bridge' }),
    operator: async (timeoutMs?: number) => {
      const db = await createDatabase({ name: 'acme', schema, sync: relay({ url, random: () => 0 }) })
      onTestFinished(() => db.close())
      return openBridgeOutbox(db, { tables, ...(timeoutMs === undefined ? {} : { timeoutMs }) })
    },
    live: () => fake.live('tasks').map(({ fields }) => fields['title']),
  }
}

const until = async (what: string, claim: () => boolean): Promise<void> => {
  const endMs = Date.now() + 10_000
  while (!claim()) {
    if (Date.now() > endMs) throw new Error(`It never came to pass: ${what}.`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

const leads = ({ backend }: { backend: { status: { connection: string } } }): boolean =>
  backend.status.connection === 'online'

const write = (db: Database<typeof schema>, name: string): string => {
  const projectId = db.projects.insert({ name })
  return db.tasks.insert({ title: name, projectId })
}

it('[O19] a bridge sends what devices write, and pulls for them; they send nothing', async () => {
  const { bridge, device, live, fake, seen } = await setUp()
  const [ann, ben] = [await device('ann'), await device('ben')]
  const before = write(ann.db, 'before')
  const a = await bridge('a')
  await until('it is sent', () => live().length === 1)
  const id = write(ben.db, 'mine')
  await until('the device learns of it', () => ben.db.ids.remote('tasks', id) !== undefined)
  ben.db.tasks.update(before, { done: true })
  await until('the edit', () => fake.live('tasks').some(({ fields }) => fields['done'] === true))
  fake.handle({
    ...{ method: 'POST', path: '/tasks', query: new URLSearchParams() },
    headers: new Headers({ authorization: 'Bearer 1' }),
    body: { title: 'theirs' },
  })
  await until('the device has theirs', () => ann.db.tasks.all().length === 3)
  ann.db.tasks.delete(id)
  await until('the delete', () => live().length === 2)
  await until('all is sent', () => a.backend.status.pending === 0)
  expect(seen.filter(({ by }) => by !== 'a')).toEqual([])
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
  expect([ann.backend.status.connection, ann.db.tasks.status(before)]).toEqual(['waiting', 'synced'])
  // Nothing of its own was ever taken for a write.
  expect(seen.map(({ method }) => method).sort()).toEqual(['DELETE', 'PATCH', 'POST', 'POST', 'POST', 'POST'])
})

it('[O26] of two bridges one sends; the other goes on with its operations, under their ids, when it is cut off', async () => {
  const { bridge, device, live, fake, seen, deaf } = await setUp()
  const ann = await device('ann')
  const a = await bridge('a')
  await until('a leads', () => leads(a))
  const b = await bridge('b')
  const first = write(ann.db, 'first')
  await until('it is sent', () => ann.db.ids.remote('tasks', first) !== undefined)
  // Its request has an effect, and the answer never comes.
  deaf.add('a')
  write(ann.db, 'second')
  await until('the effect', () => fake.live('projects').length === 2)
  a.db.disconnect()
  ann.db.tasks.update(first, { title: 'edited' })
  await until('b leads', () => leads(b))
  await until('b sends', () => live().includes('second') && live().includes('edited'))
  await until('nothing waits', () => b.backend.status.pending === 0)
  expect(leads(a)).toBe(false)
  const begin = seen.findIndex(({ by }) => by === 'b')
  expect(seen.slice(begin).every(({ by }) => by === 'b')).toBe(true)
  const [last] = seen.slice(0, begin).slice(-1)
  expect(seen.slice(begin).some(({ key }) => key === last?.key)).toBe(true)
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
  // Late news from the one that was cut off change nothing.
  a.db.connect()
  write(ann.db, 'third')
  await until('it is sent', () => live().includes('third') && b.backend.status.pending === 0)
  expect(live().sort()).toEqual(['edited', 'second', 'third'])
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)
})

it('[O26] a bridge that ends gives the lease back, and the other goes on', async () => {
  const { bridge, device, live } = await setUp()
  const ann = await device('ann')
  const a = await bridge('a')
  await until('a leads', () => leads(a))
  const b = await bridge('b')
  write(ann.db, 'first')
  await until('it is sent', () => live().length === 1)
  await a.db.close()
  write(ann.db, 'second')
  await until('b sends', () => live().length === 2)
  expect(leads(b)).toBe(true)
})

it('[O27] who writes a row anew has its failed operation sent again; who deletes it takes it back', async () => {
  const { bridge, device, live, fake } = await setUp()
  const ann = await device('ann')
  const [a, b] = [await bridge('a'), await bridge('b')]
  await until('one leads', () => leads(a) || leads(b))
  const [leader, other] = leads(a) ? [a, b] : [b, a]
  const [mended, deleted] = [ann.db.tasks.insert({ title: 'poison' }), ann.db.tasks.insert({ title: 'poison' })]
  await until('both are refused', () => leader.backend.outbox.failed().length === 2)
  const [failed] = leader.backend.outbox.failed() as [Operation]
  expect(() => other.backend.outbox.retry(failed)).toThrow(/another bridge holds the lease/)
  ann.db.tasks.update(mended, { title: 'mended' })
  ann.db.tasks.delete(deleted)
  await until('it is sent', () => live().includes('mended'))
  await until('nothing waits', () => leader.backend.status.pending === 0)
  expect([...(fake.tables.get('tasks')?.values() ?? [])]).toHaveLength(1)
})

it('[O28] an operator anywhere sees the dead letter of the bridge that leads, with what waits for it, and has it sent again, mended or given up', async () => {
  const { bridge, device, operator, live } = await setUp()
  const ann = await device('ann')
  const [a, b] = [await bridge('a'), await bridge('b')]
  await until('one leads', () => leads(a) || leads(b))
  const leader = leads(a) ? a : b
  const poison = ann.db.projects.insert({ name: 'poison' })
  const waiting = ann.db.tasks.insert({ title: 'waits', projectId: poison })
  const [mended, edited] = [ann.db.tasks.insert({ title: 'poison' }), ann.db.tasks.insert({ title: 'poison' })]
  await until('three are refused', () => leader.backend.outbox.failed().length === 3)
  await leader.db.acknowledged()

  const outbox = await operator()
  const [project, first, second] = outbox.failed() as [Operation, Operation, Operation]
  expect([project.row, first.row, second.row]).toEqual([poison, mended, edited])
  expect(project.failure).toMatchObject({ kind: 'refused', status: 422, request: { name: 'poison' } })
  expect(outbox.dependants(project).map(({ row }) => row)).toEqual([waiting])

  await outbox.edit(second, { title: 'edited', done: true })
  await until('it is sent', () => live().includes('edited'))
  await outbox.retry(first)
  const again = () => outbox.failed().find(({ row, id }) => row === mended && id !== first.id)
  await until('it is refused again, under another id', () => again() !== undefined)
  await expect(outbox.discard(project)).rejects.toThrow(/1 operations wait for this one/)
  await outbox.discard(project, { withDependants: true })
  await until('it is gone everywhere', () => ann.db.projects.get(poison) === undefined)
  expect([ann.db.tasks.get(waiting), ann.db.tasks.get(edited)?.done]).toEqual([undefined, true])
  await expect(outbox.edit(again() as Operation, { nonsense: 1 })).rejects.toThrow(/nonsense/)
  await expect(outbox.retry(project)).rejects.toThrow(/no operation/)
  await until('it is heard here', () => outbox.failed().length === 1)
  expect(outbox.trace().map(({ outcome }) => outcome)).toEqual(['done', 'discarded', 'discarded'])
})

it('[O28] with no bridge that leads, the dead letter can be read, and a request is withdrawn when its time is over', async () => {
  const { bridge, device, operator, live } = await setUp()
  const ann = await device('ann')
  const a = await bridge('a')
  ann.db.tasks.insert({ title: 'poison' })
  await until('it is refused', () => a.backend.outbox.failed().length === 1)
  await a.db.acknowledged()
  await a.db.close()
  const outbox = await operator(20)
  const [failed] = outbox.failed() as [Operation]
  await expect(outbox.discard(failed)).rejects.toMatchObject({ code: 'relay_unreachable' })
  const b = await bridge('b')
  ann.db.tasks.insert({ title: 'next' })
  await until('another bridge works', () => live().includes('next'))
  expect(b.backend.outbox.failed().map(({ id }) => id)).toEqual([failed.id])
})

it('[C1] two backends of one database both hear of links that others make', async () => {
  const { bridge, device } = await setUp()
  const ann = await device('ann')
  await connectBackend(
    ann.db,
    { projects: restTable({ url: 'http://b/projects' }) },
    { name: 'other', sender: 'bridge' },
  )
  await bridge('a')
  const id = ann.db.tasks.insert({ title: 'a' })
  await until('the first one hears', () => ann.db.ids.remote('tasks', id, 'backend') !== undefined)
})

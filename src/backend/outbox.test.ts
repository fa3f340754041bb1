// The outbox: what becomes of writes until they are sent, against a backend in memory, in a time of its own.
import { expect, it } from 'vitest'
import { hostOf } from './host.ts'
import { setUp } from './testing/setup.ts'
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

it('[O25] what was written in this turn is pending, and in the list; not within the transaction', async () => {
  const { db, backend } = await setUp()
  const id = db.tasks.insert({ title: 'a' })
  expect([backend.status.pending, backend.outbox.list().map(({ row }) => row)]).toEqual([1, [id]])
  const other = db.tasks.insert({ title: 'b' })
  expect([db.tasks.status(other), backend.outbox.list().length]).toEqual(['pending', 2])
  const counts = db.transact(() => {
    db.tasks.insert({ title: 'c' })
    return [backend.status.pending, backend.outbox.list().length]
  })
  expect([counts, backend.status.pending]).toEqual([[2, 2], 3])
})

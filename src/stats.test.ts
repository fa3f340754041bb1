// Laws of what `db.stats()` counts.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { column as c, defineSchema, table } from './index.ts'
import { exchange } from './rowlog/testing/exchange.ts'
import { openReplica, testClock } from './table/testing/replicas.ts'

const schema = defineSchema({ tasks: table({ title: c.string(), done: c.boolean().default(false) }) })
const open = (clock = testClock()) => openReplica(schema, { now: clock.now })
type Replica = Awaited<ReturnType<typeof open>>
const encoded = ({ documents }: Replica): Uint8Array => Y.encodeStateAsUpdate(documents.get('test/tasks') as Y.Doc)

it('[R6] rows are counted, and live and dead bytes are all bytes of the document', async () => {
  const a = await open()
  const ids = a.db.tasks.insertMany(Array.from({ length: 300 }, (_, at) => ({ title: `task number ${at}` })))
  a.db.tasks.delete(ids[0] as string)
  a.db.tasks.purge(ids[1] as string)
  await a.db.saved()
  const { tasks } = a.db.stats()
  expect(tasks).toMatchObject({ rows: 298, softDeletedRows: 1, segments: 2, replicas: 1, orphans: 0, refused: 0 })
  expect(tasks.liveBytes + tasks.deadBytes).toBe(encoded(a).length)
  expect(tasks.deadBytes).toBeLessThan(500)
})

it('[R7] what later writes replace becomes dead, goes, and the time of the compaction is told', async () => {
  const clock = testClock(5000)
  const a = await open(clock)
  const id = a.db.tasks.insert({ title: 'a' })
  await a.db.saved()
  const before = a.db.stats().tasks
  expect(before.lastCompactionMs).toBeUndefined()
  for (let at = 0; at < 600; at++) {
    clock.nowMs += 1
    a.db.tasks.update(id, { title: 'b', done: at % 2 === 0 })
    await a.db.saved()
  }
  const { lastCompactionMs, liveBytes, segments, replicas } = a.db.stats().tasks
  expect(lastCompactionMs).toBeGreaterThan(5000)
  expect([liveBytes < 3 * before.liveBytes, segments <= 3, replicas]).toEqual([true, true, 1])
})

it('[R8] what reaches a purged row is kept, not shown, and counted', async () => {
  const clock = testClock()
  const [a, b] = [await open(clock), await open(clock)]
  const id = a.db.tasks.insert({ title: 'a' })
  await exchange(a, b)
  clock.nowMs += 10
  a.db.tasks.purge(id)
  await a.db.saved()
  clock.nowMs += 10
  b.db.tasks.update(id, { title: 'late' })
  await exchange(a, b)
  for (const { db } of [a, b]) {
    expect(db.tasks.get(id, { withDeleted: true })).toBeUndefined()
    expect(db.stats().tasks).toMatchObject({ rows: 0, orphans: 1 })
  }
})

it('[R9] patches from the far future and pieces that cannot be read are counted; the rest of the table works', async () => {
  const clock = testClock()
  const ahead = testClock(clock.nowMs + 3_600_000)
  const [a, b] = [await open(clock), await open(ahead)]
  const id = b.db.tasks.insert({ title: 'from tomorrow' })
  const nonsense = b.documents.get('test/tasks')?.getArray<unknown>('log')
  await b.db.saved()
  nonsense?.push(['no segment', 5])
  await exchange(a, b)
  expect(a.db.stats().tasks).toMatchObject({ rows: 1, fromTheFuture: 1, refused: 2 })
  expect(a.db.status.refused).toBe(2)
  a.db.tasks.update(id, { title: 'now', done: true })
  await exchange(a, b)
  expect([a.db.tasks.get(id)?.title, b.db.tasks.get(id)?.title]).toEqual(['now', 'now'])
  expect(a.db.stats().tasks).toMatchObject({ rows: 1, fromTheFuture: 0 })
})

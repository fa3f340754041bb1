// Laws of what is known of a row beside its columns: who wrote it, and how far this device's writes of it have come.
import { afterEach, expect, it } from 'vitest'
import { createRelay, openMemoryLog } from '../server/index.ts'
import { column as c, createDatabase, type Database, defineSchema, MerrowError, table } from './index.ts'
import { exchange } from './rowlog/testing/exchange.ts'
import { memory, type StorageAdapter } from './storage/index.ts'
import { relay } from './sync/index.ts'
import { openReplica, testClock } from './table/testing/replicas.ts'

const schema = defineSchema({ tasks: table({ title: c.string(), done: c.boolean().default(false) }) })
type Options = Partial<Parameters<typeof createDatabase<typeof schema>>[0]>

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})
const open = async (options: Options = {}): Promise<Database<typeof schema>> => {
  const db = await createDatabase({ name: 'acme', schema, ...options })
  closers.push(() => db.close())
  return db
}
const startRelay = async (): Promise<string> => {
  const started = await createRelay({ port: 0, log: openMemoryLog() })
  closers.push(() => started.close())
  return started.url
}

it('[R1] meta names who made a row and who wrote it last, and when; of an unknown row it is undefined', async () => {
  const clock = testClock(1000)
  const [a, b] = [
    await openReplica(schema, { user: 'ann', now: clock.now }),
    await openReplica(schema, { user: 'ben', now: clock.now }),
  ]
  const id = a.db.tasks.insert({ title: 'a' })
  await exchange(a, b)
  clock.nowMs = 2000
  b.db.tasks.update(id, { done: true })
  await exchange(a, b)
  for (const { db } of [a, b])
    expect(db.tasks.meta(id)).toMatchObject({
      id,
      remoteId: undefined,
      created: { timeMs: 1000, author: 'ann' },
      updated: { timeMs: 2000, author: 'ben' },
    })
  a.db.tasks.remoteIdOf = (local) => (local === id ? '4711' : undefined)
  expect(a.db.tasks.meta(id)?.remoteId).toBe('4711')
  a.db.tasks.delete(id)
  expect(a.db.tasks.meta(id)?.updated.author).toBe('ann')
  a.db.tasks.purge(id)
  expect([a.db.tasks.meta(id), a.db.tasks.meta('nobody')]).toEqual([undefined, undefined])
})

it('[R2] a row is acknowledged once the relay has all that this device wrote to it, and no other row waits for it', async () => {
  const db = await open({ sync: relay({ url: await startRelay() }) })
  const [early, late] = [db.tasks.insert({ title: 'early' }), db.tasks.insert({ title: 'late' })]
  const states = () => [early, late].map((id) => db.tasks.meta(id)?.delivery)
  expect(states()).toEqual(['unsent', 'unsent'])
  await db.acknowledged()
  expect(states()).toEqual(['acknowledged', 'acknowledged'])
  db.disconnect()
  db.tasks.update(late, { done: true })
  await db.saved()
  expect(states()).toEqual(['acknowledged', 'unsent'])
  db.connect()
  await db.acknowledged()
  expect(states()).toEqual(['acknowledged', 'acknowledged'])
})

it("[R3] rows of others are not this device's to send; without a relay all its own are unsent", async () => {
  const url = await startRelay()
  const [a, b] = [await open({ sync: relay({ url }) }), await open({ sync: relay({ url }) })]
  const id = a.tasks.insert({ title: 'a' })
  await a.acknowledged()
  await new Promise<void>((resolve) => {
    if (b.tasks.get(id) !== undefined) resolve()
    else b.tasks.subscribe(() => resolve())
  })
  expect(b.tasks.meta(id)?.delivery).toBe('none')
  b.tasks.update(id, { done: true })
  await b.acknowledged()
  expect(b.tasks.meta(id)?.delivery).toBe('acknowledged')
  const alone = await open()
  expect(alone.tasks.meta(alone.tasks.insert({ title: 'x' }))?.delivery).toBe('unsent')
})

it('[R4] after reopening, the relay must be asked before anything is said to be there', async () => {
  const storage = memory()
  const first = await createDatabase({ name: 'acme', schema, storage })
  const id = first.tasks.insert({ title: 'offline' })
  await first.close()
  const db = await open({ storage, sync: relay({ url: await startRelay() }) })
  const fresh = db.tasks.insert({ title: 'new' })
  expect([db.tasks.meta(id)?.delivery, db.tasks.meta(fresh)?.delivery]).toEqual(['unknown', 'unsent'])
  await db.acknowledged()
  expect([db.tasks.meta(id)?.delivery, db.tasks.meta(fresh)?.delivery]).toEqual(['acknowledged', 'acknowledged'])
})

it('[R4] a row that was migrated here is on the relay with the rest, whatever is written to others since', async () => {
  const storage = memory()
  const first = await createDatabase({ name: 'acme', schema, storage })
  const [id, other] = first.tasks.insertMany([{ title: 'a' }, { title: 'b' }]) as [string, string]
  await first.close()
  const newer = defineSchema(
    { tasks: table({ title: c.string(), done: c.boolean().default(false) }) },
    { version: 2, migrations: [{ to: 2, tables: { tasks: ({ title }) => ({ title: `${title}!` }) } }] },
  )
  const db = await open({ schema: newer, storage, sync: relay({ url: await startRelay() }) })
  expect([db.tasks.get(id)?.title, db.tasks.meta(id)?.delivery]).toEqual(['a!', 'unknown'])
  await db.acknowledged()
  db.disconnect()
  db.tasks.update(other, { done: true })
  await db.saved()
  expect([db.tasks.meta(id)?.delivery, db.tasks.meta(other)?.delivery]).toEqual(['acknowledged', 'unsent'])
})

it('[R5] a row is saved once storage has all that this run wrote to it', async () => {
  const { adapter, refuse } = refusing()
  const db = await open({ storage: adapter })
  const [early, late] = [db.tasks.insert({ title: 'early' }), db.tasks.insert({ title: 'late' })]
  const states = () => [early, late].map((id) => db.tasks.meta(id)?.isSaved)
  expect(states()).toEqual([false, false])
  await db.saved()
  expect(states()).toEqual([true, true])
  refuse(true)
  db.tasks.update(late, { done: true })
  await expect(db.saved()).rejects.toMatchObject({ code: 'storage_full' })
  expect(states()).toEqual([true, false])
  refuse(false)
  await db.saved()
  expect(states()).toEqual([true, true])
})

/** Memory that refuses appends when told to. */
const refusing = () => {
  let isFull = false
  const inner = memory()
  const adapter: StorageAdapter = {
    async open(context) {
      const storage = await inner.open(context)
      const append = storage.append.bind(storage)
      return Object.assign(storage, {
        async append(batch: Parameters<typeof append>[0]) {
          if (isFull) throw new MerrowError('storage_full', 'full')
          return append(batch)
        },
      })
    },
  }
  const refuse = (full: boolean): void => {
    isFull = full
  }
  return { adapter, refuse }
}

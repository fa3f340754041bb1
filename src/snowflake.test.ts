// Laws of Snowflake ids, alone and as ids of rows.
import { afterEach, expect, it } from 'vitest'
import { createRelay, openMemoryLog } from '../server/index.ts'
import { type BulkInsert, openBulkInsert } from './bulk-insert.ts'
import { type RandomBytes, systemRandom } from './ids.ts'
import { column as c, createDatabase, type Database, defineSchema, snowflake, table } from './index.ts'
import { memory } from './storage/index.ts'
import { relay } from './sync/index.ts'

const NOW_MS = Date.UTC(2026, 10, 27)
const EPOCH_MS = 1_288_834_974_657n
const schema = defineSchema({ tasks: table({ title: c.string() }) })

const closers: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const timeOf = (id: string): number => Number((BigInt(id) >> 22n) + EPOCH_MS)
const workerOf = (id: string): number => Number((BigInt(id) >> 12n) & 1023n)
/** Random, but for what sequences begin with. */
const sameSequence: RandomBytes = (bytes) => (bytes.length === 2 ? bytes.fill(7) : systemRandom(bytes))
const zeros = (bytes: Uint8Array<ArrayBuffer>) => bytes.fill(0)

const open = async (
  options: Partial<Parameters<typeof createDatabase<typeof schema>>[0]>,
): Promise<Database<typeof schema>> => {
  const db = await createDatabase({ name: 'acme', schema, ...options })
  closers.push(() => db.close())
  return db
}

it('[I6] Snowflakes have 19 digits, their time and worker, and sort as text as they were made, whatever the clock does', () => {
  let nowMs = NOW_MS
  const make = snowflake({ worker: 1023 })(() => nowMs, systemRandom)
  const first = make()
  const ids = [first, ...Array.from({ length: 20_000 }, make)]
  nowMs -= 3_600_000
  ids.push(make(), make())
  nowMs += 7_200_000
  ids.push(make())
  expect([timeOf(first), timeOf(ids.at(-1) as string)]).toEqual([NOW_MS, nowMs])
  expect(new Set(ids.map(workerOf))).toEqual(new Set([1023]))
  expect(ids.every((id) => /^[1-9]\d{18}$/.test(id) && BigInt(id) < 2n ** 63n)).toBe(true)
  expect([...ids].sort()).toEqual(ids)
  expect(new Set(ids).size).toBe(ids.length)
  // A millisecond has at least 2,048 of them; what does not fit takes the next ones.
  expect(timeOf(ids[20_000] as string) - NOW_MS).toBeLessThan(20_000 / 2048)
})

it('[I6] the same clock and randomness give the same ones; without a worker one is drawn for each run', () => {
  const run = (random: RandomBytes = zeros) => snowflake()(() => NOW_MS, random)
  expect([run()(), run()()]).toEqual([run()(), run()()])
  const drawn = new Set(Array.from({ length: 50 }, () => workerOf(run(systemRandom)())))
  expect(drawn.size).toBeGreaterThan(30)
})

it('[I6] what is no worker is refused, and a clock of another time', () => {
  for (const worker of [-1, 1024, 1.5, Number.NaN])
    expect(() => snowflake({ worker }), String(worker)).toThrow('a whole number from 0 to 1023')
  for (const ms of [0, Date.UTC(2018, 0), Date.UTC(2081, 0)])
    expect(() => snowflake({ worker: 1 })(() => ms, zeros)()).toThrow('Set the clock')
})

it('[I7] in one store, an id that the clock, set back, would give again is passed over; a given one that is taken is refused', async () => {
  const [storage, ids] = [memory(), snowflake({ worker: 1 })]
  const options = { storage, ids, now: () => NOW_MS, random: sameSequence }
  const before = await open(options)
  const first = before.tasks.insertMany([{ title: 'a' }, { title: 'b' }])
  await before.close()
  const db = await open(options)
  const second = db.tasks.insertMany([{ title: 'c' }, { title: 'd' }])
  expect(new Set([...first, ...second]).size).toBe(4)
  expect(() => db.tasks.insert({ id: first[0] as string, title: 'x' })).toThrow('already')
  await db.close()
  const bulk: BulkInsert = await openBulkInsert({ name: 'acme', schema, table: 'tasks', ...options })
  bulk.add(['title'], ['e'])
  await bulk.commit()
  await bulk.close()
  const all = await open(options)
  expect(
    all.tasks
      .all()
      .map(({ title }) => title)
      .sort(),
  ).toEqual(['a', 'b', 'c', 'd', 'e'])
})

it('[I7] rows with Snowflakes go through the relay beside rows with UUIDs; of two replicas with one worker, at one moment, two rows may be one', async () => {
  const server = await createRelay({ port: 0, log: openMemoryLog() })
  closers.push(() => server.close())
  const sync = () => relay({ url: server.url, random: () => 0 })
  const now = () => NOW_MS
  const [a, b] = [
    await open({ sync: sync(), now, ids: snowflake({ worker: 1 }) }),
    await open({ sync: sync(), now, ids: snowflake({ worker: 2 }) }),
  ]
  const uuids = await open({ sync: sync() })
  const ids = [
    ...a.tasks.insertMany(Array.from({ length: 300 }, (_, at) => ({ title: `a${at}` }))),
    ...b.tasks.insertMany([{ title: 'b' }]),
    uuids.tasks.insert({ title: 'u' }),
  ]
  for (const db of [a, b, uuids]) await db.acknowledged()
  const late = await open({ sync: sync() })
  await late.synced()
  expect(
    late.tasks
      .all()
      .map(({ id }) => id)
      .sort(),
  ).toEqual(ids.sort())

  const twin = { now, random: zeros, ids: snowflake({ worker: 3 }) }
  const [one, two] = [await open(twin), await open(twin)]
  expect(one.tasks.insert({ title: 'one' })).toBe(two.tasks.insert({ title: 'two' }))
})

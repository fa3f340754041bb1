// How a backend that does not answer, or not well, is waited for; in a time of the test's own.
import { expect, it } from 'vitest'
import { setUp } from './testing/setup.ts'
import { NO_FAULTS, type World } from './testing/world.ts'

const PAGE = { records: [], deleted: [], cursor: '1', more: false }

/** A backend that lists nothing and answers writes as told; notes when each came. */
const setUpWith = async (
  answer: (count: number, init: RequestInit) => Response | Promise<Response>,
  options: object = {},
) => {
  const posts: { atMs: number; key: string | null }[] = []
  let [world, gets]: [World | undefined, number] = [undefined, 0]
  const fetch = async (_url: unknown, init: RequestInit = {}): Promise<Response> => {
    if (init.method === 'GET') {
      gets += 1
      return Response.json(PAGE)
    }
    posts.push({ atMs: world?.nowMs ?? 0, key: new Headers(init.headers).get('idempotency-key') })
    return answer(posts.length, init)
  }
  const given = await setUp({ options: { fetch: fetch as typeof globalThis.fetch, ...options } })
  world = given.world
  const waits = () => posts.slice(1).map(({ atMs }, at) => atMs - (posts[at]?.atMs ?? 0))
  return { ...given, posts, waits, gets: () => gets }
}
const made = (id: number, { body }: RequestInit): Response =>
  Response.json({ ...JSON.parse(String(body)), id }, { status: 201 })

it('[O21] a 5xx is tried again after waits that double, with full jitter, so many times', async () => {
  const { db, world, waits, posts, backend } = await setUpWith(() => new Response('oh', { status: 500 }), {
    random: () => 1,
    maxTries: 4,
  })
  db.tasks.insert({ title: 'a' })
  await world.pass(60_000)
  expect(waits()).toEqual([1000, 2000, 4000])
  expect(new Set(posts.map(({ key }) => key)).size).toBe(1)
  expect(backend.outbox.failed().map(({ failure, tries }) => [failure?.kind, failure?.status, tries])).toEqual([
    ['server', 500, 4],
  ])
  const half = await setUpWith(() => new Response('oh', { status: 500 }), { random: () => 0.25, maxTries: 4 })
  half.db.tasks.insert({ title: 'a' })
  await half.world.pass(60_000)
  expect(half.waits()).toEqual([250, 500, 1000])
})

it.each([
  ['seconds', () => '120'],
  ['a date', (world: World) => new Date(world.nowMs + 120_000).toUTCString()],
])('[O21] nothing goes out before a Retry-After in %s', async (_, header) => {
  let world: World | undefined
  const { db, posts, ...given } = await setUpWith((count, init) =>
    count === 1 && world !== undefined
      ? new Response(null, { status: 429, headers: { 'retry-after': header(world) } })
      : made(count, init),
  )
  world = given.world
  const [startMs, gets] = [world.nowMs, given.gets()]
  db.tasks.insertMany([{ title: 'a' }, { title: 'b' }])
  await world.pass(2000)
  // Those that were on their way together.
  const first = posts.length
  await world.pass(110_000)
  expect([posts.length - first, given.gets() - gets, given.backend.status.connection]).toEqual([0, 0, 'offline'])
  await world.pass(60_000)
  expect((posts[first]?.atMs ?? 0) - startMs).toBeGreaterThanOrEqual(119_000)
  expect(given.backend.status.pending).toBe(0)
})

it('[O22] failures in a row open the circuit: then one request at a time finds out, until one is answered', async () => {
  let isWell = false
  const { db, world, posts, backend } = await setUpWith(
    (count, init) => (isWell ? made(count, init) : new Response('', { status: 502 })),
    {
      maxTries: 1000,
    },
  )
  db.tasks.insertMany(Array.from({ length: 50 }, (_, at) => ({ title: `t${at}` })))
  await world.pass(5000)
  expect(backend.status.connection).toBe('failing')
  const before = posts.length
  await world.pass(600_000)
  // Of 50 operations: one try at each end of a wait of half a minute.
  expect(posts.length - before).toBeLessThan(60)
  isWell = true
  await world.pass(120_000)
  expect([backend.status.connection, backend.status.pending]).toEqual(['online', 0])
})

it('[O23] that it is offline is noticed by requests that fail, and asked rarely; nothing is lost', async () => {
  const { db, world, fake, backend } = await setUp()
  let requests = 0
  fake.onRequest = () => {
    requests += 1
  }
  world.isOnline = false
  db.tasks.insertMany([{ title: 'a' }, { title: 'b' }])
  await world.pass(600_000)
  expect([backend.status.connection, backend.status.pending, requests]).toEqual(['offline', 2, 0])
  expect(String(backend.status.error)).toContain('no answer')
  world.isOnline = true
  await world.pass(120_000)
  expect([backend.status.connection, backend.status.pending, fake.live('tasks').length]).toEqual(['online', 0, 2])
})

it("[O23] the platform's word counts as well: offline at once, and tried again as soon as it is online", async () => {
  const page = new EventTarget()
  const { db, world, fake, backend, requests } = await setUp({ options: { page } })
  world.isOnline = false
  page.dispatchEvent(new Event('offline'))
  expect(backend.status.connection).toBe('offline')
  db.tasks.insert({ title: 'a' })
  await world.pass(600_000)
  world.isOnline = true
  requests.length = 0
  page.dispatchEvent(new Event('online'))
  await world.pass(10)
  expect([backend.status.connection, fake.live('tasks').length, backend.status.pending]).toEqual(['online', 1, 0])
})

it('[O24] a request without an answer is given up in time, and sent again under its key', async () => {
  const signals: AbortSignal[] = []
  const { db, world, posts, backend } = await setUpWith(
    (count, init) => {
      signals.push(init.signal as AbortSignal)
      return count === 1 ? new Promise<Response>(() => {}) : made(1, init)
    },
    { timeoutMs: 5000 },
  )
  const id = db.tasks.insert({ title: 'a' })
  await world.pass(100)
  expect(db.tasks.status(id)).toBe('sending')
  await world.pass(60_000)
  expect([signals[0]?.aborted, posts.length, posts[0]?.key === posts[1]?.key, backend.status.pending]).toEqual([
    true,
    2,
    true,
    0,
  ])
})

it('[O24] closing gives up what is on its way; it stays in the outbox', async () => {
  const signals: AbortSignal[] = []
  const { db, world, backend } = await setUpWith((_, { signal }) => {
    signals.push(signal as AbortSignal)
    return new Promise<Response>(() => {})
  })
  db.tasks.insert({ title: 'a' })
  await world.pass(100)
  backend.close()
  expect([signals.map(({ aborted }) => aborted), backend.outbox.list().map(({ state }) => state)]).toEqual([
    [true],
    ['sent'],
  ])
})

it('[O25] the outbox warns when it is long, or old; lists, pauses, goes on, and tells', async () => {
  const { db, world, backend, writes, fake } = await setUp({
    options: { limits: { operations: 10, ageMs: 3_600_000 } },
  })
  let [heard, changes] = [0, 0]
  const stops = [
    backend.outbox.subscribe(() => {
      heard += 1
    }),
    backend.status.subscribe(() => {
      changes += 1
    }),
  ]
  backend.pause()
  db.tasks.insertMany(Array.from({ length: 5 }, (_, at) => ({ title: `t${at}` })))
  await world.pass(10)
  expect([backend.status.warning, backend.status.connection, backend.outbox.list().length]).toEqual([
    undefined,
    'paused',
    5,
  ])
  db.tasks.insertMany(Array.from({ length: 6 }, (_, at) => ({ title: `u${at}` })))
  await world.pass(10)
  expect(backend.status.warning).toMatch(/11 operations wait to be sent, more than 10/)
  const [first] = backend.outbox.list()
  if (first !== undefined) backend.outbox.discard(first)
  await world.pass(7_200_000)
  expect(backend.status.warning).toMatch(/waiting for 2 h/)
  expect([writes().length, db.tasks.get(first?.row ?? '')]).toEqual([0, undefined])
  backend.resume()
  await world.pass(1000)
  expect([backend.status.pending, backend.status.warning, fake.live('tasks').length]).toEqual([0, undefined, 10])
  expect([heard > 0, changes > 0]).toEqual([true, true])
  for (const stop of stops) stop()
})

it('[O25] how a row stands is told live: pending, sending, synced; failed until it is sent again', async () => {
  const { db, world, backend } = await setUp()
  const seen: string[] = []
  let id = ''
  backend.status.subscribe(() => {
    const status = id === '' ? '' : db.tasks.status(id)
    if (seen.at(-1) !== status) seen.push(status)
  })
  world.faults = { ...NO_FAULTS, maxDelayMs: 20 }
  id = db.tasks.insert({ title: 'poison' })
  expect(db.tasks.status(id)).toBe('pending')
  await world.pass(500)
  expect(seen).toEqual(['pending', 'sending', 'failed'])
  const [failed] = backend.outbox.failed()
  if (failed !== undefined) backend.outbox.edit(failed, { title: 'cured' })
  await world.pass(500)
  expect(seen.slice(3)).toEqual(['pending', 'sending', 'synced'])
})

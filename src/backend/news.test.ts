// What leads to a pull, each alone: the clock is far away unless a test is about it.
import { expect, it } from 'vitest'
import { serverSentEvents, webSocketEvents } from './index.ts'
import type { FakeBackend } from './testing/fake-backend.ts'
import { setUp } from './testing/setup.ts'
import { World } from './testing/world.ts'

const put = (fake: FakeBackend, title: string) =>
  fake.handle({
    method: 'POST',
    path: '/tasks',
    query: new URLSearchParams(),
    headers: new Headers(),
    body: { title, done: false },
  })
const NEVER = Number.POSITIVE_INFINITY

it('[X5] before sending, if the last pull is old; not if it is fresh', async () => {
  const { db, world, fake, requests } = await setUp({ options: { pollMs: NEVER, freshMs: 30_000 } })
  put(fake, 'theirs')
  requests.length = 0
  db.tasks.insert({ title: 'a' })
  await world.pass(1000)
  expect(requests.filter(({ method }) => method === 'GET')).toEqual([])
  await world.pass(60_000)
  db.tasks.insert({ title: 'b' })
  await world.pass(1000)
  const methods = requests.map(({ method }) => method)
  expect([
    methods,
    db.tasks
      .all()
      .map(({ title }) => title)
      .sort(),
  ]).toEqual([
    ['POST', 'GET', 'GET', 'POST'],
    ['a', 'b', 'theirs'],
  ])
})

it.each(['online', 'focus', 'visibilitychange'])('[X5] when the page says %s', async (event) => {
  const page = new EventTarget()
  const { db, world, fake, backend } = await setUp({ options: { page, pollMs: NEVER } })
  put(fake, 'theirs')
  await world.pass(300_000)
  expect(db.tasks.all()).toEqual([])
  page.dispatchEvent(new Event(event))
  await world.pass(10)
  expect(db.tasks.all().length).toBe(1)
  backend.close()
  put(fake, 'later')
  page.dispatchEvent(new Event(event))
  await world.pass(10)
  expect(db.tasks.all().length).toBe(1)
})

it('[X5] when a view opens, if what is known is old', async () => {
  const { db, world, fake, requests } = await setUp({ options: { pollMs: NEVER } })
  put(fake, 'theirs')
  requests.length = 0
  db.tasks.where({}).subscribe(() => {})()
  await world.pass(10)
  expect(requests).toEqual([])
  await world.pass(60_000)
  let titles: string[] = []
  const stop = db.tasks.where({}).subscribe(({ rows }) => {
    titles = rows.map(({ title }) => title)
  })
  await world.pass(10)
  stop()
  expect(titles).toEqual(['theirs'])
})

it('[X5] by the clock, with jitter; and when told', async () => {
  let jitter = 0
  const { world, requests, backend } = await setUp({ options: { pollMs: 60_000, random: () => jitter } })
  const pulls = () => requests.filter(({ path }) => path === '/tasks').length
  await world.pass(31_000)
  expect(pulls()).toBe(1)
  jitter = 1
  await world.pass(30_000)
  expect(pulls()).toBe(2)
  await world.pass(80_000)
  expect(pulls()).toBe(2)
  await world.pass(12_000)
  expect(pulls()).toBe(3)
  void backend.pull()
  await world.pass(10)
  expect(pulls()).toBe(4)
})

/** A socket or a source that the test speaks through. */
class Stream extends EventTarget {
  static all: Stream[] = []
  isClosed = false
  readonly url: string
  constructor(url: string) {
    super()
    this.url = url
    Stream.all.push(this)
  }
  send(): void {}
  close(): void {
    this.isClosed = true
  }
}

it('[X4] [X5] by a web socket, which is opened again when it closes, and closed with the backend', async () => {
  Stream.all = []
  const given = await setUp({ options: { pollMs: NEVER } })
  given.backend.close()
  const { timers } = given.process
  const listen = webSocketEvents({ url: 'ws://backend/news', WebSocket: Stream, timers, random: () => 1 })
  const { db, world, fake, backend } = await setUp({ world: given.world, options: { listen, pollMs: NEVER } })
  put(fake, 'one')
  Stream.all[0]?.dispatchEvent(new Event('message'))
  await world.pass(10)
  expect(db.tasks.all().length).toBe(1)
  Stream.all[0]?.dispatchEvent(new Event('error'))
  Stream.all[0]?.dispatchEvent(new Event('close'))
  await world.pass(900)
  expect(Stream.all.length).toBe(1)
  await world.pass(200)
  expect(Stream.all.map(({ url }) => url)).toEqual(['ws://backend/news', 'ws://backend/news'])
  put(fake, 'two')
  Stream.all[1]?.dispatchEvent(new Event('open'))
  await world.pass(10)
  expect(db.tasks.all().length).toBe(2)
  backend.close()
  Stream.all[1]?.dispatchEvent(new Event('close'))
  await world.pass(200_000)
  expect([Stream.all.length, Stream.all[1]?.isClosed]).toEqual([2, true])
})

it('[X5] by server-sent events, from the moment that the stream opens', async () => {
  Stream.all = []
  const listen = serverSentEvents({ url: 'http://backend/events', EventSource: Stream })
  const { db, world, fake } = await setUp({ options: { listen, pollMs: NEVER } })
  put(fake, 'theirs')
  Stream.all[0]?.dispatchEvent(new Event('open'))
  await world.pass(10)
  expect(db.tasks.all().length).toBe(1)
})

it('[X6] a list whose ETag is the same costs one short answer', async () => {
  const answers: number[] = []
  let [version, records] = [1, [{ id: 1, title: 'a', done: false }]]
  const fetch = async (url: unknown, init: RequestInit = {}): Promise<Response> => {
    if (String(url).includes('projects')) return Response.json([])
    const isKnown = new Headers(init.headers).get('if-none-match') === `"${version}"`
    answers.push(isKnown ? 304 : 200)
    return isKnown ? new Response(null, { status: 304 }) : Response.json(records, { headers: { etag: `"${version}"` } })
  }
  const { db, backend, world } = await setUp({
    mapping: { listChanges: { kind: 'all' } },
    options: { fetch: fetch as typeof globalThis.fetch, pollMs: NEVER },
  })
  void backend.pull()
  await world.pass(10)
  expect([answers, db.tasks.all().length]).toEqual([[200, 304], 1])
  version = 2
  records = [{ id: 2, title: 'b', done: false }]
  void backend.pull()
  await world.pass(10)
  expect(db.tasks.all().map(({ title }) => title)).toEqual(['b'])
})

it('[X6] by time: pages, an overlap by the clock of the service, and each change once', async () => {
  const HOUR_MS = 3_600_000
  const asked: URLSearchParams[] = []
  // Its clock is an hour behind: what counts is its own time.
  const records = Array.from({ length: 5 }, (_, at) => ({ id: at + 1, title: `t${at}`, done: false, updatedAt: '' }))
  const { db, backend, world } = await setUp({
    mapping: {
      listChanges: {
        kind: 'updatedAt',
        param: 'since',
        overlapMs: 5000,
        page: { limit: 2, limitParam: 'limit', offsetParam: 'offset' },
      },
    },
    options: {
      pollMs: NEVER,
      fetch: (async (url: unknown) => {
        const { pathname, searchParams } = new URL(String(url))
        if (pathname !== '/tasks') return Response.json([])
        asked.push(searchParams)
        const since = searchParams.get('since') ?? ''
        const news = records.filter(({ updatedAt }) => updatedAt !== '' && updatedAt >= since)
        const offset = Number(searchParams.get('offset'))
        return Response.json(news.slice(offset, offset + 2))
      }) as typeof globalThis.fetch,
    },
  })
  const theirNow = (): string => new Date(world.nowMs - HOUR_MS).toISOString()
  for (const record of records) record.updatedAt = theirNow()
  asked.length = 0
  void backend.pull()
  await world.pass(10)
  expect([asked.length, db.tasks.all().length]).toEqual([3, 5])
  const latest = records[0]?.updatedAt ?? ''
  // Committed late, with a time from before what was read last.
  records.push({ id: 6, title: 'late', done: false, updatedAt: new Date(Date.parse(latest) - 3000).toISOString() })
  let heard = 0
  db.tasks.where({}).subscribe(() => {
    heard += 1
  })
  await world.pass(1000)
  asked.length = 0
  void backend.pull()
  await world.pass(10)
  expect([asked[0]?.get('since'), db.tasks.all().length, heard]).toEqual([
    new Date(Date.parse(latest) - 5000).toISOString(),
    6,
    2,
  ])
})

it('[X5] a service that takes longer to list than a pull stays fresh is sent what is written all the same', async () => {
  const world = new World(1)
  let made = 0
  const fetch = async (_: unknown, { method = 'GET', body }: RequestInit = {}): Promise<Response> => {
    if (method === 'POST') return Response.json({ ...JSON.parse(String(body)), id: ++made })
    await new Promise<void>((resolve) => world.at(500, resolve))
    return Response.json({ records: [], deleted: [], cursor: '1', more: false })
  }
  const options = { fetch: fetch as typeof globalThis.fetch, freshMs: 100, pollMs: NEVER }
  const { db, backend } = await setUp({ world, options })
  for (let at = 0; at < 20; at++) db.tasks.insert({ title: `t${at}` })
  await world.pass(5000)
  expect([made, backend.status.pending]).toEqual([20, 0])
})

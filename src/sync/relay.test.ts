// Laws of synchronisation, against a real relay in this process: what goes out, what comes back, what "acknowledged" waits for.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, it } from 'vitest'
import { WebSocketServer } from 'ws'
import { createRelay, openMemoryLog, type Relay } from '../../server/index.ts'
import { column as c, createDatabase, type Database, defineSchema, type MerrowError, table } from '../index.ts'
import { memory, type StorageAdapter } from '../storage/index.ts'
import { relay, type TokenSource } from './index.ts'
import { CloseCode, decodeMessage, encodeMessage, SUBPROTOCOL } from './wire.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({ title: c.string(), done: c.boolean().default(false), size: c.number().optional() }),
})
type S = typeof schema

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const startRelay = async (options: Partial<Parameters<typeof createRelay>[0]> = {}): Promise<Relay> => {
  const started = await createRelay({ port: 0, log: openMemoryLog(), ...options })
  closers.push(() => started.close())
  return started
}

const open = async (
  url: string,
  options: { storage?: StorageAdapter; token?: TokenSource; user?: string; now?: () => number } = {},
): Promise<Database<S>> => {
  const { token, ...rest } = options
  const sync = relay({ url, random: () => 0, ...(token === undefined ? {} : { token }) })
  const db = await createDatabase({ name: 'acme', schema, sync, ...rest })
  closers.push(() => db.close())
  return db
}

/** Resolves once a claim about a database holds; it is looked at whenever rows or status change. */
const until = (db: Database<S>, claim: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stops = [
      db.tasks.subscribe(() => look()),
      db.projects.subscribe(() => look()),
      db.status.subscribe(() => look()),
    ]
    const look = (): void => {
      if (!claim()) return
      for (const stop of stops) stop()
      resolve()
    }
    look()
  })

it('[N1] documents leave nothing at the process, however many there are', async () => {
  const { url } = await startRelay()
  const before = process.listenerCount('exit')
  await Promise.all(Array.from({ length: 6 }, () => open(url)))
  expect(process.listenerCount('exit')).toBe(before)
})

it('[N1] rows of all tables reach other replicas, over one socket each', async () => {
  const { url } = await startRelay()
  const [a, b] = [await open(url, { user: 'ann' }), await open(url)]
  const id = a.tasks.insert({ title: 'Write' })
  a.projects.insert({ id: 'p', name: 'P' })
  await until(b, () => b.tasks.get(id) !== undefined && b.projects.get('p') !== undefined)
  expect(b.tasks.get(id)).toEqual(a.tasks.get(id))
  b.tasks.update(id, { done: true })
  await until(a, () => a.tasks.get(id)?.done === true)
  expect(a.status.connection).toBe('connected')
})

it('[N2] acknowledged() waits until the relay has the writes on disk', async () => {
  const { log, hold, release } = heldLog()
  const { url } = await startRelay({ log })
  const db = await open(url)
  await db.acknowledged()
  hold()
  db.tasks.insert({ title: 'a' })
  let isAcknowledged = false
  const acknowledged = db.acknowledged().then(() => {
    isAcknowledged = true
  })
  await log.asked
  expect([isAcknowledged, db.status.unsent]).toEqual([false, 1])
  release()
  await acknowledged
  expect(db.status.unsent).toBe(0)
})

it('[N3] what was written offline, in an earlier run even, is sent after connecting', async () => {
  const { url } = await startRelay()
  const storage = memory()
  const offline = await createDatabase({ name: 'acme', schema, storage })
  const id = offline.tasks.insert({ title: 'offline' })
  await offline.close()
  const a = await open(url, { storage })
  await a.acknowledged()
  const b = await open(url)
  await until(b, () => b.tasks.get(id)?.title === 'offline')
})

it('[N4] a relay that is away is said to be so, writes go on, and nothing is lost when it is back', async () => {
  const log = openMemoryLog()
  const first = await createRelay({ port: 0, log: { ...log, close: async () => {} } })
  const db = await open(first.url)
  const [before] = [db.tasks.insert({ title: 'before' })]
  await db.acknowledged()
  await first.close()
  await until(db, () => db.status.connection === 'offline')
  const during = db.tasks.insert({ title: 'during' })
  await db.saved()
  await until(db, () => (db.status.error as MerrowError | undefined)?.code === 'relay_unreachable')
  expect(db.status.unsent).toBe(1)
  const second = await startRelay({ log, port: first.port })
  await db.acknowledged()
  const other = await open(second.url)
  await until(other, () => other.tasks.get(before) !== undefined && other.tasks.get(during) !== undefined)
})

it('[N5] disconnect() keeps writes here until connect()', async () => {
  const { url } = await startRelay()
  const [a, b] = [await open(url), await open(url)]
  await a.acknowledged()
  a.disconnect()
  expect(a.status.connection).toBe('offline')
  const id = a.tasks.insert({ title: 'kept' })
  await b.acknowledged()
  expect(b.tasks.get(id)).toBeUndefined()
  a.connect()
  await until(b, () => b.tasks.get(id) !== undefined)
})

it('[N6] concurrent edits merge: other columns are kept, in one column the later write stays', async () => {
  const { url } = await startRelay()
  let nowMs = Date.now()
  const now = (): number => nowMs
  const [a, b] = [await open(url, { now }), await open(url, { now })]
  const id = a.tasks.insert({ title: 'start' })
  await until(b, () => b.tasks.get(id) !== undefined)
  a.disconnect()
  a.tasks.update(id, { title: 'earlier', size: 7 })
  await a.saved()
  nowMs += 1000
  b.tasks.update(id, { title: 'later', done: true })
  a.connect()
  await until(a, () => a.tasks.get(id)?.done === true)
  await until(b, () => b.tasks.get(id)?.size === 7)
  expect([a.tasks.get(id)?.title, b.tasks.get(id)?.title]).toEqual(['later', 'later'])
})

it('[N7] an update larger than a part goes out in parts', async () => {
  const { url } = await startRelay()
  const [a, b] = [await open(url), await open(url)]
  a.tasks.insertMany(Array.from({ length: 20_000 }, (_, at) => ({ title: `a title of some length, number ${at}` })))
  await a.acknowledged()
  await until(b, () => b.tasks.all().length === 20_000)
})

it('[N8] a relay of another version is named, not tried again, and nothing is lost', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  let connections = 0
  const sockets = new WebSocketServer({ server, handleProtocols: () => SUBPROTOCOL })
  sockets.on('connection', (socket) => {
    connections += 1
    socket.close(CloseCode.wrongVersion, 'this relay speaks merrow.v2')
  })
  await new Promise((resolve) => server.once('listening', resolve))
  closers.push(() => new Promise((resolve) => sockets.close(() => server.close(resolve))))
  const db = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  const id = db.tasks.insert({ title: 'kept' })
  await until(db, () => db.status.connection === 'refused')
  expect(db.status.error).toMatchObject({
    code: 'relay_version',
    message: expect.stringContaining('merrow.v2'),
  })
  await db.saved()
  expect([connections, db.tasks.get(id)?.title]).toEqual([1, 'kept'])
})

it('[N9] a refused token is named; a new one is taken by connect()', async () => {
  const { url } = await startRelay({ token: 'a long enough secret' })
  let token = 'wrong wrong wrong wrong'
  const db = await open(url, { token: () => token })
  await until(db, () => db.status.connection === 'refused')
  expect(db.status.error).toMatchObject({ code: 'relay_refused', message: expect.stringContaining('token') })
  expect((db.status.error as Error).message).not.toContain(token)
  token = 'a long enough secret'
  db.connect()
  db.tasks.insert({ title: 'a' })
  await db.acknowledged()
  expect(db.status.connection).toBe('connected')
})

it('[N10] nonsense from the relay closes the connection, which is made again', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  const greeted: string[] = []
  const sockets = new WebSocketServer({ server, handleProtocols: () => SUBPROTOCOL })
  sockets.on('connection', (socket) =>
    socket.once('message', (data: Buffer) => {
      greeted.push(decodeMessage(new Uint8Array(data)).kind)
      socket.send(
        greeted.length === 1 ? Uint8Array.of(250, 1, 2) : encodeMessage({ kind: 'welcome', version: 1, relay: 'fake' }),
      )
    }),
  )
  await new Promise((resolve) => server.once('listening', resolve))
  closers.push(() => {
    for (const socket of sockets.clients) socket.terminate()
    return new Promise((resolve) => sockets.close(() => server.close(resolve)))
  })
  const db = await open(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  await until(db, () => db.status.connection === 'connected')
  expect(greeted).toEqual(['hello', 'hello'])
})

it('[N11] an address that is none is refused at once', () => {
  expect(() => relay({ url: 'nonsense' })).toThrow('is no address')
  expect(() => relay({ url: 'ftp://x' })).toThrow('use http, https, ws or wss')
})

it('[N12] closing tells those who wait for an acknowledgement', async () => {
  const db = await open('http://127.0.0.1:9')
  const waiting = expect(db.acknowledged()).rejects.toMatchObject({ code: 'database_closed' })
  await db.close()
  await waiting
  await expect(db.acknowledged()).rejects.toMatchObject({ code: 'database_closed' })
  db.connect()
  expect(db.status.connection).toBe('offline')
})

/** A log whose appends can be held back. */
const heldLog = () => {
  const inner = openMemoryLog()
  let gate: Promise<void> = Promise.resolve()
  let release = (): void => {}
  let ask = (): void => {}
  const asked = new Promise<void>((resolve) => {
    ask = resolve
  })
  const log = {
    ...inner,
    asked,
    async append(document: string, updates: readonly Uint8Array[]) {
      const held = gate
      ask()
      await held
      return inner.append(document, updates)
    },
  }
  const hold = (): void => {
    gate = new Promise((resolve) => {
      release = resolve
    })
  }
  return { log, hold, release: () => release() }
}

it('[K21] what a database compacts when it closes passes the relay, and others keep their rows', async () => {
  const { url } = await startRelay()
  const [ann, ben, storage] = [await open(url), await open(url), memory()]
  const cem = await open(url, { storage })
  const ids = cem.tasks.insertMany(Array.from({ length: 100 }, (_, at) => ({ title: `Task ${at}` })))
  await cem.acknowledged()
  for (const [at, id] of ids.entries()) {
    cem.tasks.update(id, { size: at })
    await cem.saved()
  }
  await until(ben, () => ben.tasks.where({ size: 99 }).count() === 1)
  let heard = 0
  ben.tasks.subscribe(() => heard++)
  const rows = ben.tasks.all()
  const segments = ben.stats().tasks.segments
  await cem.close()
  const again = await open(url, { storage })
  expect(again.stats().tasks.segments).toBeLessThanOrEqual(segments)
  expect(again.stats().tasks.deadBytes).toBeLessThan(ben.stats().tasks.deadBytes)
  await again.acknowledged()
  // What comes after the compaction has to come after it everywhere.
  again.tasks.update(ids[0] as string, { title: 'later' })
  await again.acknowledged()
  await until(ben, () => ben.tasks.get(ids[0] as string)?.title === 'later')
  expect([heard, ben.stats().tasks.segments]).toEqual([1, again.stats().tasks.segments])
  expect(ben.tasks.get(ids[5] as string)).toBe(rows.find(({ id }) => id === ids[5]))
  await until(ann, () => ann.tasks.get(ids[0] as string)?.title === 'later')
  expect([ann, ben, again].map(({ status }) => [status.refused, status.error])).toEqual(Array(3).fill([0, undefined]))
})

// Tokens on open sockets: what they allow, how they end and are renewed, whose client ids are whose, how much a user may take.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { SyncType } from '../../../src/sync/wire.ts'
import { openMemoryLog } from '../../log/memory.ts'
import { encodeAwareness, encodeSync } from '../../room/frame.ts'
import { editsOf, step1Frame, updateFrame } from '../../testing/member.ts'
import { startRelay } from '../../testing/relay.ts'
import { stockClient } from '../../testing/stock-client.ts'
import { connect, greet, type SyncClient } from '../../testing/sync-client.ts'
import { manualTimers } from '../../testing/timers.ts'
import { JWT, tokenFor } from '../../testing/tokens.ts'
import { waitUntil } from '../../testing/wait.ts'

const put = (key: string) => (doc: Y.Doc) => void doc.getMap('m').set(key, key)
const edits = (client: number, ...keys: string[]) => {
  const doc = new Y.Doc()
  doc.clientID = client
  return editsOf(doc, ...keys.map(put))
}
const sendFrame = (client: SyncClient, bytes: Uint8Array, channel = 1) => client.send({ kind: 'frame', channel, bytes })
const entered = async (url: string, token: string, document = 'd', client?: number) => {
  const connected = await greet(url, token)
  connected.send({ kind: 'open', channel: 1, document, ...(client === undefined ? {} : { client }) })
  await waitUntil('the room answers', () => connected.messages.some(({ kind }) => kind === 'frame' || kind === 'close'))
  return connected
}
const closeOf = async (client: SyncClient) => (await client.next('close')).code

it('[A7] a token opens the documents of its grants, and no others', async () => {
  const { url } = await startRelay({ jwt: JWT })
  const token = await tokenFor('ann', { grants: { 'acme/*': 'write' } })
  const client = await entered(url, token, 'acme/tasks')
  client.send({ kind: 'open', channel: 2, document: 'other/tasks' })
  expect(await closeOf(client)).toBe(4403)
  const forged = await connect(url)
  forged.send({ kind: 'hello', version: 1, token: `${token}x` })
  expect((await forged.end()).code).toBe(4401)
})

it('[A8] who may only read gets everything, shows presence, and cannot write by any frame', async () => {
  const log = openMemoryLog()
  const { url } = await startRelay({ jwt: JWT, log })
  const [first, second] = edits(5, 'a', 'b') as [Uint8Array, Uint8Array]
  const writer = await entered(url, await tokenFor('ann'))
  sendFrame(writer, updateFrame(first))
  await writer.next('ack')
  const read = await tokenFor('ben', { grants: { d: 'read' } })
  const attempts = [
    (reader: SyncClient) => sendFrame(reader, updateFrame(second)),
    (reader: SyncClient) => sendFrame(reader, encodeSync(SyncType.step2, Y.mergeUpdates([first, second]))),
    (reader: SyncClient) => sendFrame(reader, updateFrame(Uint8Array.of(0, 1, 5, 1, 0, 1))),
    (reader: SyncClient) => {
      const frame = updateFrame(second)
      reader.send({ kind: 'part', channel: 1, bytes: frame.subarray(0, 5) })
      sendFrame(reader, frame.subarray(5))
    },
  ]
  for (const attempt of attempts) {
    const reader = await entered(url, read)
    attempt(reader)
    expect(await closeOf(reader)).toBe(4403)
  }
  const reader = await entered(url, read)
  sendFrame(reader, step1Frame())
  // What it has from the relay is no write.
  sendFrame(reader, encodeSync(SyncType.step2, first))
  expect((await reader.next('ack')).count).toBe(1)
  await reader.next('frame', ({ bytes }) => bytes[1] === SyncType.step2)
  sendFrame(reader, encodeAwareness(Uint8Array.of(1, 9, 1, 2, 123, 125)))
  await writer.next('frame', ({ bytes }) => bytes[0] === 1)
  expect((await log.read('d')).entries).toHaveLength(1)
})

it('[A9] closes every session at its end, and takes nothing after it; half of them renew and go on', async () => {
  const sessions = Number(process.env['SESSIONS'] ?? 40)
  let nowMs = Date.now()
  const now = () => nowMs
  const timers = manualTimers()
  const log = openMemoryLog()
  const { url } = await startRelay({ jwt: JWT, log, now, timers, limits: { maxConnectionsPerSubject: sessions } })
  const token = await tokenFor('ann', { now, lifetimeS: 60, grants: { 'd*': 'write' } })
  const clients = await Promise.all(Array.from({ length: sessions }, (_, at) => entered(url, token, `d${at}`)))
  nowMs += 50_000
  const longer = await tokenFor('ann', { now, lifetimeS: 600, grants: { 'd*': 'write' } })
  const [renewing, ending] = [clients.slice(sessions / 2), clients.slice(0, sessions / 2)]
  for (const client of renewing) client.send({ kind: 'token', token: longer })
  for (const client of renewing) expect((await client.next('renewed')).expiresInMs).toBeGreaterThan(500_000)
  nowMs += 10_000
  for (const [at, client] of clients.entries()) sendFrame(client, updateFrame(edits(100 + at, 'late')[0] as Uint8Array))
  for (const client of renewing) await client.next('ack')
  for (const client of ending) expect(await closeOf(client)).toBe(4403)
  timers.expire()
  for (const client of ending) expect(await client.end()).toMatchObject({ code: 3000 })
  const stored = (await log.documents()).filter((name) => name.startsWith('d'))
  expect([renewing.some(({ closed }) => closed), stored.length]).toEqual([false, sessions / 2])
})

it('[A9] a renewal is of the same user, and may take rights away', async () => {
  const { url } = await startRelay({ jwt: JWT })
  const [other, less] = [await entered(url, await tokenFor('ann')), await entered(url, await tokenFor('ann'))]
  other.send({ kind: 'token', token: await tokenFor('ben') })
  expect((await other.end()).code).toBe(4401)
  less.send({ kind: 'token', token: await tokenFor('ann', { grants: {} }) })
  expect(await closeOf(less)).toBe(4403)
})

it('[A10] revoking a user closes all its connections, and no others', async () => {
  const relay = await startRelay({ jwt: JWT, yjsTokenInUrl: true })
  const [ann, ben] = [await tokenFor('ann'), await tokenFor('ben')]
  const [first, second, other] = [await greet(relay.url, ann), await greet(relay.url, ann), await greet(relay.url, ben)]
  const stock = stockClient(relay.url, 'd', { token: ann })
  await waitUntil('it is synced', () => stock.provider.synced)
  await relay.revoke('ann')
  for (const client of [first, second]) expect((await client.end()).code).toBe(4401)
  await waitUntil('it is gone', () => !stock.provider.wsconnected)
  const again = await connect(relay.url)
  again.send({ kind: 'hello', version: 1, token: ann })
  expect([(await again.end()).code, other.closed]).toEqual([4401, undefined])
})

it('[G5] a client id that another holds is told at the opening, so that a fresh one can be taken', async () => {
  const { url } = await startRelay({ jwt: JWT })
  await entered(url, await tokenFor('ann'), 'd', 77)
  const ben = await entered(url, await tokenFor('ben'), 'd', 77)
  expect(await closeOf(ben)).toBe(4409)
})

it('[F1] bounds the connections of a user and of an address', async () => {
  const { url } = await startRelay({ jwt: JWT, limits: { maxConnectionsPerSubject: 2, maxConnectionsPerAddress: 4 } })
  const token = await tokenFor('ann')
  const first = await greet(url, token)
  await greet(url, token)
  const third = await connect(url)
  third.send({ kind: 'hello', version: 1, token })
  expect((await third.end()).code).toBe(1013)
  await waitUntil('its place is free', () => true)
  await greet(url, await tokenFor('ben'))
  await connect(url)
  await expect(connect(url)).rejects.toThrow('429')
  first.socket.close()
  await first.end()
  await greet(url, token)
})

it('[F2] reads no faster from a client than it may send, and loses nothing', async () => {
  const timers = manualTimers()
  let nowMs = Date.now()
  const limits = { frames: { perSecond: 10, burst: 20 } }
  const { url } = await startRelay({ timers, now: () => nowMs, limits })
  const client = await entered(url, 'none')
  const doc = new Y.Doc()
  for (let at = 0; at < 200; at++)
    for (const update of editsOf(doc, put(`k${at}`))) sendFrame(client, updateFrame(update))
  const counts = () => client.messages.flatMap((m) => (m.kind === 'ack' ? [m.count] : []))
  await waitUntil('some are acknowledged', () => counts().length > 0)
  while ((counts().at(-1) ?? 0) < 200) {
    nowMs += 10_000
    timers.expire()
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect([counts().at(-1), client.closed]).toEqual([200, undefined])
})

it('[F3] a document has a largest size', async () => {
  const { url } = await startRelay({ limits: { maxDocumentBytes: 1000 } })
  const client = await entered(url, 'none')
  const long = editsOf(new Y.Doc(), (doc) => void doc.getMap('m').set('k', 'x'.repeat(2000)))[0] as Uint8Array
  sendFrame(client, updateFrame(long))
  expect(await closeOf(client)).toBe(4413)
})

it('[F4] closes a connection whose channels are refused again and again', async () => {
  const { url } = await startRelay()
  const client = await greet(url)
  for (let channel = 1; channel < 60; channel++) client.send({ kind: 'open', channel, document: 'a b' })
  expect((await client.end()).code).toBe(4400)
})

it('[F4] whoever has something refused waits for his turn, and others do not', async () => {
  const timers = manualTimers()
  const limits = { refusals: { perSecond: 1, burst: 1 } }
  const { url } = await startRelay({ timers, now: () => 0, limits })
  const [hostile, honest] = [await greet(url), await greet(url)]
  const refusals = () => hostile.messages.filter(({ kind }) => kind === 'close').length
  for (const channel of [1, 2, 3]) {
    hostile.send({ kind: 'open', channel, document: 'a b' })
    if (channel < 3) await waitUntil('it is refused', () => refusals() === channel)
  }
  honest.send({ kind: 'open', channel: 1, document: 'd' })
  await honest.next('opened')
  expect(refusals()).toBe(2)
  timers.expire()
  await waitUntil('the next is refused', () => refusals() === 3)
})

// The shared socket on /sync, by a client written on the wire page.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { digestNow } from '../../../src/sync/digest.js'
import { cutFrame } from '../../../src/sync/wire.ts'
import { openMemoryLog } from '../../log/memory.ts'
import { holdLog } from '../../testing/logs.ts'
import { editsOf, step1Frame, updateFrame } from '../../testing/member.ts'
import { startRelay } from '../../testing/relay.ts'
import { stockClient } from '../../testing/stock-client.ts'
import { connect, greet, type SyncClient } from '../../testing/sync-client.ts'
import { manualTimers } from '../../testing/timers.ts'
import { waitUntil } from '../../testing/wait.ts'

const put =
  (key: string, value: unknown = key) =>
  (doc: Y.Doc) =>
    void doc.getMap('m').set(key, value)
const edit = (...edits: ((doc: Y.Doc) => void)[]) => editsOf(new Y.Doc(), ...edits)[0] ?? Uint8Array.of()
const send = (client: SyncClient, channel: number, update: Uint8Array) =>
  client.send({ kind: 'frame', channel, bytes: updateFrame(update) })
/** Bytes of long frames that came so far: their parts, and what came after those. */
const lengthOf = (client: SyncClient, room: number) => {
  const first = client.messages.findIndex(({ kind }) => kind === 'part')
  const pieces = client.messages
    .slice(first)
    .flatMap((m) => ('bytes' in m && m.channel === room ? [m.bytes.length] : []))
  return pieces.reduce((sum, length) => sum + length, 0)
}
const updatesFor = (client: SyncClient, room: number) =>
  client.messages.flatMap((m) => (m.kind === 'frame' && m.channel === room && m.bytes[1] === 2 ? [m.bytes] : []))

it('[H5] carries several documents, each in its room, and acknowledges each channel', async () => {
  const { url } = await startRelay()
  const [ann, ben] = [await greet(url), await greet(url)]
  for (const client of [ann, ben]) {
    client.send({ kind: 'open', channel: 7, document: 'one' })
    client.send({ kind: 'open', channel: 9, document: 'two' })
  }
  const { room } = await ann.next('opened', (m) => m.channel === 9)
  expect((await ben.next('opened', (m) => m.channel === 9)).room).toBe(room)
  await ben.next('frame', (m) => m.channel === room)
  send(ann, 9, edit(put('a')))
  expect(await ann.next('ack')).toEqual({ kind: 'ack', channel: 9, count: 1 })
  await waitUntil('the other gets it', () => updatesFor(ben, room).length === 1)
  expect(updatesFor(ann, room)).toEqual([])
})

it('[H24] long frames go to clients in parts, so that a slow one hears that they are under way', async () => {
  const { url } = await startRelay()
  const [ann, ben] = [await greet(url), await greet(url)]
  for (const client of [ann, ben]) client.send({ kind: 'open', channel: 1, document: 'long' })
  const { room } = await ben.next('opened')
  const update = edit(put('a', 'x'.repeat(600 * 1024)))
  const sent = updateFrame(update)
  for (const message of cutFrame(1, sent)) ann.send(message)
  await ann.next('ack')
  await ben.next('part')
  await waitUntil('the last piece comes', () => lengthOf(ben, room) >= sent.length)
  expect(ben.messages.filter(({ kind }) => kind === 'part')).toHaveLength(2)
})

it('[H5] shares rooms with stock clients', async () => {
  const { url } = await startRelay()
  const stock = stockClient(url, 'd')
  const client = await greet(url)
  client.send({ kind: 'open', channel: 0, document: 'd' })
  client.send({ kind: 'frame', channel: 0, bytes: step1Frame() })
  send(client, 0, edit(put('a')))
  await waitUntil('the update comes', () => stock.map.get('a') === 'a')
})

it('[H6] acknowledges only what the log has', async () => {
  const log = holdLog(openMemoryLog())
  const { url } = await startRelay({ log })
  const client = await greet(url)
  client.send({ kind: 'open', channel: 1, document: 'd' })
  log.hold()
  send(client, 1, edit(put('a')))
  client.send({ kind: 'frame', channel: 1, bytes: step1Frame() })
  await client.next('frame', (m) => m.bytes[1] === 1)
  expect(client.messages.some(({ kind }) => kind === 'ack')).toBe(false)
  log.release()
  await client.next('ack')
})

it('[H7] joins the parts of a long frame', async () => {
  const { url } = await startRelay()
  const client = await greet(url)
  client.send({ kind: 'open', channel: 1, document: 'd' })
  const frame = updateFrame(edit(put('long', 'x'.repeat(2_000_000))))
  for (let at = 0; at < 4; at++) {
    const bytes = frame.subarray(at * 500_000, at === 3 ? undefined : (at + 1) * 500_000)
    client.send({ kind: at === 3 ? 'frame' : 'part', channel: 1, bytes })
  }
  expect((await client.next('ack')).count).toBe(1)
})

it('[H8] closes the channel whose frame is bad or too long, and no other', async () => {
  const { url } = await startRelay({ limits: { maxUpdateBytes: 1000 } })
  const client = await greet(url)
  for (const channel of [1, 2, 3]) client.send({ kind: 'open', channel, document: `d${channel}` })
  client.send({ kind: 'frame', channel: 1, bytes: Uint8Array.of(9) })
  for (let part = 0; part < 3; part++) client.send({ kind: 'part', channel: 2, bytes: new Uint8Array(400) })
  expect(await client.next('close', (m) => m.channel === 1)).toMatchObject({ code: 4400 })
  expect(await client.next('close', (m) => m.channel === 2)).toMatchObject({ code: 4413 })
  send(client, 3, edit(put('a')))
  await client.next('ack', (m) => m.channel === 3)
})

it('[H9] refuses to open bad names, a document or channel twice, and too many documents', async () => {
  const { url } = await startRelay({ limits: { maxDocuments: 2 } })
  const client = await greet(url)
  const open = (channel: number, document: string) => client.send({ kind: 'open', channel, document })
  open(1, 'a')
  open(2, 'a')
  open(3, '../a')
  open(4, 'b')
  open(5, 'c')
  expect((await client.next('close', (m) => m.channel === 2)).code).toBe(4400)
  expect((await client.next('close', (m) => m.channel === 3)).code).toBe(4400)
  expect((await client.next('close', (m) => m.channel === 5)).code).toBe(4413)
  client.send({ kind: 'close', channel: 4, code: 1000, reason: '' })
  open(6, 'c')
  await client.next('opened', (m) => m.channel === 6)
})

it('[H10] closes a client of another version with 4406, and says what it speaks', async () => {
  const { url } = await startRelay()
  const newer = await connect(url, { protocols: ['merrow.v2'] })
  const none = await connect(url, { protocols: [] })
  const hello = await connect(url)
  hello.send({ kind: 'hello', version: 2 })
  for (const client of [newer, none, hello]) {
    expect(await client.end()).toMatchObject({ code: 4406, reason: expect.stringContaining('merrow.v1') })
  }
})

it('[H11] reads nothing before hello: not another message, not text, nothing long, nothing late', async () => {
  const timers = manualTimers()
  const { url } = await startRelay({ timers })
  const [other, text, long, late] = [await connect(url), await connect(url), await connect(url), await connect(url)]
  other.send({ kind: 'open', channel: 1, document: 'd' })
  text.socket.send('hello')
  long.send({ kind: 'hello', version: 1, token: 'x'.repeat(5000) })
  for (const client of [other, text, long]) expect((await client.end()).code).toBe(4400)
  timers.expire()
  expect((await late.end()).code).toBe(4400)
})

it('[H12] closes with 4401 whoever lacks the token', async () => {
  const token = 'a-token-of-many-characters'
  const { url } = await startRelay({ token })
  const [without, wrong] = [await connect(url), await connect(url)]
  without.send({ kind: 'hello', version: 1 })
  wrong.send({ kind: 'hello', version: 1, token: `${token}!` })
  for (const client of [without, wrong]) expect((await client.end()).code).toBe(4401)
  await greet(url, token)
})

it('[H13] closes a sender whose message cannot be read, and no other', async () => {
  const { url } = await startRelay()
  const [bad, worse, good] = [await greet(url), await greet(url), await greet(url)]
  bad.socket.send(Uint8Array.of(200))
  worse.send({ kind: 'welcome', version: 1, relay: '' })
  for (const client of [bad, worse]) expect((await client.end()).code).toBe(4400)
  good.send({ kind: 'open', channel: 1, document: 'd' })
  await good.next('opened')
})

it('[H14] pings, and hangs up on who stays silent for three intervals', async () => {
  const timers = manualTimers()
  const { url } = await startRelay({ timers })
  const client = await greet(url)
  for (let beat = 0; beat < 2; beat++) timers.beat()
  client.send({ kind: 'pong' })
  client.send({ kind: 'open', channel: 1, document: 'd' })
  await client.next('opened')
  for (let beat = 0; beat < 2; beat++) timers.beat()
  expect(client.closed).toBe(undefined)
  timers.beat()
  expect((await client.end()).code).toBe(1006)
})

it('[H15] closes a client that is too slow with 1013, and serves the others', async () => {
  const { url } = await startRelay({ limits: { maxBacklogBytes: 1000 } })
  const [slow, fast, author] = [await greet(url), await greet(url), await greet(url)]
  for (const client of [slow, fast, author]) {
    client.send({ kind: 'open', channel: 1, document: 'd' })
    await client.next('opened')
  }
  slow.socket.pause()
  const doc = new Y.Doc()
  const { room } = await fast.next('opened')
  // More than the kernel buffers for a socket that nobody reads.
  const updates = editsOf(doc, ...Array.from({ length: 60 }, (_, n) => put(`k${n}`, 'x'.repeat(200_000))))
  for (const [at, update] of updates.entries()) {
    send(author, 1, update)
    await waitUntil('the fast one gets it', () => updatesFor(fast, room).length === at + 1)
  }
  slow.socket.resume()
  expect((await slow.end()).code).toBe(1013)
  expect(fast.closed).toBe(undefined)
})

it('[G13] a digest of other content under the same clocks closes its sender, and no other digest anybody', async () => {
  const { url } = await startRelay()
  const docOf = (...texts: string[]): Y.Doc => {
    const doc = new Y.Doc()
    doc.clientID = 7
    for (const text of texts) doc.getArray('a').push([text])
    return doc
  }
  const author = await greet(url)
  author.send({ kind: 'open', channel: 1, document: 'd' })
  send(author, 1, Y.encodeStateAsUpdate(docOf('one', 'two')))
  await author.next('ack')
  const prove = async (doc: Y.Doc) => {
    const client = await greet(url)
    client.send({ kind: 'open', channel: 1, document: 'd' })
    await client.next('frame')
    client.send({ kind: 'digest', channel: 1, digest: digestNow(doc) })
    return client
  }
  const [same, behind, forked] = [
    await prove(docOf('one', 'two')),
    await prove(docOf('other')),
    await prove(docOf('one', 'other')),
  ]
  expect((await forked.next('close')).code).toBe(4410)
  // An update reaches those who are not closed.
  send(author, 1, edit(put('more')))
  for (const client of [same, behind]) await waitUntil('it comes', () => updatesFor(client, 1).length > 0)
})

// Stock y-websocket clients on /yjs/<room>, unmodified.
import { spawn } from 'node:child_process'
import { createConnection } from 'node:net'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { KEEP_ALIVE_FRAME } from '../../../src/sync/wire.ts'
import { openMemoryLog } from '../../log/memory.ts'
import { holdLog } from '../../testing/logs.ts'
import { editsOf, step1Frame, updateFrame } from '../../testing/member.ts'
import { startRelay } from '../../testing/relay.ts'
import { stockClient } from '../../testing/stock-client.ts'
import { connect } from '../../testing/sync-client.ts'
import { manualTimers } from '../../testing/timers.ts'
import { waitUntil } from '../../testing/wait.ts'

it('[H1] stock clients share map, text and presence', async () => {
  const { url } = await startRelay()
  const [ann, ben] = [stockClient(url, 'acme/notes'), stockClient(url, 'acme/notes')]
  await waitUntil('both are synced', () => ann.provider.synced && ben.provider.synced)
  ann.map.set('title', 'Hello')
  ben.text.insert(0, 'world')
  ann.awareness.setLocalStateField('name', 'Ann')
  await waitUntil('the map comes', () => ben.map.get('title') === 'Hello')
  await waitUntil('the text comes', () => ann.text.toString() === 'world')
  await waitUntil('the presence comes', () => ben.awareness.getStates().has(ann.doc.clientID))
  expect(ben.awareness.getStates().get(ann.doc.clientID)).toEqual({ name: 'Ann' })
  ann.provider.disconnect()
  await waitUntil('the presence goes', () => !ben.awareness.getStates().has(ann.doc.clientID))
})

it('[H1] a stock client brings the edits it made offline', async () => {
  const { url } = await startRelay()
  const ann = stockClient(url, 'd')
  await waitUntil('it is synced', () => ann.provider.synced)
  ann.provider.disconnect()
  ann.map.set('offline', true)
  ann.provider.connect()
  const ben = stockClient(url, 'd')
  await waitUntil('the edit comes', () => ben.map.get('offline') === true)
})

it('[H25] echoes an update to its author once it is durable, and not before: newer stock clients count on that', async () => {
  const log = holdLog(openMemoryLog())
  const { url } = await startRelay({ log })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/yjs/d`)
  onTestFinished(() => socket.terminate())
  const frames: Buffer[] = []
  socket.on('message', (data: Buffer) => frames.push(data))
  await waitUntil('the relay greets', () => frames.length === 1)
  const update = editsOf(new Y.Doc(), (doc) => void doc.getMap('m').set('a', 1))[0] as Uint8Array
  log.hold()
  socket.send(updateFrame(update))
  socket.send(step1Frame())
  await waitUntil('the step 1 is answered', () => frames.length === 2)
  expect(frames.some((frame) => Buffer.compare(frame, updateFrame(update)) === 0)).toBe(false)
  log.release()
  await waitUntil('the echo comes', () => frames.some((frame) => Buffer.compare(frame, updateFrame(update)) === 0))
})

it('[H25] an unmodified client of y-websocket 4, on Yjs 14, shares a document with those of version 3', async () => {
  const { url } = await startRelay()
  const ann = stockClient(url, 'd')
  await waitUntil('ann is synced', () => ann.provider.synced)
  const script = fileURLToPath(new URL('../../testing/y-websocket-4.js', import.meta.url))
  const child = spawn(process.execPath, [script, `${url.replace('http', 'ws')}/yjs`, 'd'])
  onTestFinished(() => void child.kill())
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said += String(text)))
  await waitUntil('its write comes', () => ann.map.get('ours') === 'written under Yjs 14')
  ann.map.set('theirs', 'written under Yjs 13')
  await waitUntil('it has ours', () => said.includes('theirs'))
  expect(said.split('\n').filter(Boolean).sort()).toEqual(['echoed', 'synced', 'theirs: written under Yjs 13'])
})

it('[H2] keeps a silent stock client alive, and hangs up on one that is gone', async () => {
  const timers = manualTimers()
  const { url } = await startRelay({ timers })
  const socket = new WebSocket(`${url.replace('http', 'ws')}/yjs/d`, { autoPong: false })
  const frames: Buffer[] = []
  let isClosed = false
  socket.on('message', (data: Buffer) => frames.push(data))
  socket.on('close', () => {
    isClosed = true
  })
  await waitUntil('the relay greets', () => frames.length === 1)
  timers.beat()
  await waitUntil('the keep-alive comes', () => frames.length === 2)
  expect(Buffer.compare(frames[1] ?? Buffer.of(), KEEP_ALIVE_FRAME)).toBe(0)
  for (let beat = 0; beat < 3; beat++) timers.beat()
  await waitUntil('the relay hangs up', () => isClosed)
})

/** A client that says when each byte goes. */
const rawClient = async (url: string, path: string) => {
  const { hostname, port } = new URL(url)
  const socket = createConnection(Number(port), hostname)
  onTestFinished(() => void socket.destroy())
  const state = { received: Buffer.alloc(0), isClosed: false }
  socket.on('data', (bytes) => (state.received = Buffer.concat([state.received, bytes])))
  socket.on('close', () => (state.isClosed = true))
  const key = Buffer.alloc(16).toString('base64')
  socket.write(
    `GET ${path} HTTP/1.1\r\nHost: ${hostname}:${port}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n` +
      `Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  )
  await waitUntil('it is greeted', () => state.received.includes(Buffer.of(0x82, 4, 0, 0, 1, 0)))
  return { socket, state, has: (...bytes: number[]) => state.received.includes(Buffer.from(bytes)) }
}

/** One frame, masked with zeros. */
const frame = (head: number, body: Uint8Array = Uint8Array.of()): Buffer =>
  Buffer.concat([Uint8Array.of(head, 0x80 | body.length, 0, 0, 0, 0), body])
const [BINARY_BEGINS, GOES_ON, BINARY, PONG] = [0x02, 0x80, 0x82, 0x8a]

it('[H26] a connection that was idle goes on as before, however its next bytes are cut', async () => {
  const timers = manualTimers()
  const relay = await startRelay({ timers, limits: { maxConnectionsPerAddress: 1 } })
  const client = await rawClient(relay.url, '/yjs/d')
  const { socket, state, has } = client
  const [first, second, third] = editsOf(
    new Y.Doc(),
    ...['a', 'b', 'c'].map((key) => (doc: Y.Doc) => void doc.getMap('m').set(key, 1)),
  ).map(updateFrame) as [Uint8Array, Uint8Array, Uint8Array]
  timers.beat()
  await waitUntil('it is pinged', () => has(0x89, 0))
  // A sign of life and the beginning of a message in one piece, the rest of it in the next.
  const message = frame(BINARY, first)
  socket.write(Buffer.concat([frame(PONG), message.subarray(0, 9)]))
  await new Promise((resolve) => setImmediate(resolve))
  socket.write(message.subarray(9))
  await waitUntil('it is echoed', () => has(0x82, first.length, ...first))
  // One within a message in two frames, and one by itself.
  socket.write(
    Buffer.concat([frame(BINARY_BEGINS, second.subarray(0, 5)), frame(PONG), frame(GOES_ON, second.subarray(5))]),
  )
  await waitUntil('that is echoed', () => has(0x82, second.length, ...second))
  for (let times = 0; times < 3; times++) socket.write(frame(PONG))
  socket.write(frame(BINARY, third))
  await waitUntil('and that', () => has(0x82, third.length, ...third))
  // Its address has one place, which it gives back.
  const other = new WebSocket(`${relay.url.replace('http', 'ws')}/yjs/d`)
  expect(String(await new Promise((resolve) => other.on('error', resolve)))).toContain('429')
  socket.end(frame(0x88, Uint8Array.of(3, 232)))
  await waitUntil('it is closed', () => state.isClosed)
  const next = await rawClient(relay.url, '/yjs/other')
  timers.beat()
  await waitUntil('the next is pinged', () => next.has(0x89, 0))
  next.socket.write(frame(PONG))
  await relay.close()
  await waitUntil('the next is told of the end', () => next.has(0x88))
})

it('[H3] closes a stock client for good if its room has no possible name', async () => {
  const { url } = await startRelay()
  const client = await connect(url, { path: '/yjs/a%20b', protocols: [] })
  expect(await client.end()).toMatchObject({ code: 4400 })
})

it('[H4] with a token, takes stock clients only if it may stand in the URL', async () => {
  const token = 'a-token-of-many-characters'
  const closed = await startRelay({ token })
  await expect(connect(closed.url, { path: `/yjs/d?token=${token}`, protocols: [] })).rejects.toThrow('401')
  const open = await startRelay({ token, yjsTokenInUrl: true })
  await expect(connect(open.url, { path: '/yjs/d?token=wrong', protocols: [] })).rejects.toThrow('401')
  const { provider } = stockClient(open.url, 'd', { token })
  await waitUntil('it is synced', () => provider.synced)
})

// Stock y-websocket clients on /yjs/<room>, unmodified.
import { spawn } from 'node:child_process'
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

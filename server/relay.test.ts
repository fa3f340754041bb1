// Starting and ending a relay in this process.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openMemoryLog } from './log/memory.ts'
import { createRelay } from './relay.ts'
import { testFolder } from './testing/folder.ts'
import { holdLog } from './testing/logs.ts'
import { editsOf, updateFrame } from './testing/member.ts'
import { startRelay } from './testing/relay.ts'
import { connect, greet } from './testing/sync-client.ts'

const update = () => editsOf(new Y.Doc(), (doc) => void doc.getMap('m').set('a', 1))[0] ?? Uint8Array.of()

it('[S1] refuses a port that is in use, with the cure', async () => {
  const { port } = await startRelay()
  const starting = startRelay({ port })
  await expect(starting).rejects.toMatchObject({
    code: 'port_in_use',
    message: expect.stringContaining('--port'),
  })
})

it('[S1] leaves the folder free when it cannot listen', async () => {
  const data = testFolder()
  const { port } = await startRelay()
  await expect(startRelay({ port, data })).rejects.toMatchObject({ code: 'port_in_use' })
  await startRelay({ data })
})

it('[S2] refuses to be reached from other machines without a token, with the cure', async () => {
  const message = expect.stringMatching(/MERROW_TOKEN.*127\.0\.0\.1/)
  for (const host of ['0.0.0.0', '::', '192.168.0.7', 'relay.example']) {
    await expect(startRelay({ host })).rejects.toMatchObject({ code: 'invalid_config', message })
  }
  await startRelay({ host: 'localhost' })
  await startRelay({ host: '0.0.0.0', token: 'a-token-of-many-characters' })
})

it('[S3] refuses a folder that another relay uses', async () => {
  const data = testFolder()
  await startRelay({ data })
  await expect(startRelay({ data })).rejects.toMatchObject({ code: 'folder_unusable' })
})

it('[S4] names all faults at once', async () => {
  const creating = createRelay({ port: 70_000, host: '0.0.0.0' })
  await expect(creating).rejects.toThrow(/Port 70000.*\nHost "0.0.0.0".*\n.*"data" or "log"/)
})

it('[S5] ends in order: acknowledges what it took, then closes its sockets with 1012', async () => {
  const log = holdLog(openMemoryLog())
  const relay = await startRelay({ log })
  const client = await greet(relay.url)
  client.send({ kind: 'open', channel: 1, document: 'd' })
  const { room } = await client.next('opened')
  await client.next('frame', ({ channel }) => channel === room)
  log.hold()
  client.send({ kind: 'frame', channel: 1, bytes: updateFrame(update()) })
  client.send({ kind: 'frame', channel: 1, bytes: Uint8Array.of(0, 0, 1, 0) })
  await client.next('frame', ({ bytes }) => bytes[1] === 1)
  const closed = relay.close()
  await expect(connect(relay.url)).rejects.toThrow()
  expect(client.closed).toBe(undefined)
  log.release()
  expect((await client.end()).code).toBe(1012)
  expect(client.messages.at(-1)).toEqual({ kind: 'ack', channel: 1, count: 1 })
  await closed
  await expect(log.read('d')).rejects.toMatchObject({ code: 'storage_failed' })
})

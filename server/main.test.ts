// The command line as a process of its own: what it prints, how it ends, and what survives a kill.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import * as Y from 'yjs'
import { decodeFrame } from './room/frame.ts'
import { buildProgram, removeProgram } from './testing/build-program.ts'
import { testFolder } from './testing/folder.ts'
import { editsOf, step1Frame, updateFrame } from './testing/member.ts'
import * as processes from './testing/relay.ts'
import { stockClient } from './testing/stock-client.ts'
import { greet } from './testing/sync-client.ts'
import { waitUntil } from './testing/wait.ts'

let main = ''
beforeAll(async () => {
  main = await buildProgram('../main.ts')
})
afterAll(() => removeProgram(main))
const runMerrow = (args: readonly string[]) => processes.runMerrow(args, {}, [main])
const runRelay = (args: readonly string[], env?: Readonly<Record<string, string>>) =>
  processes.runRelay(args, env, [main])

const portOf = (url: string) => new URL(url).port

it('[S6] has help, a version, and a sentence for an unknown command', async () => {
  const runs = [runMerrow(['--help']), runMerrow(['--version']), runMerrow(['relais'])] as const
  expect(await Promise.all(runs.map(({ ended }) => ended))).toEqual([0, 0, 2])
  expect(runs[0].output.stdout).toContain('merrow relay [options]')
  expect(runs[1].output.stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(runs[2].output.stderr).toMatch(/^merrow: .*"relais".*\n$/)
})

it('[S4] names all faults of the command line at once, without a stack', async () => {
  const run = runMerrow(['relay', '--port', 'x', '--host', '0.0.0.0', '--colour', '--token=abc', 'more'])
  expect(await run.ended).toBe(1)
  const lines = run.output.stderr.trim().split('\n')
  expect(lines).toHaveLength(5)
  expect(lines.every((line) => line.startsWith('merrow: '))).toBe(true)
  expect(run.output.stderr).not.toContain('abc')
})

it('[S3] says in one sentence that its folder cannot be used', async () => {
  const file = join(testFolder(), 'file')
  writeFileSync(file, '')
  const run = runMerrow(['relay', '--port', '0', '--data', join(file, 'data')])
  expect(await run.ended).toBe(1)
  expect(run.output.stderr).toMatch(/^merrow: Cannot use .*--data.*\n$/)
})

it.runIf(process.platform === 'linux')(
  '[S3] refuses a folder where none can be made, and does not try for ever',
  async () => {
    const run = runMerrow(['relay', '--port', '0', '--data', '/proc/nope/data'])
    expect(await run.ended).toBe(1)
    expect(run.output.stderr).toMatch(/^merrow: Cannot use .*ENOENT.*--data.*\n$/)
  },
)

it('[S7] takes its settings from the environment, and the token from a file', async () => {
  const folder = testFolder()
  const file = join(folder, 'token')
  writeFileSync(file, 'a-token-of-many-characters\n')
  const { url, output } = await runRelay(['--token-file', file], {
    MERROW_HOST: '0.0.0.0',
    MERROW_DATA: folder,
  })
  expect(output.stdout).toContain(`(data in ${folder})`)
  await greet(`http://127.0.0.1:${portOf(url)}`, 'a-token-of-many-characters')
})

it('[S5] ends on SIGTERM with code 0, and closes its sockets with 1012', async () => {
  const { url, child, ended } = await runRelay(['--data', testFolder()])
  const client = await greet(url)
  child.kill('SIGTERM')
  expect([(await client.end()).code, await ended]).toEqual([1012, 0])
})

it('[S8] loses nothing that it acknowledged when it is killed', async () => {
  const data = testFolder()
  const first = await runRelay(['--data', data])
  const client = await greet(first.url)
  const doc = new Y.Doc()
  const edits = Array.from({ length: 300 }, (_, n) => (d: Y.Doc) => void d.getMap('m').set(`k${n}`, n))
  client.send({ kind: 'open', channel: 1, document: 'd' })
  for (const update of editsOf(doc, ...edits)) client.send({ kind: 'frame', channel: 1, bytes: updateFrame(update) })
  const { count } = await client.next('ack', (ack) => ack.count >= 50)
  first.child.kill('SIGKILL')
  await first.ended
  const second = await runRelay(['--data', data])
  const again = await greet(second.url)
  again.send({ kind: 'open', channel: 1, document: 'd' })
  again.send({ kind: 'frame', channel: 1, bytes: step1Frame() })
  await again.next('frame', (frame) => frame.bytes[1] === 1)
  const kept = new Y.Doc()
  for (const message of again.messages) {
    const frame = message.kind === 'frame' ? decodeFrame(message.bytes) : undefined
    if (frame?.kind === 'update') Y.applyUpdate(kept, frame.update)
  }
  expect(kept.getMap('m').size).toBeGreaterThanOrEqual(count)
})

it('[S9] stock clients go on after the relay is killed and started again', async () => {
  const data = testFolder()
  const first = await runRelay(['--data', data])
  const [ann, ben] = [stockClient(first.url, 'd'), stockClient(first.url, 'd')]
  await waitUntil('both are synced', () => ann.provider.synced && ben.provider.synced)
  ann.map.set('before', 1)
  await waitUntil('the edit comes', () => ben.map.get('before') === 1)
  first.child.kill('SIGKILL')
  await first.ended
  ann.map.set('meanwhile', 2)
  await runRelay(['--data', data, '--port', portOf(first.url)])
  const late = stockClient(first.url, 'd')
  await waitUntil('all edits are there', () => late.map.get('before') === 1 && late.map.get('meanwhile') === 2)
  ben.text.insert(0, 'after')
  await waitUntil('the text comes', () => ann.text.toString() === 'after')
})

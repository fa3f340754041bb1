// `merrow bridge failed`, `retry`, `edit`, `discard` and `trace`, against a bridge that runs in this process.
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished, vi } from 'vitest'
import { createDatabase } from '../../../src/index.ts'
import { relay as relaySync } from '../../../src/sync/index.ts'
import { testFolder } from '../../testing/folder.ts'
import { startRelay } from '../../testing/relay.ts'
import { waitUntil } from '../../testing/wait.ts'
import { readArguments } from '../arguments.ts'
import { command as bridgeCommand } from '../bridge.ts'
import { schema } from '../testing/bridge-schema.ts'
import { startService } from '../testing/service.ts'
import { startBridge } from './bridge.ts'
import { BRIDGE_OPTIONS, readBridge } from './config.ts'

const CONFIG = fileURLToPath(new URL('../testing/bridge-config.ts', import.meta.url))
const TOKENS = { MERROW_TOKEN: 'a-token-of-many-characters', SERVICE_TOKEN: 'the-token-of-the-service' }

const setUp = async () => {
  const { fake, url } = await startService(TOKENS.SERVICE_TOKEN)
  const relay = await startRelay({ token: TOKENS.MERROW_TOKEN, leaseMs: 2000 })
  vi.stubEnv('SERVICE_URL', url)
  onTestFinished(() => void vi.unstubAllEnvs())
  const at = ['--config', CONFIG, '--relay', relay.url]
  const said: string[] = []
  for (const method of ['log', 'error'] as const)
    vi.spyOn(console, method).mockImplementation((text) => void said.push(String(text)))
  onTestFinished(() => void vi.restoreAllMocks())
  /** Needs no token of the service, and no store. */
  const operate = async (...args: string[]) => {
    said.length = 0
    const code = await bridgeCommand.run([...args, ...at], { MERROW_TOKEN: TOKENS.MERROW_TOKEN })
    return { code, text: said.join('\n') }
  }
  const sync = relaySync({ url: relay.url, token: TOKENS.MERROW_TOKEN })
  const db = await createDatabase({ name: 'acme', schema, sync })
  onTestFinished(() => db.close())
  const failures: unknown[] = []
  const start = async (): Promise<void> => {
    const given = readArguments('bridge', [...at, '--store', testFolder()], { values: BRIDGE_OPTIONS })
    const bridge = await startBridge(
      await readBridge(given, TOKENS),
      (_level, message, fields) => {
        if (message.includes('dead letter')) failures.push(fields)
      },
      () => {},
    )
    onTestFinished(() => bridge.close())
  }
  return { fake, db, operate, start, failures }
}

it('[B4] lists the dead letter with what waits, has it sent again, mended or given up while the bridge runs, and exports the trace', {
  timeout: 90_000,
}, async () => {
  const { fake, db, operate, start, failures } = await setUp()
  const projectId = db.projects.insert({ name: 'poison' })
  const waiting = db.tasks.insert({ title: 'waits', projectId })
  const mended = db.tasks.insert({ title: 'poison' })
  await start()
  await waitUntil('both are refused', () => failures.some((one) => (one as { failed: number }).failed === 2), 60_000)

  const { code, text } = await operate('failed')
  expect(code).toBe(0)
  const shown = ['refused (422)', `insert of "${projectId}"`, '1 wait for it:', `"${waiting}"`, '{"error":"poison"}']
  for (const part of shown) expect(text).toContain(part)
  const failed = JSON.parse((await operate('failed', '--json')).text) as { id: string; row: string }[]
  const idOf = (row: string): string => failed.find((one) => one.row === row)?.id ?? ''
  const alone = await operate('discard', idOf(projectId))
  expect(alone).toMatchObject({ code: 1, text: expect.stringContaining(`insert of "${waiting}"`) })
  expect(await operate('discard', idOf(projectId), '--with-dependants')).toMatchObject({ code: 0 })
  await waitUntil('it is taken back', () => db.projects.get(projectId) === undefined)
  expect(await operate('edit', idOf(mended), '--data', '{"title":"mended"}')).toMatchObject({ code: 0 })
  await waitUntil('it is sent', () => fake.live('tasks').some(({ fields }) => fields['title'] === 'mended'))
  const trace = JSON.parse((await operate('trace')).text) as { row: string; outcome: string }[]
  expect(trace.find(({ row }) => row === projectId)?.outcome).toBe('discarded')
  expect(await operate('retry', '--all')).toMatchObject({ code: 0, text: '' })
  expect(await operate('failed')).toMatchObject({ text: 'The dead letter is empty.' })
})

it('[B4] names all faults at once, and says so when no bridge answers', async () => {
  const { operate } = await setUp()
  const faults = operate('edit', '--data', '7', '--timeout', '0', '--all')
  for (const fault of ['--data', '--timeout', '--all']) await expect(faults).rejects.toThrow(fault)
  await expect(operate('retry')).rejects.toThrow('by their ids')
  await expect(operate('failed', '--backend', 'shop')).rejects.toThrow('say which of service')
  await expect(operate('fail')).rejects.toThrow('"fail" is not one of failed, retry')
  const { code, text } = await operate('retry', 'x', '--timeout', '0.05')
  expect([code, text]).toEqual([1, expect.stringContaining('No bridge of "service" answered')])
})

// `merrow bridge` as processes beside a relay: one sends, another takes over when it is killed, and one that is told to end ends well.
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { createDatabase } from '../../src/index.ts'
import { relay as relaySync } from '../../src/sync/index.ts'
import { testFolder } from '../testing/folder.ts'
import { type Run, runMerrow, startRelay } from '../testing/relay.ts'
import { waitUntil } from '../testing/wait.ts'
import { schema } from './testing/bridge-schema.ts'
import { startService } from './testing/service.ts'

const CONFIG = fileURLToPath(new URL('./testing/bridge-config.ts', import.meta.url))
const LEASE_MS = 2000
const SECRETS = { MERROW_TOKEN: 'a-token-of-many-characters', SERVICE_TOKEN: 'the-token-of-the-service' }

const leads = ({ output }: Run): boolean => output.stderr.includes('sends and pulls for all')

it('[B1] bridges: one sends for all, another takes over within the lease time when it is killed, and SIGTERM ends one well', {
  timeout: 90_000,
}, async () => {
  const { fake, url } = await startService(SECRETS.SERVICE_TOKEN)
  const relay = await startRelay({ token: SECRETS.MERROW_TOKEN, leaseMs: LEASE_MS })
  const folder = testFolder()
  const run = (store: string): Run =>
    runMerrow(['bridge', '--config', CONFIG, '--relay', relay.url, '--store', join(folder, store)], {
      ...SECRETS,
      SERVICE_URL: url,
    })
  const db = await createDatabase({
    ...{ name: 'acme', schema },
    sync: relaySync({ url: relay.url, token: SECRETS.MERROW_TOKEN }),
  })
  onTestFinished(() => db.close())
  const write = (title: string): void =>
    void db.tasks.insert({ title, projectId: db.projects.insert({ name: `project of ${title}` }) })
  const titles = (): unknown[] => fake.live('tasks').map(({ fields }) => fields['title'])

  write('first')
  const bridges = [run('a'), run('b')]
  await waitUntil('one leads and has sent', () => bridges.some(leads) && titles().length === 1, 60_000)
  const [leader, other] = (leads(bridges[0] as Run) ? bridges : [...bridges].reverse()) as [Run, Run]
  expect(leads(other)).toBe(false)
  for (let at = 0; at < 20; at++) write(`more ${at}`)
  await waitUntil('some are sent', () => titles().length > 3, 30_000)
  leader.child.kill('SIGKILL')
  const killedMs = Date.now()
  await waitUntil('the other leads', () => leads(other), 2 * LEASE_MS + 2000)
  expect(Date.now() - killedMs).toBeLessThan(2 * LEASE_MS)
  write('last')
  await waitUntil('all are sent', () => titles().length === 22)
  expect(new Set(titles()).size).toBe(22)
  expect(fake.live('projects').length).toBe(22)
  expect([...fake.effects.values()].every((count) => count === 1)).toBe(true)

  // Another one of the same folder is refused, and one that was killed is no hindrance.
  const same = run(bridges.indexOf(other) === 0 ? 'a' : 'b')
  expect(await same.ended).toBe(1)
  expect(same.output.stderr).toContain('another process')
  other.child.kill('SIGTERM')
  expect(await other.ended).toBe(0)
  expect(other.output.stderr).toContain('has ended')
  for (const { output } of [leader, other, same])
    for (const secret of Object.values(SECRETS)) expect(output.stdout + output.stderr).not.toContain(secret)
})

it('[B2] all faults are named at once, and no token', async () => {
  const { ended, output } = runMerrow(['bridge', '--config', CONFIG, '--log-level', 'loud', '--token', 'secret'], {})
  const none = runMerrow(['bridge', '--config', 'nowhere.js'], {})
  expect(await ended).toBe(1)
  for (const fault of ['--token', '--log-level', '--relay', '--store', 'SERVICE_TOKEN'])
    expect(output.stderr).toContain(fault)
  expect(await none.ended).toBe(1)
  expect(none.output.stderr).toContain('there is no such file')
})

it('[B2] a relay that refuses ends it, and says why', async () => {
  const relay = await startRelay({ token: SECRETS.MERROW_TOKEN, leaseMs: LEASE_MS })
  const args = ['bridge', '--config', CONFIG, '--relay', relay.url, '--store', testFolder()]
  const { ended, output } = runMerrow(args, { MERROW_TOKEN: 'another-token-of-many', SERVICE_TOKEN: 'x' })
  expect(await ended).toBe(1)
  expect(output.stderr).toContain('did not take the token')
})

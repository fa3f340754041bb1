// The commands for operators, on real folders, beside a relay that runs.
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it, onTestFinished, vi } from 'vitest'
import * as Y from 'yjs'
import { openFileLog } from '../log/file-log.ts'
import { KEEP_ALL } from '../log/retention.ts'
import { createRelay } from '../relay.ts'
import { testFolder } from '../testing/folder.ts'
import { startRelay } from '../testing/relay.ts'
import { greet } from '../testing/sync-client.ts'
import { JWT, tokenFor } from '../testing/tokens.ts'
import { command as backupCommand } from './backup.ts'
import type { Command } from './command.ts'
import { command as inspectCommand } from './inspect.ts'
import { command as restoreCommand } from './restore.ts'
import { command as revokeCommand } from './revoke.ts'
import { command as snapshotsCommand } from './snapshots.ts'
import { command as verifyCommand } from './verify.ts'

/** Runs a command in this process. */
const run = async (command: Command, args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
  const said: string[] = []
  const [log, error] = (['log', 'error'] as const).map((method) =>
    vi.spyOn(console, method).mockImplementation((text) => void said.push(String(text))),
  )
  try {
    return { code: await command.run(args, env), said: said.join('\n') }
  } finally {
    log?.mockRestore()
    error?.mockRestore()
  }
}

/** A folder with a document of two snapshots. */
const setup = async () => {
  const data = testFolder()
  const log = await openFileLog({ folder: data })
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => void updates.push(update))
  const write = async (text: string) => {
    doc.getText('t').insert(0, text)
    const upTo = await log.append('acme/notes', updates.splice(0))
    const [state, stateVector] = [Y.encodeStateAsUpdate(doc), Y.encodeStateVector(doc)]
    return { upTo, state, stateVector, deletes: Y.diffUpdate(state, stateVector) }
  }
  await log.putSnapshot('acme/notes', await write('one'))
  await log.putSnapshot('acme/notes', await write('two '))
  await write('three ')
  await log.close()
  return data
}

const textIn = async (folder: string, document = 'acme/notes') => {
  const log = await openFileLog({ folder, isReadOnly: true })
  const { snapshot, entries } = await log.read(document)
  const doc = new Y.Doc()
  if (snapshot !== undefined) Y.applyUpdate(doc, await snapshot.state())
  for (const { update } of entries) Y.applyUpdate(doc, update)
  await log.close()
  return doc.getText('t').toString()
}

it('[O18] inspect and snapshots say what there is, and nothing of what was written', async () => {
  const data = await setup()
  await startRelay({ data })
  const inspected = await run(inspectCommand, ['acme/notes', '--data', data])
  expect(inspected).toMatchObject({ code: 0, said: expect.stringMatching(/updates +3\nsnapshot +up to update 2/) })
  expect(inspected.said).not.toContain('one')
  const listed = await run(snapshotsCommand, ['acme/notes', '--data', data])
  expect(listed.said.split('\n').map((line) => Number(line.trim().split(' ')[0]))).toEqual([2, 1])
  expect((await run(snapshotsCommand, ['--data', data])).said).toBe('acme/notes')
  expect((await run(inspectCommand, ['none', '--data', data])).code).toBe(1)
  await expect(run(inspectCommand, ['--data', data, '--colour'])).rejects.toThrow(
    /--colour is unknown[\s\S]*Give the name/,
  )
})

it('[O19] restore works in a folder, through a relay, and into a new document', async () => {
  const data = await setup()
  expect((await run(restoreCommand, ['acme/notes', '--at', '2', '--data', data])).code).toBe(0)
  expect(await textIn(data)).toBe('two one')
  const relay = await createRelay({ port: 0, data, logger: () => {}, retention: KEEP_ALL })
  onTestFinished(() => relay.close())
  await expect(run(restoreCommand, ['acme/notes', '--at', '1', '--data', data])).rejects.toMatchObject({
    code: 'folder_unusable',
  })
  expect((await run(restoreCommand, ['acme/notes', '--at', '1', '--relay', relay.url])).code).toBe(0)
  expect((await run(restoreCommand, ['acme/notes', '--at', '2', '--as', 'old', '--relay', relay.url])).code).toBe(0)
  await expect(run(restoreCommand, ['acme/notes', '--at', '77', '--relay', relay.url])).rejects.toThrow(
    /no snapshot 77/,
  )
  await relay.close()
  expect([await textIn(data), await textIn(data, 'old')]).toEqual(['one', 'two one'])
})

it('[O20] a backup of a log that is written to all the time is whole, and holds what was acknowledged before', async () => {
  const data = testFolder()
  const log = await openFileLog({ folder: data, journalBytes: 300 })
  let isWriting = true
  const heads = new Map<string, number>()
  const writing = Promise.all(
    ['a', 'b', 'c'].map(async (name) => {
      while (isWriting) {
        const head = await log.append(name, [new Uint8Array(30)])
        const snapshot = { state: new Uint8Array(20), stateVector: Uint8Array.of(0), deletes: Uint8Array.of(0, 0) }
        if (head % 9 === 0) await log.putSnapshot(name, { upTo: head, ...snapshot })
        heads.set(name, head)
      }
    }),
  )
  for (let round = 0; round < 5; round++) {
    const target = join(testFolder(), 'backup')
    const before = new Map(heads)
    expect((await run(backupCommand, [target, '--data', data])).code).toBe(0)
    const copy = await openFileLog({ folder: target })
    for (const [name, head] of before) {
      const { snapshot, entries } = await copy.read(name)
      expect(entries.at(-1)?.seq ?? snapshot?.upTo).toBeGreaterThanOrEqual(head)
    }
    await copy.close()
    expect((await run(verifyCommand, ['--data', data])).code).toBe(0)
    await expect(run(backupCommand, [target, '--data', data])).rejects.toThrow(/not empty/)
  }
  isWriting = false
  await writing
  await log.close()
})

it('[O21] verify reads every record, and names each document that is damaged', async () => {
  const data = await setup()
  expect(await run(verifyCommand, ['--data', data])).toMatchObject({
    code: 0,
    said: expect.stringMatching(/^1 documents, 1 updates, 2 snapshots, .* 0 faults$/),
  })
  const [state = ''] = readdirSync(data, { recursive: true, encoding: 'utf8' }).filter((name) =>
    name.endsWith('.state'),
  )
  const bytes = readFileSync(join(data, state))
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  writeFileSync(join(data, state), bytes)
  expect(await run(verifyCommand, ['--data', data])).toMatchObject({
    code: 1,
    said: expect.stringContaining('Cannot read document "acme/notes"'),
  })
})

it('[A12] revoke closes a user through a relay that runs, with the admin token alone', async () => {
  const adminToken = 'an-admin-token-of-many-characters'
  const { url } = await startRelay({ jwt: JWT, adminToken })
  const ann = await greet(url, await tokenFor('ann'))
  const revoke = (token: string) => run(revokeCommand, ['ann', '--relay', url], { MERROW_ADMIN_TOKEN: token })
  await expect(revoke('another-token-of-many-characters')).rejects.toThrow(/401.*admin token/)
  expect(ann.closed).toBe(undefined)
  expect((await revoke(adminToken)).said).toBe('the tokens of ann are revoked')
  expect((await ann.end()).code).toBe(4401)
  await expect(run(revokeCommand, [], {})).rejects.toThrow(/--relay.*MERROW_ADMIN_TOKEN.*claim "sub"/s)
  const shared = await startRelay({ token: 'a-shared-token-of-many-characters', adminToken })
  const asked = run(revokeCommand, ['ann', '--relay', shared.url], { MERROW_ADMIN_TOKEN: adminToken })
  await expect(asked).rejects.toThrow(/409.*name no users/)
})

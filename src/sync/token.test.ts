// Tokens and client ids, from the client's side, against a real relay in this process.
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { signToken } from '../../server/auth/development-token.ts'
import { createRelay, openMemoryLog, type RelayOptions } from '../../server/index.ts'
import { manualTimers } from '../../server/testing/timers.ts'
import { JWT, SECRET } from '../../server/testing/tokens.ts'
import { waitUntil } from '../../server/testing/wait.ts'
import { relay, type TokenSource } from './index.ts'
import type { SyncSession } from './port.ts'

const start = async (options: RelayOptions = {}) => {
  const started = await createRelay({ port: 0, log: openMemoryLog(), jwt: JWT, logger: () => {}, ...options })
  onTestFinished(() => started.close())
  return started
}
const tokenFor = (subject: string, now: () => number = Date.now) =>
  signToken({
    ...{ secret: SECRET, issuer: JWT.issuer, audience: JWT.audience },
    ...{ subject, grants: { '*': 'write' }, lifetimeS: 600, now },
  })

/** Timers that wait until they are told, each known by how long it would wait. */
const heldTimers = () => {
  const held = new Map<object, { readonly ms: number; readonly work: () => void }>()
  return {
    setTimeout(work: () => void, ms: number) {
      const timer = {}
      held.set(timer, { ms, work })
      return timer
    },
    clearTimeout: (timer: unknown) => void held.delete(timer as object),
    longestMs: () => Math.max(0, ...Array.from(held.values(), ({ ms }) => ms)),
    /** Runs what waits at least so long. */
    runFrom(fromMs: number) {
      const due = [...held].filter(([, { ms }]) => ms >= fromMs)
      for (const [timer, { work }] of due) {
        held.delete(timer)
        work()
      }
      return due.length
    },
  }
}

const synced = (url: string, token: TokenSource, document = new Y.Doc(), timers = heldTimers()) => {
  const statuses: string[] = []
  let started: SyncSession | undefined
  const session = relay({ url, token, timers, random: () => 0 }).start({
    documents: new Map([['d', document]]),
    onStatus: () => void statuses.push(started?.connection ?? 'connecting'),
    position: () => 0,
    flush: () => {},
    onAcknowledged: () => {},
  })
  started = session
  onTestFinished(() => session.close())
  return { session, document, statuses, timers }
}

it('[N13] asks for a new token before the last one expires, and goes on without reconnecting, losing nothing', async () => {
  let nowMs = Date.now()
  const now = () => nowMs
  const relayTimers = manualTimers()
  const { url } = await start({ now, timers: relayTimers })
  let asked = 0
  const token = async () => {
    asked += 1
    return tokenFor('ann', now)
  }
  const { session, document, statuses, timers } = synced(url, token)
  await session.acknowledged()
  nowMs += 540_000
  document.getMap('m').set('before', 1)
  await waitUntil('it will be renewed', () => timers.longestMs() > 500_000)
  expect(timers.runFrom(500_000)).toBe(1)
  await waitUntil('it is renewed, and will be again', () => asked === 2 && timers.longestMs() > 500_000)
  document.getMap('m').set('renewed', 1)
  await session.acknowledged()
  nowMs += 120_000
  document.getMap('m').set('after the first end', 1)
  await session.acknowledged()
  expect([session.connection, session.unsent, statuses.includes('offline')]).toEqual(['connected', 0, false])
})

it('[N13] an expired token is no refusal: the next connection brings a new one', async () => {
  let nowMs = Date.now()
  const now = () => nowMs
  const relayTimers = manualTimers()
  const { url } = await start({ now, timers: relayTimers })
  const { session, document, timers } = synced(url, () => tokenFor('ann', now))
  await session.acknowledged()
  nowMs += 601_000
  relayTimers.expire()
  await waitUntil('the relay hangs up', () => session.connection === 'offline')
  document.getMap('m').set('offline', 1)
  timers.runFrom(0)
  await session.acknowledged()
  expect(session.connection).toBe('connected')
})

it('[N14] takes a fresh client id when another user writes under its own', async () => {
  const { url } = await start()
  const [annDoc, benDoc] = [new Y.Doc(), new Y.Doc()]
  benDoc.clientID = annDoc.clientID
  const ann = synced(url, () => tokenFor('ann'), annDoc)
  annDoc.getMap('m').set('ann', 1)
  await ann.session.acknowledged()
  const ben = synced(url, () => tokenFor('ben'), benDoc)
  await waitUntil('the id is fresh', () => benDoc.clientID !== annDoc.clientID)
  benDoc.getMap('m').set('ben', 1)
  await waitUntil('it is taken in', () => {
    ben.timers.runFrom(0)
    return annDoc.getMap('m').has('ben')
  })
  expect(benDoc.getMap('m').toJSON()).toEqual({ ann: 1, ben: 1 })
})

it('[N15] a document that the token does not allow is named, and the others go on', async () => {
  const { url } = await start()
  const token = await signToken({
    ...{ secret: SECRET, issuer: JWT.issuer, audience: JWT.audience },
    ...{ subject: 'ann', grants: { other: 'write' } },
  })
  const { session } = synced(url, token)
  await waitUntil('it is refused', () => session.connection === 'refused')
  expect(session.error).toMatchObject({ code: 'relay_refused', message: expect.stringContaining('"d"') })
})

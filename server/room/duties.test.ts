// Duties: one holder at a time, with a clock that the test turns; and over a socket.
import { expect, it } from 'vitest'
import { startRelay } from '../testing/relay.ts'
import { greet } from '../testing/sync-client.ts'
import { JWT, tokenFor } from '../testing/tokens.ts'
import { Duties } from './duties.ts'

const LEASE_MS = 1000
const open = (startMs = 0) => {
  const clock = { ms: startMs }
  const duties = new Duties({ leaseMs: LEASE_MS, elapsedMs: () => clock.ms, now: () => 5_000_000 + clock.ms })
  return { clock, duties }
}

it('[H26] a duty is one holder’s until it has not claimed it for one lease time', () => {
  const { clock, duties } = open()
  clock.ms = LEASE_MS
  const first = duties.claim('acme/_bridge-x', 'ann')
  expect(first).toMatchObject({ kind: 'granted', leaseMs: LEASE_MS })
  clock.ms += 600
  expect(duties.claim('acme/_bridge-x', 'ben')).toMatchObject({ kind: 'denied', waitMs: 400 })
  expect(duties.claim('acme/_bridge-x', 'ann')).toEqual(first)
  clock.ms += 999
  expect(duties.claim('acme/_bridge-x', 'ben').kind).toBe('denied')
  clock.ms += 1
  const second = duties.claim('acme/_bridge-x', 'ben')
  expect(second.kind === 'granted' && first.kind === 'granted' && second.number > first.number).toBe(true)
  duties.release('acme/_bridge-x', 'ann')
  expect(duties.claim('acme/_bridge-x', 'ann').kind).toBe('denied')
  duties.release('acme/_bridge-x', 'ben')
  expect(duties.claim('acme/_bridge-x', 'ann').kind).toBe('granted')
})

it('[H27] a relay that has just started grants nothing for one lease time, and then higher numbers', () => {
  const before = open()
  before.clock.ms = LEASE_MS
  const last = before.duties.claim('acme/d', 'ann')
  const after = open(LEASE_MS + 1)
  expect(after.duties.claim('acme/d', 'ann')).toMatchObject({ kind: 'denied', waitMs: LEASE_MS })
  after.clock.ms += LEASE_MS
  const next = after.duties.claim('acme/d', 'ben')
  expect(last.kind === 'granted' && next.kind === 'granted' && next.number > last.number).toBe(true)
})

it('[H26] duties that nobody claims any more make room, and no more are held than that', () => {
  const { clock, duties } = open()
  clock.ms = LEASE_MS
  for (let at = 0; at < 10_000; at++) duties.claim(`d${at}`, 'ann')
  expect(duties.claim('one more', 'ann').kind).toBe('denied')
  clock.ms += LEASE_MS
  expect(duties.claim('one more', 'ann').kind).toBe('granted')
})

it('[H28] whoever may write under a duty’s name may hold it, and the welcome says that there are duties', async () => {
  const { url } = await startRelay({ jwt: JWT, leaseMs: 0 })
  const client = await greet(url, await tokenFor('ann', { grants: { 'acme/*': 'write', 'acme/private': 'read' } }))
  expect((await client.next('welcome')).leaseMs).toBe(0)
  const holder = crypto.randomUUID()
  for (const duty of ['acme/d', 'acme/private', 'other/d', 'acme/../d']) client.send({ kind: 'claim', duty, holder })
  expect((await client.next('granted')).duty).toBe('acme/d')
  for (const duty of ['acme/private', 'other/d', 'acme/../d'])
    expect((await client.next('denied', (m) => m.duty === duty)).waitMs).toBe(undefined)
  client.send({ kind: 'claim', duty: 'acme/d', holder: 'guessed' })
  expect((await client.end()).code).toBe(4400)
})

// A duty's end at the client, with clocks that the test turns: it lets go before the relay gives it to another.
import { expect, it } from 'vitest'
import { Duty } from './duty.ts'
import type { Message } from './wire.ts'

const LEASE_MS = 1000

const open = () => {
  const clock = { ms: 50_000, elapsedMs: 0 }
  const timers = new Map<number, { work: () => void; atMs: number }>()
  const posted: Message[] = []
  const terms: { lost: AbortSignal; number: number }[] = []
  const refused: Error[] = []
  let last = 0
  const duty = new Duty({
    duty: 'acme/_bridge-x',
    holder: 'ann',
    line: { post: (message) => posted.push(message) },
    clocks: { now: () => clock.ms, elapsedMs: () => clock.elapsedMs },
    timers: {
      setTimeout(work, ms) {
        timers.set(++last, { work, atMs: clock.elapsedMs + ms })
        return last
      },
      clearTimeout: (timer) => timers.delete(timer as number),
    },
    random: () => 0,
    work: (lost, number) => terms.push({ lost, number }),
    onRefused: (error) => refused.push(error),
  })
  const pass = (ms: number, { withTimers = true } = {}): void => {
    clock.ms += ms
    clock.elapsedMs += ms
    if (!withTimers) return
    for (const [timer, { work, atMs }] of timers) if (atMs <= clock.elapsedMs && timers.delete(timer)) work()
  }
  const claims = (): number => posted.filter(({ kind }) => kind === 'claim').length
  return { duty, clock, pass, posted, terms, refused, claims }
}

it('[N19] who is granted a duty works, goes on claiming, and works on', () => {
  const { duty, pass, terms, claims } = open()
  duty.connected(LEASE_MS)
  duty.granted(7, LEASE_MS)
  for (let at = 2; at < 6; at++) {
    pass(334)
    expect(claims()).toBe(at)
    duty.granted(7, LEASE_MS)
  }
  expect(terms).toMatchObject([{ number: 7, lost: { aborted: false } }])
})

it('[N20] a holder who hears nothing more stops a fifth of the lease time before it ends, counted from its claim', () => {
  const { duty, pass, terms } = open()
  duty.connected(LEASE_MS)
  pass(300)
  duty.granted(7, LEASE_MS)
  pass(499)
  expect([duty.isHeld, terms[0]?.lost.aborted]).toEqual([true, false])
  pass(1)
  expect([duty.isHeld, terms[0]?.lost.aborted]).toEqual([false, true])
})

it.each([
  ['a process that was stopped', 800, 800],
  ['a machine that slept', 800, 0],
  ['a wall clock that was set back', -60_000, 800],
])('[N20] %s holds nothing any more, before any timer says so', (_, wallMs, elapsedMs) => {
  const { duty, clock } = open()
  duty.connected(LEASE_MS)
  duty.granted(7, LEASE_MS)
  clock.ms += wallMs
  clock.elapsedMs += elapsedMs
  expect(duty.isHeld).toBe(false)
})

it('[N20] an answer that comes too late is no grant, and one under another number a new term', () => {
  const { duty, pass, terms } = open()
  duty.connected(LEASE_MS)
  pass(801)
  duty.granted(7, LEASE_MS)
  expect(terms).toEqual([])
  duty.connected(LEASE_MS)
  duty.granted(8, LEASE_MS)
  duty.granted(9, LEASE_MS)
  expect(terms).toMatchObject([
    { number: 8, lost: { aborted: true } },
    { number: 9, lost: { aborted: false } },
  ])
})

it('[N21] who waits asks again, and who ends gives the duty back at once', () => {
  const { duty, pass, posted, claims, terms } = open()
  duty.connected(LEASE_MS)
  duty.denied('somebody else holds it', 900)
  pass(900)
  expect(claims()).toBe(2)
  duty.granted(7, LEASE_MS)
  duty.release()
  expect([terms[0]?.lost.aborted, posted.at(-1)?.kind]).toEqual([true, 'release'])
  pass(10_000)
  expect(claims()).toBe(2)
})

it('[N21] a relay without leases, or one that refuses for good, is an error with its cure', () => {
  const { duty, refused } = open()
  duty.connected(undefined)
  duty.denied('the token does not let you write under this name', undefined)
  expect(refused.map(({ message }) => message)).toEqual([
    expect.stringContaining('Update it'),
    expect.stringContaining('does not let you write'),
  ])
})

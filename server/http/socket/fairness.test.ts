// Rates, addresses and heartbeats, without sockets.
import { expect, it } from 'vitest'
import { manualTimers } from '../../testing/timers.ts'
import { Addresses, type Place } from './addresses.ts'
import { Bucket } from './bucket.ts'
import { createHeartbeat, Peer } from './heartbeat.ts'
import { Allowance } from './intake.ts'

it('[F2] a bucket lets a burst pass, then asks to wait as long as the debt takes', () => {
  let nowMs = 0
  const bucket = new Bucket({ perSecond: 10, burst: 20 }, () => nowMs)
  expect([bucket.take(20), bucket.take(5)]).toEqual([0, 500])
  nowMs += 500
  expect(bucket.take(0)).toBe(0)
  nowMs += 60_000
  expect([bucket.take(20), bucket.take(1)]).toEqual([0, 100])
})

it('[F2] messages, bytes and presence have rates of their own; a clock set back earns nothing', () => {
  let nowMs = 10_000
  const rate = { perSecond: 10, burst: 10 }
  const rates = { frames: rate, bytes: { perSecond: 1000, burst: 1000 }, presence: rate, faults: rate }
  const one = new Allowance(rates, () => nowMs)
  expect([one.message(900), one.message(1100), one.presence()]).toEqual([0, 1000, 0])
  nowMs -= 5000
  expect(one.message(0)).toBe(1000)
  const many = new Allowance(rates, () => nowMs, 4)
  expect([many.message(4000), many.message(4)]).toEqual([0, 1])
})

it('[F2] what was counted is let go of when it matters no more, and not before', () => {
  let nowMs = 0
  const rate = { perSecond: 10, burst: 10 }
  const allowance = new Allowance(
    { frames: rate, bytes: { perSecond: 1, burst: 10 }, presence: rate, faults: rate },
    () => nowMs,
  )
  expect(allowance.isFull).toBe(true)
  allowance.message(5)
  expect(allowance.isFull).toBe(false)
  nowMs += 4999
  expect(allowance.isFull).toBe(false)
  nowMs += 1
  expect(allowance.isFull).toBe(true)
  allowance.fault()
  expect(allowance.isFull).toBe(false)
})

it('[F4] who was refused often waits, even if he comes back', () => {
  const rate = { perSecond: 5, burst: 3 }
  const allowance = new Allowance({ frames: rate, bytes: rate, presence: rate, faults: rate }, () => 0)
  expect([1, 2, 3].map(() => allowance.fault())).toEqual([0, 0, 0])
  expect([allowance.hasManyFaults, allowance.fault(), allowance.hasManyFaults]).toEqual([false, 200, true])
})

it('[F1] counts the connections of an address, and gives places back', () => {
  const addresses = new Addresses(2)
  const enter = (address: string): boolean => addresses.enter(address) !== undefined
  const first = addresses.enter('a') as Place
  expect([enter('a'), enter('a'), enter('b')]).toEqual([true, false, true])
  addresses.leave(first)
  expect([enter('a'), enter('a')]).toEqual([true, false])
})

it('[H14] gives up a silent peer at the third beat, and not one that still takes in what it was sent', () => {
  const timers = manualTimers()
  const heartbeat = createHeartbeat(timers, 15_000)
  class TestPeer extends Peer {
    pings = 0
    isGone = false
    readonly line: { sentBytes: number; isBehind: boolean }
    constructor(isBehind: boolean) {
      super()
      this.line = { sentBytes: 0, isBehind }
    }
    ping() {
      this.pings += 1
    }
    hangUp() {
      this.isGone = true
    }
  }
  const [silent, slow] = [new TestPeer(false), new TestPeer(true)]
  for (const one of [silent, slow]) heartbeat.watch(one)
  for (let beat = 0; beat < 3; beat++) {
    slow.line.sentBytes += 1000
    timers.beat()
  }
  expect([silent.pings, silent.isGone, slow.isGone]).toEqual([2, true, false])
  for (let beat = 0; beat < 3; beat++) timers.beat()
  expect(slow.isGone).toBe(true)
})

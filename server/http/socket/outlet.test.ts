// Who counts as too slow, on a stream whose other end reads when told to.
import { Duplex } from 'node:stream'
import { expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { manualTimers } from '../../testing/timers.ts'
import { Outlet } from './outlet.ts'

const BOUND = 1000

/** One client, which takes nothing until it reads. */
const client = () => {
  const taken: (() => void)[] = []
  const stream = new Duplex({
    read() {},
    write: (_, __, done) => void taken.push(done),
    writev: (_, done) => void taken.push(done),
  })
  const closed: number[] = []
  const socket = {
    OPEN: 1,
    get readyState() {
      return closed.length === 0 ? 1 : 2
    },
    close: (code: number) => void closed.push(code),
    once() {},
  }
  const outlet = new Outlet(socket as unknown as WebSocket, stream, {
    maxBacklogBytes: BOUND,
    timers: manualTimers(),
    onSlow: () => {},
  })
  return {
    outlet,
    closed,
    async broadcast(...lengths: number[]) {
      for (const length of lengths) outlet.broadcast([new Uint8Array(length)])
      // Written at the end of the turn.
      await new Promise((resolve) => setImmediate(resolve))
    },
    /** Takes in all that it was sent. */
    async read() {
      while (stream.writableLength > 0) {
        taken.shift()?.()
        await new Promise((resolve) => setImmediate(resolve))
      }
    },
  }
}

it('[H15] an update that is larger than the bound makes nobody slow, nor do those after it', async () => {
  const { broadcast, read, closed } = client()
  await broadcast(5 * BOUND, 10, 10)
  await broadcast(10, 2 * BOUND, 10)
  await read()
  await broadcast(5 * BOUND, BOUND, 10)
  expect(closed).toEqual([])
})

it('[H15] who takes in nothing is closed at the bound, whatever large updates came before', async () => {
  const { broadcast, closed } = client()
  await broadcast(5 * BOUND, BOUND, 1)
  expect(closed).toEqual([])
  await broadcast(1)
  expect(closed).toEqual([1013])
})

it('[H15] large updates alone close who takes in nothing at some multiple of the bound', async () => {
  const { broadcast, closed } = client()
  let count = 0
  while (closed.length === 0 && count < 100) {
    await broadcast(4 * BOUND)
    count += 1
  }
  // Five are excused, the sixth counts, and the seventh finds it.
  expect([closed, count]).toEqual([[1013], 7])
})

it('[H15] what was asked for does not count, however much it is', async () => {
  const { outlet, broadcast, closed } = client()
  outlet.answer([new Uint8Array(50 * BOUND)])
  await broadcast(BOUND, 1)
  expect(closed).toEqual([])
})

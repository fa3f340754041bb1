// What channels cost their connection, without a socket.
import { expect, it } from 'vitest'
import { openMemoryLog } from '../../log/memory.ts'
import { encodeAwareness } from '../../room/frame.ts'
import { createHub } from '../../room/hub.ts'
import { step1Frame } from '../../testing/member.ts'
import { noSnapshotter } from '../../testing/no-snapshotter.ts'
import { manualTimers } from '../../testing/timers.ts'
import { Channels } from './channels.ts'
import { Session } from './sessions.ts'

const rate = { perSecond: 1, burst: 1 }
const rates = { frames: rate, bytes: rate, presence: rate, faults: rate }

const connection = (maxDocuments: number) => {
  const hub = createHub({ log: openMemoryLog(), snapshotter: noSnapshotter(), logger: () => {} })
  const limits = { maxUpdateBytes: 1000, maxBacklogBytes: 1000, maxDocuments, rates }
  const outlet = { send() {}, answer() {}, broadcast() {}, sentBytes: 0, isBehind: false, close() {} }
  const timing = { timers: manualTimers(), now: () => 0, rates, maxConnectionsPerSubject: 1 }
  const anybody = {
    subject: undefined,
    issuedAtMs: 0,
    expiresAtMs: Number.POSITIVE_INFINITY,
    grants: (document: string) => (document === 'secret' ? ('none' as const) : ('write' as const)),
  }
  const counted = { fault: 0, presence: 0, question: 0, refusal: 0 }
  const channels = new Channels({ hub, limits }, outlet, new Session(anybody, { close() {} }, timing), {
    fault: () => void counted.fault++,
    presence: () => void counted.presence++,
    question: () => void counted.question++,
    refusal: () => void counted.refusal++,
  })
  return { channels, counted }
}

it('[F2] asking for a document once more costs, on a new channel and in parts too', () => {
  const { channels, counted } = connection(10)
  const frame = step1Frame()
  for (let number = 1; number <= 3; number++) {
    channels.open(number, 'd', undefined)
    const channel = channels.get(number)
    channel?.part(frame.subarray(0, 1))
    channel?.frame(frame.subarray(1))
    channels.leave(number)
  }
  expect(counted).toEqual({ fault: 0, presence: 0, question: 2, refusal: 0 })
})

it('[F2] the first question for each document costs nothing, for as many as may be open at once', () => {
  const { channels, counted } = connection(2)
  for (const [at, document] of ['a', 'b', 'c'].entries()) {
    channels.open(at, document, undefined)
    channels.get(at)?.frame(step1Frame())
    channels.leave(at)
  }
  expect(counted.question).toBe(1)
})

it('[F2] presence counts in parts too', () => {
  const { channels, counted } = connection(2)
  channels.open(1, 'd', undefined)
  const frame = encodeAwareness(Uint8Array.of(1, 9, 1, 2, 123, 125))
  channels.get(1)?.part(frame.subarray(0, 1))
  channels.get(1)?.frame(frame.subarray(1))
  expect(counted.presence).toBe(1)
})

it('[F4] what the relay itself could not do, or the token does not allow, is no refusal that others wait for', () => {
  const { channels, counted } = connection(9)
  for (const [at, code] of [4400, 1011, 4404].entries()) {
    channels.open(at, `d${at}`, undefined)
    channels.get(at)?.close(code, '')
  }
  channels.open(4, 'not a name', undefined)
  channels.open(5, 'secret', undefined)
  expect(counted).toMatchObject({ refusal: 2, fault: 3 })
})

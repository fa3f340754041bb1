// What a large room waits for before it sends, by a log whose appends end when the test says so.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { openMemoryLog } from '../log/memory.ts'
import type { Log } from '../log/port.ts'
import { editsOf, joinAs, updateFrame } from '../testing/member.ts'
import { noSnapshotter } from '../testing/no-snapshotter.ts'
import { waitUntil } from '../testing/wait.ts'
import { createHub } from './hub.ts'

const turn = () => new Promise((resolve) => setImmediate(resolve))

/** A room whose members all have been greeted. */
const roomOf = async (count: number) => {
  const ends: (() => void)[] = []
  const waits: { readonly ms: number; pass(): void }[] = []
  const memory = openMemoryLog()
  const log: Log = {
    ...memory,
    append: async (document, updates) => {
      // Not what the guard notes of it.
      if (document === 'd') await new Promise<void>((resolve) => ends.push(resolve))
      return memory.append(document, updates)
    },
  }
  const after = (ms: number) => new Promise<void>((resolve) => waits.push({ ms, pass: resolve }))
  const hub = createHub({ log, snapshotter: noSnapshotter(), logger: () => {}, after })
  const members = Array.from({ length: count }, () => joinAs(hub, 'd'))
  await waitUntil('all are greeted', () => members.every(({ frames }) => frames.length === 1))
  const [author, reader] = [members[0], members.at(-1)] as [(typeof members)[0], (typeof members)[0]]
  const updates = editsOf(
    new Y.Doc(),
    ...['a', 'b', 'c'].map((key) => (doc: Y.Doc) => void doc.getMap('m').set(key, 1)),
  )
  let pieces = 0
  const take = reader.broadcast
  reader.broadcast = (batch) => {
    pieces += 1
    take(batch)
  }
  return {
    write: (at: number) => author.membership.receive(updateFrame(updates[at] as Uint8Array)),
    /** The next append is durable. */
    async commit() {
      ends.shift()?.()
      for (let turns = 0; turns < 3; turns++) await turn()
    },
    waits,
    acknowledged: () => author.acknowledged.at(-1) ?? 0,
    /** How often something was sent to one of the others. */
    pieces: () => pieces,
    heard: () => reader.frames.length - 1,
    keys: () => [...reader.doc().getMap('m').keys()].sort(),
  }
}

it('[R27] in a large room what is durable waits for what is on its way to the disk, and goes out with it', async () => {
  const room = await roomOf(50)
  for (const at of [0, 1]) room.write(at)
  await room.commit()
  expect([room.acknowledged(), room.heard(), room.waits.map(({ ms }) => ms)]).toEqual([1, 0, [0.5]])
  await room.commit()
  expect([room.acknowledged(), room.heard(), room.keys()]).toEqual([2, 1, ['a', 'b']])
  // The time that it had been given does nothing any more.
  room.write(2)
  room.waits[0]?.pass()
  await turn()
  await room.commit()
  expect([room.heard(), room.waits.length, room.keys()]).toEqual([2, 1, ['a', 'b', 'c']])
})

it('[R27] it waits no longer than sending takes', async () => {
  const room = await roomOf(200)
  for (const at of [0, 1]) room.write(at)
  await room.commit()
  expect(room.waits.map(({ ms }) => ms)).toEqual([2])
  room.waits[0]?.pass()
  await turn()
  expect([room.heard(), room.keys()]).toEqual([1, ['a']])
  await room.commit()
  expect([room.heard(), room.keys()]).toEqual([2, ['a', 'b']])
})

it('[R27] nothing is sent twice if both come at once', async () => {
  const room = await roomOf(50)
  for (const at of [0, 1]) room.write(at)
  await room.commit()
  room.waits[0]?.pass()
  await room.commit()
  expect([room.heard(), room.keys()]).toEqual([2, ['a', 'b']])
  expect(room.pieces()).toBe(2)
})

it('[R27] in a smaller room nothing waits', async () => {
  const room = await roomOf(49)
  for (const at of [0, 1]) room.write(at)
  await room.commit()
  expect([room.heard(), room.waits]).toEqual([1, []])
})

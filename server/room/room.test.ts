// A room as its members see it, without sockets: order, durability, joining, presence, bad frames.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { expect, it } from 'vitest'
import { Awareness, applyAwarenessUpdate, encodeAwarenessUpdate } from 'y-protocols/awareness'
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { openMemoryLog } from '../log/memory.ts'
import { holdLog } from '../testing/logs.ts'
import { editsOf, joinAs, step1Frame, updateFrame } from '../testing/member.ts'
import { noSnapshotter } from '../testing/no-snapshotter.ts'
import { waitUntil } from '../testing/wait.ts'
import { encodeAwareness, encodeSync, type Frame } from './frame.ts'
import { createHub } from './hub.ts'
import { RoomBatch, RoomFrame } from './member.ts'

const setup = (options: { maxFrameBytes?: number } = {}) => {
  const log = holdLog(openMemoryLog())
  const hub = createHub({ log, snapshotter: noSnapshotter(), logger: () => {}, ...options })
  return { log, hub }
}

const turn = () => new Promise((resolve) => setImmediate(resolve))
const joined = async (...args: Parameters<typeof joinAs>) => {
  const member = joinAs(...args)
  await waitUntil('the member is greeted', () => member.frames.length > 0)
  return member
}
const put = (key: string) => (doc: Y.Doc) => void doc.getMap('m').set(key, key)
const keysOf = (doc: Y.Doc) => [...doc.getMap('m').keys()].sort()

it('[R1] asks a new member at once for what the log lacks, and always answers its step 1', async () => {
  const { hub } = setup()
  const member = await joined(hub, 'd')
  expect([...(member.bytes[0] ?? [])]).toEqual([0, 0, 1, 0])
  member.membership.receive(step1Frame())
  await waitUntil('the answer comes', () => member.bytes.length === 2)
  expect([...(member.bytes[1] ?? [])]).toEqual([0, 1, 2, 0, 0])
})

it('[R2] acknowledges and passes on an update only after the log has it', async () => {
  const { hub, log } = setup()
  const [author, other] = [await joined(hub, 'd'), await joined(hub, 'd')]
  log.hold()
  for (const update of editsOf(new Y.Doc(), put('a'))) author.membership.receive(updateFrame(update))
  await turn()
  expect([author.acknowledged, other.frames.length]).toEqual([[], 1])
  log.release()
  await waitUntil('it is acknowledged', () => author.acknowledged.at(-1) === 1)
  expect(keysOf(other.doc())).toEqual(['a'])
  expect(author.frames).toHaveLength(1)
})

it('[R23] what becomes durable in one commit goes out to each member in one piece, in log order', async () => {
  const { hub, log } = setup()
  const [ann, ben, other] = [await joined(hub, 'd'), await joined(hub, 'd'), await joined(hub, 'd')]
  const batches: RoomBatch[][] = [ann, ben, other].map((member) => {
    const got: RoomBatch[] = []
    const take = member.broadcast
    member.broadcast = (batch) => {
      got.push(batch)
      take(batch)
    }
    return got
  })
  log.hold()
  const [a, b, c] = [ann, ben, ann].map((member, at) => {
    const [update] = editsOf(new Y.Doc(), put(`k${at}`)) as [Uint8Array]
    member.membership.receive(updateFrame(update))
    return updateFrame(update)
  })
  log.release()
  await waitUntil('all are passed on', () => batches.every((got) => got.length > 0))
  const sent = batches.map((got) => got.map(({ frames }) => frames.map(({ bytes }) => bytes)))
  expect(sent.slice(0, 2)).toEqual([[[b]], [[a, c]]])
  expect(sent[2]?.map((frames) => frames.length)).toEqual([1])
  expect(keysOf(other.doc())).toEqual(['k0', 'k1', 'k2'])
})

it('[R23] frames that go out together are one piece on each protocol', () => {
  const frames = [Uint8Array.of(0, 2, 1), Uint8Array.of(1, 5)].map((bytes) => new RoomFrame(1, bytes))
  expect(new RoomBatch(frames).encodedAs('stock', ({ bytes }) => [bytes])).toEqual([Buffer.of(0, 2, 1, 1, 5)])
})

it('[R24] a long tail reaches a joiner put together by the hundred', async () => {
  const { hub } = setup()
  const doc = new Y.Doc()
  const author = await joined(hub, 'd')
  for (const update of editsOf(doc, ...Array.from({ length: 1000 }, (_, n) => put(`k${n}`))))
    author.membership.receive(updateFrame(update))
  await waitUntil('all are acknowledged', () => author.acknowledged.at(-1) === 1000)
  const late = await joined(hub, 'd')
  late.membership.receive(step1Frame())
  const answers = () => late.frames.filter(({ kind }) => kind === 'update')
  await waitUntil('the answer ends', () => late.bytes.some((bytes) => bytes[0] === 0 && bytes[1] === 1))
  expect(answers()).toHaveLength(10)
  expect(keysOf(late.doc())).toEqual(keysOf(doc))
})

it('[R3] counts acknowledgements in order, empty updates after what came before them', async () => {
  const { hub, log } = setup()
  const author = await joined(hub, 'd')
  log.hold()
  for (const update of editsOf(new Y.Doc(), put('a'), put('b'))) author.membership.receive(updateFrame(update))
  author.membership.receive(Uint8Array.of(0, 2, 2, 0, 0))
  await turn()
  expect(author.acknowledged).toEqual([])
  log.release()
  await waitUntil('all are acknowledged', () => author.acknowledged.at(-1) === 3)
  expect((await log.read('d')).entries).toHaveLength(2)
})

it('[R4] closes the sender with a transient code if its update cannot be stored', async () => {
  const { hub, log } = setup()
  const [author, other] = [await joined(hub, 'd'), await joined(hub, 'd')]
  log.fail('append', new Error('disk'))
  for (const update of editsOf(new Y.Doc(), put('a'))) author.membership.receive(updateFrame(update))
  await waitUntil('the author is closed', () => author.closed !== undefined)
  expect([author.closed?.code, author.acknowledged, other.frames.length]).toEqual([1011, [], 1])
})

it('[R5] brings to a joiner what is being stored while it joins', async () => {
  const { hub, log } = setup()
  const author = await joined(hub, 'd')
  log.hold()
  for (const update of editsOf(new Y.Doc(), put('a'))) author.membership.receive(updateFrame(update))
  const joiner = await joined(hub, 'd')
  joiner.membership.receive(step1Frame())
  await waitUntil('the answer comes', () => joiner.frames.length === 2)
  expect(keysOf(joiner.doc())).toEqual([])
  log.release()
  await waitUntil('the update comes', () => keysOf(joiner.doc()).length === 1)
})

it('[R6] keeps frames that come before the room is loaded', async () => {
  const { hub, log } = setup()
  const member = joinAs(hub, 'd')
  for (const update of editsOf(new Y.Doc(), put('a'))) member.membership.receive(updateFrame(update))
  await waitUntil('it is acknowledged', () => member.acknowledged.at(-1) === 1)
  expect((await log.read('d')).entries).toHaveLength(1)
})

it('[R7] answers with what the joiner lacks, and nothing more', async () => {
  const { hub } = setup()
  const author = await joined(hub, 'd')
  const doc = new Y.Doc()
  const [first, second] = editsOf(doc, put('a'), put('b'))
  for (const update of [first, second]) author.membership.receive(updateFrame(update ?? Uint8Array.of()))
  await waitUntil('both are durable', () => author.acknowledged.at(-1) === 2)
  const has = new Y.Doc()
  Y.applyUpdate(has, first ?? Uint8Array.of())
  const joiner = await joined(hub, 'd')
  joiner.membership.receive(step1Frame(has))
  await waitUntil('the answer comes', () => joiner.frames.length === 2)
  expect(joiner.bytes[1]?.length).toBeLessThan(Y.encodeStateAsUpdate(doc).length)
  for (const frame of joiner.frames) if (frame.kind === 'update') Y.applyUpdate(has, frame.update)
  expect(keysOf(has)).toEqual(['a', 'b'])
})

it('[R8] asks for what an update builds on, and acknowledges it once the answer is durable', async () => {
  const { hub, log } = setup()
  const author = await joined(hub, 'd')
  const doc = new Y.Doc()
  const [, second, third] = editsOf(doc, put('a'), put('b'), put('c'))
  for (const update of [second, third]) author.membership.receive(updateFrame(update ?? Uint8Array.of()))
  await waitUntil('it is asked', () => author.frames.filter(({ kind }) => kind === 'step1').length === 2)
  expect([author.acknowledged, (await log.read('d')).entries]).toEqual([[], []])
  author.membership.receive(encodeSync(SyncType.step2, Y.encodeStateAsUpdate(doc)))
  await waitUntil('all are acknowledged', () => author.acknowledged.at(-1) === 3)
  expect(author.acknowledged).toEqual([3])
  const joiner = await joined(hub, 'd')
  joiner.membership.receive(step1Frame())
  await waitUntil('the answer comes', () => joiner.frames.length === 2)
  expect(keysOf(joiner.doc())).toEqual(['a', 'b', 'c'])
})

it('[R8] closes a member, for a while, that was asked three times and cannot say what its updates build on', async () => {
  const { hub, log } = setup()
  const author = await joined(hub, 'd')
  const [, second] = editsOf(new Y.Doc(), put('a'), put('b'))
  const answer = encodeSync(SyncType.step2, second ?? Uint8Array.of())
  for (let times = 0; times < 4; times++) author.membership.receive(answer)
  expect(author.closed?.code).toBe(1008)
  expect((await log.read('d')).entries).toEqual([])
})

it('[R9] never takes a document that could not be read for an empty one', async () => {
  const { hub, log } = setup()
  log.fail('read', new Error('disk'))
  const unlucky = joinAs(hub, 'd')
  unlucky.membership.receive(step1Frame())
  await waitUntil('the member is closed', () => unlucky.closed !== undefined)
  expect([unlucky.closed?.code, unlucky.frames]).toEqual([1011, []])
  log.fail('read', undefined)
  await joined(hub, 'd')
})

it.each([
  ['an unknown frame type', [9, 1]],
  ['a denial', [2, 0, 1, 97]],
  ['an unknown sync type', [0, 7, 0]],
  ['a truncated update', [0, 2, 9, 1, 1]],
  ['bytes after the update', [0, 2, 2, 0, 0, 5]],
  ['an update that cannot be decoded', [0, 2, 3, 1, 1, 200]],
  ['a struct without a length', [0, 2, 8, 1, 1, 1, 0, 0, 0, 0, 0]],
  ['a state vector that cannot be decoded', [0, 0, 2, 5, 1]],
  ['a presence that is no JSON', [1, 5, 1, 1, 1, 1, 123]],
  ['nothing', []],
])('[R10] closes only the sender of %s, and changes nothing', async (_, frame) => {
  const { hub, log } = setup()
  const [bad, other] = [await joined(hub, 'd'), await joined(hub, 'd')]
  bad.membership.receive(Uint8Array.from(frame))
  await waitUntil('the sender is closed', () => bad.closed !== undefined)
  expect([bad.closed?.code, other.closed, other.frames.length]).toEqual([4400, undefined, 1])
  expect((await log.read('d')).entries).toEqual([])
})

it('[R11] refuses frames beyond the bound', async () => {
  const { hub } = setup({ maxFrameBytes: 100 })
  const member = await joined(hub, 'd')
  member.membership.receive(new Uint8Array(101))
  expect(member.closed?.code).toBe(4413)
})

it('[R12] passes presence on, tells newcomers and askers, and takes it back when its member leaves', async () => {
  const { hub, log } = setup()
  const [ann, ben] = [await joined(hub, 'd'), await joined(hub, 'd')]
  const mine = new Awareness(new Y.Doc())
  mine.setLocalState({ name: 'Ann' })
  ann.membership.receive(encodeAwareness(encodeAwarenessUpdate(mine, [mine.clientID])))
  const late = await joined(hub, 'd')
  ben.membership.receive(Uint8Array.of(3))
  const seen = new Awareness(new Y.Doc())
  seen.setLocalState(null)
  const see = (from: typeof ben) => {
    for (const frame of from.frames.splice(0))
      if (frame.kind === 'awareness') applyAwarenessUpdate(seen, frame.update, null)
    return [...seen.getStates().values()]
  }
  await turn()
  expect(ben.frames.filter(({ kind }) => kind === 'awareness')).toHaveLength(2)
  expect(see(ben)).toEqual([{ name: 'Ann' }])
  expect(late.frames.map(({ kind }) => kind)).toContain('awareness')
  ann.membership.leave()
  await turn()
  expect(see(ben)).toEqual([])
  expect((await log.read('d')).entries).toEqual([])
  for (const awareness of [mine, seen]) awareness.destroy()
})

it('[R13] keeps the presence of a client that came back on another connection before the first one ended', async () => {
  const { hub } = setup()
  const [old, fresh, other] = [await joined(hub, 'd'), await joined(hub, 'd'), await joined(hub, 'd')]
  const mine = new Awareness(new Y.Doc())
  mine.setLocalState({ name: 'Ann' })
  const frame = encodeAwareness(encodeAwarenessUpdate(mine, [mine.clientID]))
  for (const member of [old, fresh]) member.membership.receive(frame)
  old.membership.leave()
  await turn()
  expect(other.frames.filter(({ kind }) => kind === 'awareness')).toHaveLength(1)
  fresh.membership.leave()
  await turn()
  expect(other.frames.filter(({ kind }) => kind === 'awareness')).toHaveLength(2)
  mine.destroy()
})

const presence = (count: number, state = '{}', clock = 1, first = 1) => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, count)
  for (let client = first; client < first + count; client++) {
    for (const number of [client, clock]) encoding.writeVarUint(encoder, number)
    encoding.writeVarString(encoder, state)
  }
  return encodeAwareness(encoding.toUint8Array(encoder))
}
const clientsIn = (member: { frames: readonly Frame[] }) =>
  member.frames.flatMap((frame) =>
    frame.kind === 'awareness' ? [decoding.readVarUint(decoding.createDecoder(frame.update.subarray(1)))] : [],
  )

it('[R13] a member speaks for one client id: echoes and crowds are passed over', async () => {
  const { hub } = setup()
  const [ann, ben, other] = [await joined(hub, 'd'), await joined(hub, 'd'), await joined(hub, 'd')]
  ann.membership.receive(presence(1, '{"name":"Ann"}', 1, 7))
  ben.membership.receive(presence(1, '{"name":"Ben"}', 1, 8))
  ben.membership.receive(presence(1, '{"name":"not Ann"}', 2, 7))
  ben.membership.receive(presence(1500))
  await turn()
  expect(clientsIn(other)).toEqual([7, 8])
  ben.membership.leave()
  await turn()
  expect(clientsIn(other)).toEqual([7, 8, 8])
})

it('[R13] keeps at most 1,000 presences, and passes on no others', async () => {
  const { hub } = setup()
  const other = await joined(hub, 'd')
  const crowd = await Promise.all(Array.from({ length: 1010 }, () => joined(hub, 'd')))
  for (const [at, member] of crowd.entries()) member.membership.receive(presence(1, '{}', 1, 100 + at))
  await turn()
  expect(clientsIn(other)).toHaveLength(1000)
})

it.each([
  ['is too long', [presence(1, `"${'x'.repeat(70_000)}"`)], 4413],
  ['has too many states', [presence(3000)], 4400],
  ['has a clock that never comes back', [presence(1, '{}', 2 ** 52)], 4400],
  ['jumps ahead', [presence(1, '{}', 1), presence(1, '{}', 100_000)], 4400],
  ['is no object', [presence(1, '7')], 4400],
])('[R13] closes whose presence %s', async (_, frames, code) => {
  const { hub } = setup()
  const member = await joined(hub, 'd')
  for (const frame of frames) member.membership.receive(frame)
  expect(member.closed?.code).toBe(code)
})

it('[R14] forgets a room without members, and numbers rooms alike for all', async () => {
  const { hub, log } = setup()
  const [a, b] = [await joined(hub, 'd'), await joined(hub, 'd')]
  expect(a.membership.room).toBe(b.membership.room)
  log.hold()
  for (const update of editsOf(new Y.Doc(), put('a'))) a.membership.receive(updateFrame(update))
  a.membership.leave()
  b.membership.leave()
  expect(hub.size).toBe(1)
  log.release()
  await waitUntil('the room is gone', () => hub.size === 0)
})

it('[R15] takes names of 1 to 256 harmless characters', () => {
  const { hub } = setup()
  const good = ['a', 'acme/tasks@1', '~x.y:z+=-_', 'a..b', 'a'.repeat(256)]
  const bad = ['', '..', 'a/../b', 'a b', 'ä', 'a\0', 'a%20', 'a'.repeat(257)]
  expect(good.filter((name) => !hub.isName(name))).toEqual([])
  expect(bad.filter((name) => hub.isName(name))).toEqual([])
})

it('[R16] drains: takes no more frames, and waits until those it took are acknowledged', async () => {
  const { hub, log } = setup()
  const author = await joined(hub, 'd')
  const [first, second] = editsOf(new Y.Doc(), put('a'), put('b'))
  log.hold()
  author.membership.receive(updateFrame(first ?? Uint8Array.of()))
  const drained = hub.drain()
  author.membership.receive(updateFrame(second ?? Uint8Array.of()))
  log.release()
  await drained
  expect(author.acknowledged).toEqual([1])
  expect((await log.read('d')).entries).toHaveLength(1)
})

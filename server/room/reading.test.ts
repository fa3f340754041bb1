// What joiners share of one reading of the log, and when the log is read again.
import * as prng from 'lib0/prng'
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { openMemoryLog } from '../log/memory.ts'
import type { Log } from '../log/port.ts'
import { contentOf, honestSession } from '../testing/honest.ts'
import { editsOf, joinAs, step1Frame, type TestMember, updateFrame } from '../testing/member.ts'
import { noSnapshotter } from '../testing/no-snapshotter.ts'
import { waitUntil } from '../testing/wait.ts'
import { createHub } from './hub.ts'
import { createSnapshotter, type Snapshotter } from './snapshotter.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const put = (key: string) => (doc: Y.Doc) => void doc.getMap('m').set(key, key)
const keysOf = (doc: Y.Doc) => [...doc.getMap('m').keys()].sort()

/** A hub whose readings of document `d` are counted and may be held. */
const setup = (snapshotter: Snapshotter = noSnapshotter(), snapshotAfterUpdates = 10) => {
  const memory = openMemoryLog()
  let reads = 0
  let held: Promise<void> | undefined
  let nowMs = 0
  const log: Log = {
    ...memory,
    async read(document) {
      if (document !== 'd') return memory.read(document)
      reads += 1
      const content = await memory.read(document)
      await held
      return content
    },
  }
  let pass: () => void = () => {}
  const after = () => new Promise<void>((resolve) => (pass = resolve))
  const hub = createHub({ log, snapshotter, logger: () => {}, after, snapshotAfterUpdates, now: () => nowMs })
  onTestFinished(() => snapshotter.close())
  const doc = new Y.Doc()
  let sent = 0
  return {
    hub,
    log,
    doc,
    reads: () => reads,
    /** Holds readings that begin now, which have looked already. @returns Lets go of them. */
    hold() {
      let release: () => void = () => {}
      held = new Promise((resolve) => (release = resolve))
      return release
    },
    passTime: () => pass(),
    setClock(ms: number) {
      nowMs = ms
    },
    async write(author: TestMember, ...keys: string[]) {
      for (const update of editsOf(doc, ...keys.map(put))) author.membership.receive(updateFrame(update))
      sent += keys.length
      await waitUntil('it is acknowledged', () => author.acknowledged.at(-1) === sent)
    },
    /** Reads the log twice, so that the second reading is kept. */
    async seek() {
      for (let times = 0; times < 2; times++) await this.answered()
    },
    async answered(has = new Y.Doc()) {
      const joiner = joinAs(hub, 'd')
      joiner.membership.receive(step1Frame(has))
      await waitUntil('the answer ends', () => joiner.bytes.some((bytes) => bytes[0] === 0 && bytes[1] === 1))
      joiner.membership.leave()
      for (const frame of joiner.frames) if (frame.kind === 'update') Y.applyUpdate(has, frame.update)
      return keysOf(has)
    },
  }
}

it('[R28] where the log was read lately joiners share a reading, with what is appended meanwhile', async () => {
  const room = setup()
  const author = joinAs(room.hub, 'd')
  await room.write(author, 'a', 'b')
  const loaded = room.reads()
  const reads = () => room.reads() - loaded
  // The first one's is kept for nobody, the second one's is.
  expect([await room.answered(), reads()]).toEqual([['a', 'b'], 1])
  room.setClock(999)
  expect([await room.answered(), reads()]).toEqual([['a', 'b'], 2])
  await room.write(author, 'c')
  const behind = new Y.Doc()
  Y.applyUpdate(behind, Y.encodeStateAsUpdate(room.doc))
  await room.write(author, 'd')
  const all = ['a', 'b', 'c', 'd']
  expect([await room.answered(), await room.answered(behind), reads()]).toEqual([all, all, 2])
  room.passTime()
  room.setClock(999 + 1000)
  expect([await room.answered(), reads()]).toEqual([all, 3])
  room.setClock(999 + 2000)
  expect([await room.answered(), reads()]).toEqual([all, 4])
})

it('[R28] misses nothing that becomes durable while the log is read', async () => {
  const room = setup()
  const author = joinAs(room.hub, 'd')
  await room.write(author, 'a')
  const release = room.hold()
  const [answer, other] = [room.answered(), room.answered()]
  await waitUntil('it reads', () => room.reads() === 2)
  await room.write(author, 'b')
  release()
  expect([await answer, await other, room.reads()]).toEqual([['a', 'b'], ['a', 'b'], 2])
})

it('[R28] reads again once the tail is a snapshot', async () => {
  const room = setup(createSnapshotter())
  const author = joinAs(room.hub, 'd')
  const keys = Array.from({ length: 9 }, (_, n) => `k${n}`)
  await room.write(author, ...keys)
  await room.seek()
  await room.write(author, 'k9')
  const stored = async () => ((await room.log.read('d')).snapshot?.upTo ?? 0) === 10
  while (!(await stored())) await new Promise((resolve) => setImmediate(resolve))
  await waitUntil('it has noticed', () => [...room.hub.rooms][0]?.figures.tailUpdates === 0)
  const before = room.reads()
  expect([await room.answered(), room.reads() - before]).toEqual([[...keys, 'k9'], 1])
})

it('[R28] reads again when the document was deleted, though its room is still at work', async () => {
  const room = setup(noSnapshotter({ make: () => new Promise(() => {}) }))
  const author = joinAs(room.hub, 'd')
  const keys = Array.from({ length: 10 }, (_, n) => `k${n}`)
  await room.write(author, ...keys)
  await room.seek()
  expect([await room.answered(), room.hub.size]).toEqual([keys, 1])
  await room.hub.remove('d')
  expect([author.closed?.code, room.hub.size]).toEqual([4404, 1])
  const late = joinAs(room.hub, 'd')
  late.membership.receive(step1Frame())
  await waitUntil('it is closed', () => late.closed !== undefined)
  expect(late.closed?.code).toBe(4404)
})

it('[R28] reads again rather than keep more than ten thousand updates', async () => {
  const room = setup(noSnapshotter(), 100_000)
  const author = joinAs(room.hub, 'd')
  await room.write(author, 'a')
  await room.seek()
  const kept = room.reads()
  const keys = Array.from({ length: 10_000 }, (_, n) => `k${n % 10}`)
  await room.write(author, ...keys.slice(1))
  expect([(await room.answered()).length, room.reads()]).toEqual([11, kept])
  await room.write(author, 'k0')
  expect([(await room.answered()).length, room.reads()]).toEqual([11, kept + 1])
})

it('[R7] whoever comes, at whatever moment and with whatever he knows, has all of it then', async () => {
  for (let seed = SEED; seed < SEED + 5; seed++) {
    const gen = prng.create(seed)
    const room = setup(createSnapshotter(), 20)
    const author = joinAs(room.hub, 'd')
    const updates = honestSession(seed, 120, 4).updates.map(({ update }) => update)
    const whole = new Y.Doc()
    for (const [at, update] of updates.entries()) {
      author.membership.receive(updateFrame(update))
      Y.applyUpdate(whole, update)
      if (prng.int32(gen, 0, 7) > 0 && at < updates.length - 1) continue
      await waitUntil('it is acknowledged', () => author.acknowledged.at(-1) === at + 1)
      const behind = new Y.Doc()
      for (const known of updates.slice(0, prng.int32(gen, 0, at + 1))) Y.applyUpdate(behind, known)
      if (prng.int32(gen, 0, 4) === 0) room.passTime()
      await room.answered(behind)
      expect([seed, at, contentOf(behind)]).toEqual([seed, at, contentOf(whole)])
    }
  }
})

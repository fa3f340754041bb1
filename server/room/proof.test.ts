// When a document is digested again, for replicas that come while it changes.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { digestNow } from '../../src/sync/digest.js'
import { contentOfEntries } from '../log/content.ts'
import { unpacked } from '../log/packed.js'
import { noSnapshotter } from '../testing/no-snapshotter.ts'
import { Proof } from './proof.ts'

const docOf = (...texts: readonly string[]): Y.Doc => {
  const doc = new Y.Doc()
  doc.clientID = 7
  for (const text of texts) doc.getArray('a').push([text])
  return doc
}

/** A document, what replicas claim of it, and a clock that goes on when it is told to. */
const setUp = () => {
  let content = docOf()
  let digests = 0
  let nowMs = 0
  let waiting: { readonly atMs: number; resolve(): void }[] = []
  const snapshotter = noSnapshotter({
    async digest(_, packed = []) {
      digests += 1
      const doc = new Y.Doc()
      for (const update of packed.flatMap(unpacked)) Y.applyUpdate(doc, update)
      return digestNow(doc)
    },
  })
  const proof = new Proof({
    snapshotter,
    now: () => nowMs,
    after: (ms) => new Promise((resolve) => waiting.push({ atMs: nowMs + ms, resolve })),
    async read() {
      const seq = Y.getState(content.store, 7)
      return contentOfEntries(undefined, [{ seq, update: Y.encodeStateAsUpdate(content) }])
    },
  })
  return {
    write(doc: Y.Doc) {
      content = doc
    },
    differs: (doc: Y.Doc) => proof.differs(digestNow(doc), Y.encodeStateVector(content)),
    pass(ms: number) {
      nowMs += ms
      const due = waiting.filter(({ atMs }) => atMs <= nowMs)
      waiting = waiting.filter(({ atMs }) => atMs > nowMs)
      for (const { resolve } of due) resolve()
    },
    waits: async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return waiting.length
    },
    get digests() {
      return digests
    },
  }
}

it('[G14] who comes too soon after a change is compared once the document may be digested again', async () => {
  const room = setUp()
  room.write(docOf('one'))
  expect([await room.differs(docOf('one')), await room.differs(docOf('other'))]).toEqual([false, true])
  room.write(docOf('one', 'two'))
  const claims = [room.differs(docOf('one', 'two')), room.differs(docOf('one', 'other'))]
  expect([await room.waits(), room.digests]).toEqual([2, 1])
  room.pass(10_000)
  expect([await Promise.all(claims), room.digests]).toEqual([[false, true], 2])
})

it('[G14] who would have to wait again is not compared', async () => {
  const room = setUp()
  room.write(docOf('one'))
  await room.differs(docOf('one'))
  room.write(docOf('one', 'two'))
  const early = room.differs(docOf('one', 'other'))
  await room.waits()
  room.pass(9_000)
  room.write(docOf('one', 'two', 'three'))
  const late = room.differs(docOf('one', 'two', 'other'))
  expect(await room.waits()).toBe(2)
  room.pass(1_000)
  expect([await early, room.digests]).toEqual([false, 2])
  room.write(docOf('one', 'two', 'three', 'four'))
  room.pass(9_000)
  expect([await late, await room.waits(), room.digests]).toEqual([false, 0, 2])
})

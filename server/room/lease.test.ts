// Client ids in a room: whose they are, by writing and by presence, without sockets.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { openMemoryLog } from '../log/memory.ts'
import { unpacked } from '../log/packed.js'
import { editsOf, joinAs, step1Frame, updateFrame } from '../testing/member.ts'
import { waitUntil } from '../testing/wait.ts'
import { encodeAwareness, encodeSync } from './frame.ts'
import { createHub } from './hub.ts'
import type { Entrant } from './member.ts'
import { createSnapshotter } from './snapshotter.ts'

const open = (log = openMemoryLog()) =>
  createHub({ log, snapshotter: createSnapshotter(), logger: () => {}, snapshotAfterUpdates: 5000 })
const as = (subject: string): Entrant => ({ subject, access: () => 'write' })
const edits = (client: number, ...keys: string[]) => {
  const doc = new Y.Doc()
  doc.clientID = client
  return editsOf(doc, ...keys.map((key) => (edited: Y.Doc) => void edited.getMap('m').set(key, client)))
}
const joined = async (...args: Parameters<typeof joinAs>) => {
  const member = joinAs(...args)
  await waitUntil('the member is greeted', () => member.frames.length > 0 || member.closed !== undefined)
  return member
}
const presenceOf = (client: number) => {
  const doc = new Y.Doc()
  doc.clientID = client
  const bytes = Y.encodeStateVector(new Map([[client, 1]]))
  return encodeAwareness(Uint8Array.from([...bytes, 2, 123, 125]))
}

it('[G5] of 1,000 forged client ids none is stored or shown, by updates or answers, in another room life either', async () => {
  const log = openMemoryLog()
  const first = open(log)
  const ann = await joined(first, 'd', as('ann'))
  for (let client = 1; client <= 1000; client++)
    ann.membership.receive(updateFrame(edits(client, `k${client}`)[0] as Uint8Array))
  await waitUntil('all are durable', () => ann.acknowledged.at(-1) === 1000)
  for (const [hub, forgers] of [
    [first, 1000],
    [open(log), 50],
  ] as const) {
    const watcher = await joined(hub, 'd', as('ann'))
    const mallories = await Promise.all(Array.from({ length: forgers }, () => joined(hub, 'd', as('mallory'))))
    for (const [at, mallory] of mallories.entries()) {
      const client = at + 1
      const [, forged] = edits(client, `k${client}`, 'forged') as [Uint8Array, Uint8Array]
      mallory.membership.receive(presenceOf(client))
      mallory.membership.receive(client % 2 ? updateFrame(forged) : encodeSync(SyncType.step2, forged))
      expect(mallory.closed?.code).toBe(1008)
    }
    watcher.membership.receive(step1Frame())
    await waitUntil('the answer comes', () => watcher.frames.some((f) => f.kind === 'update'))
    expect(watcher.doc().getMap('m').size).toBe(1000)
    expect(watcher.frames.filter(({ kind }) => kind === 'awareness')).toEqual([])
  }
})

it('[G5] whoever shows a client id first holds it, after a restart too', async () => {
  const log = openMemoryLog()
  const ann = await joined(open(log), 'd', as('ann'))
  ann.membership.receive(presenceOf(7))
  await waitUntil('the lease is stored', () => ann.closed === undefined)
  await new Promise((resolve) => setImmediate(resolve))
  const mallory = await joined(open(log), 'd', as('mallory'))
  mallory.membership.receive(updateFrame(edits(7, 'a')[0] as Uint8Array))
  expect(mallory.closed?.code).toBe(1008)
})

it('[G5] after the relay has lost everything, whoever comes first brings the writes of all, and each goes on', async () => {
  const [annDoc, benDoc] = [new Y.Doc(), new Y.Doc()]
  const write = (doc: Y.Doc, key: string) => editsOf(doc, (edited) => void edited.getMap('m').set(key, key))
  const [annFirst] = write(annDoc, 'ann 1') as [Uint8Array]
  Y.applyUpdate(benDoc, annFirst)
  write(benDoc, 'ben 1')
  const hub = open()
  const ben = await joined(hub, 'd', { ...as('ben'), client: benDoc.clientID })
  ben.membership.receive(encodeSync(SyncType.step2, Y.encodeStateAsUpdate(benDoc)))
  const ann = await joined(hub, 'd', { ...as('ann'), client: annDoc.clientID })
  ann.membership.receive(updateFrame(write(annDoc, 'ann 2')[0] as Uint8Array))
  await waitUntil('both are durable', () => ben.acknowledged.length === 1 && ann.acknowledged.length === 1)
  const all = await joined(hub, 'd', as('eve'))
  all.membership.receive(step1Frame())
  await waitUntil('the answer comes', () => all.frames.some((f) => f.kind === 'update'))
  expect([...all.doc().getMap('m').keys()].sort()).toEqual(['ann 1', 'ann 2', 'ben 1'])
})

it('[G4] a flat document is never taken for a deep one, however often it is opened and grows where nobody can tell', async () => {
  const log = openMemoryLog()
  const doc = new Y.Doc()
  const append = (at: number) =>
    editsOf(doc, (d) => d.getArray<Y.Map<number>>('a').insert(0, [new Y.Map([['at', at]])]))
  for (let life = 0; life < 700; life++) {
    const author = joinAs(open(log), 'd')
    author.membership.receive(updateFrame(append(life)[0] as Uint8Array))
    for (let turn = 0; turn < 20 && author.acknowledged.length === 0; turn++) await new Promise(setImmediate)
    expect([life, author.closed, author.acknowledged]).toEqual([life, undefined, [1]])
    author.membership.leave()
  }
})

it('[G12] tells a replica that was copied or set back, and acknowledges nothing of it; honest repetitions are fine', async () => {
  const hub = open()
  const doc = new Y.Doc()
  doc.clientID = 5
  const updates = editsOf(doc, ...['a', 'b', 'c'].map((key) => (d: Y.Doc) => d.getText('t').insert(0, key)))
  const author = await joined(hub, 'd')
  for (const update of updates) author.membership.receive(updateFrame(update))
  author.membership.receive(encodeSync(SyncType.step2, Y.encodeStateAsUpdate(doc)))
  author.membership.receive(updateFrame(updates[1] as Uint8Array))
  await waitUntil('all are acknowledged', () => author.acknowledged.at(-1) === 5)
  const copy = new Y.Doc()
  Y.applyUpdate(copy, updates[0] as Uint8Array)
  copy.clientID = 5
  const [other] = editsOf(copy, (d) => d.getText('t').insert(0, 'x')) as [Uint8Array]
  const copied = await joined(hub, 'd')
  copied.membership.receive(updateFrame(other))
  await waitUntil('it is told', () => copied.closed !== undefined)
  expect([copied.closed?.code, copied.acknowledged, author.closed]).toEqual([4410, [], undefined])
})

it('[G10] an update that breaks the document all the same is left out, refused from then on, and the document goes on', async () => {
  const poison = edits(6, 'poison')[0] as Uint8Array
  const real = createSnapshotter()
  const snapshotter = {
    ...real,
    make: (updates: readonly Uint8Array[], packed: readonly Uint8Array[] = []) =>
      [...updates, ...packed.flatMap(unpacked)].some((update) => Buffer.compare(update, poison) === 0)
        ? Promise.reject(new Error('it throws'))
        : real.make(updates, packed),
  }
  const log = openMemoryLog()
  const hub = createHub({ log, snapshotter, logger: () => {}, snapshotAfterUpdates: 10 })
  const author = await joined(hub, 'd')
  const updates = edits(5, ...Array.from({ length: 9 }, (_, at) => `k${at}`))
  for (const update of [...updates.slice(0, 4), poison, ...updates.slice(4)])
    author.membership.receive(updateFrame(update))
  await waitUntil('the members are sent away', () => author.closed?.code === 1011)
  const again = await joined(hub, 'd')
  again.membership.receive(step1Frame())
  await waitUntil('the answer comes', () => again.frames.some((f) => f.kind === 'update'))
  expect(again.doc().getMap('m').size).toBe(9)
  again.membership.receive(updateFrame(poison))
  expect(again.closed?.code).toBe(4400)
  await real.close()
})

it('[F5] a broadcast is encoded once for each protocol, and joiners that come together share one reading', async () => {
  const log = openMemoryLog()
  let reads = 0
  const counted = {
    ...log,
    read: (name: string) => {
      if (name === 'd') reads += 1
      return log.read(name)
    },
  }
  const hub = open(counted)
  const seen = new Set<object>()
  const members = await Promise.all(Array.from({ length: 100 }, () => joined(hub, 'd')))
  for (const member of members) member.broadcast = (frame) => void seen.add(frame)
  members[0]?.membership.receive(updateFrame(edits(5, 'a')[0] as Uint8Array))
  await waitUntil('it is passed on', () => seen.size > 0)
  const own = new Y.Doc()
  own.getMap('m').set('of its own', 1)
  for (const [at, { membership }] of members.entries()) membership.receive(step1Frame(at % 2 === 0 ? own : new Y.Doc()))
  await waitUntil('all are answered', () => members.every((m) => m.frames.some((f) => f.kind === 'update')))
  expect(new Set(members.map(({ bytes }) => bytes.at(-1))).size).toBe(1)
  let encodings = 0
  for (const batch of seen as Set<import('./member.ts').RoomBatch>)
    for (let times = 0; times < 99; times++) batch.encodedAs('shared', () => [Uint8Array.of(encodings++)])
  expect([seen.size, encodings, reads]).toEqual([1, 1, 2])
})

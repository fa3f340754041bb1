// Forks: a copy that says something else than the relay's under the same clocks is found, and at the next opening mended. Real relay.
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { createRelay, openMemoryLog } from '../../server/index.ts'
import { column as c, createDatabase, type Database, defineSchema, table } from '../index.ts'
import { memory, type StorageAdapter } from '../storage/index.ts'
import { type Digest, digestOf } from './digest.js'
import { relay } from './index.ts'
import type { SyncAdapter, SyncSession } from './port.ts'
import { decodeMessage } from './wire.ts'

const schema = defineSchema({ tasks: table({ title: c.string() }) })
type Tasks = Database<typeof schema>

const offline = {
  connection: 'offline',
  unsent: 0,
  error: undefined,
  connect() {},
  disconnect() {},
  close() {},
} as const
/** Gives every replica the same client id, as machines have that were set back or copied while they ran. */
const copied: SyncAdapter = {
  start({ documents }) {
    for (const document of documents.values()) document.clientID = 7
    return { ...offline, acknowledged: async () => {}, synced: async () => {} } as unknown as SyncSession
  },
}

const storeWith = async (...titles: readonly string[]): Promise<StorageAdapter> => {
  const storage = memory()
  const db = await createDatabase({ name: 'acme', schema, storage, sync: copied })
  for (const title of titles) db.tasks.insert({ title })
  await db.close()
  return storage
}

const startRelay = async () => {
  const refusals: string[] = []
  const onRefused = (refusal: string) => void refusals.push(refusal)
  const started = await createRelay({ port: 0, log: openMemoryLog(), logger: () => {}, onRefused })
  onTestFinished(() => started.close())
  return { url: started.url, refusals }
}

/** A database on a relay, and how many digests it has sent. */
const open = async (url: string, storage: StorageAdapter = memory()) => {
  const sent = { digests: 0 }
  class Counting extends (await import('ws')).WebSocket {
    override send(data: Buffer): void {
      if (decodeMessage(new Uint8Array(data)).kind === 'digest') sent.digests += 1
      super.send(data)
    }
  }
  const sync = relay({ url, random: () => 0, WebSocket: Counting as never })
  const db = await createDatabase({ name: 'acme', schema, storage, sync })
  onTestFinished(() => db.close())
  return { db, sent }
}

const until = async (claim: () => boolean): Promise<void> => {
  while (!claim()) await new Promise((resolve) => setTimeout(resolve, 2))
}
const titlesOf = (db: Tasks) =>
  db.tasks
    .where({})
    .all()
    .map(({ title }) => title)
    .sort()

it('[N16] a copy that says something else under the same clocks is found, mended when it is opened again, and loses nothing', async () => {
  const { url, refusals } = await startRelay()
  const [mine, theirs] = [await storeWith('shared', 'of ann'), await storeWith('shared', 'of ben')]
  const ann = await open(url, mine)
  await ann.db.acknowledged()
  const ben = await open(url, theirs)
  await until(() => ben.db.status.connection === 'refused')
  expect([refusals, titlesOf(ben.db)]).toEqual([['forked'], ['of ben', 'shared']])
  expect(String(ben.db.status.error)).toMatch(/4410.*open the database again/)
  expect(ben.db.status.forks).toMatchObject([{ document: 'tasks', isMended: false }])
  ben.db.tasks.insert({ title: 'written meanwhile' })
  await ben.db.close()

  const again = await open(url, theirs)
  const all = ['of ann', 'of ben', 'shared', 'shared', 'written meanwhile']
  await again.db.acknowledged()
  await until(() => titlesOf(again.db).length === 5 && titlesOf(ann.db).length === 5)
  expect([titlesOf(again.db), titlesOf(ann.db), refusals]).toEqual([all, all, ['forked']])
  const [fork] = again.db.status.forks
  expect(fork?.isMended).toBe(true)
  const store = await theirs.open({ database: 'acme', scratch: {} as never })
  expect(await store.load(fork?.aside ?? '')).not.toEqual([])
})

it('[N17] a healthy replica sends one digest a connection, an empty one none', async () => {
  const { url, refusals } = await startRelay()
  const storage = memory()
  const first = await open(url, storage)
  first.db.tasks.insert({ title: 'Write' })
  await first.db.acknowledged()
  await first.db.close()
  const second = await open(url, storage)
  await until(() => second.sent.digests === 1)
  second.db.tasks.insert({ title: 'Go on' })
  await second.db.acknowledged()
  expect([first.sent.digests, second.sent.digests, refusals]).toEqual([0, 1, []])
})

it('[N16] a forked partition is mended likewise', async () => {
  const { url } = await startRelay()
  const schema = defineSchema({
    notes: table({ text: c.string(), shelf: c.string() }).partitionBy((row) => row.shelf),
  })
  const opened = async (storage: StorageAdapter, sync: SyncAdapter) => {
    const db = await createDatabase({ name: 'acme', schema, storage, sync })
    onTestFinished(() => db.close())
    await db.notes.open('a')
    return db
  }
  /** What a store holds whose client ids are the same in every such store. */
  const stored = async (text: string) => {
    const storage = memory()
    const same: SyncAdapter = {
      start: (context) => ({
        ...copied.start(context),
        join(_, document) {
          document.clientID = 7
          return { isSettled: true, acknowledged: async () => {}, leave() {} }
        },
      }),
    }
    const db = await opened(storage, same)
    db.notes.insert({ text, shelf: 'a' })
    await db.close()
    return storage
  }
  const sync = () => relay({ url, random: () => 0 })
  const [mine, theirs] = [await stored('of ann'), await stored('of ben')]
  const ann = await opened(mine, sync())
  await ann.acknowledged()
  const ben = await opened(theirs, sync())
  await until(() => ben.status.connection === 'refused')
  expect(ben.status.forks).toMatchObject([{ document: 'notes/a', isMended: false }])
  await ben.close()
  const again = await opened(theirs, sync())
  const textsOf = (db: typeof ann) =>
    db.notes
      .where({})
      .all()
      .map(({ text }) => text)
      .sort()
  await until(() => textsOf(again).length === 2 && textsOf(ann).length === 2)
  expect([textsOf(again), textsOf(ann)]).toEqual([
    ['of ann', 'of ben'],
    ['of ann', 'of ben'],
  ])
  expect(again.status.forks).toMatchObject([{ isMended: true }])
})

const digestNow = (doc: Y.Doc): Digest => {
  const steps = digestOf(doc)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

it('[N18] a digest is the same however structs are cut, and another for other content', () => {
  const withText = (client: number, text: string): Y.Doc => {
    const doc = new Y.Doc()
    doc.clientID = client
    for (const letter of text) doc.getText('t').insert(doc.getText('t').length, letter)
    doc.getText('t').delete(1, 2)
    doc.getArray('a').push([{ deep: [1, 'x'] }, Uint8Array.of(1)])
    return doc
  }
  const [doc, other, again] = [withText(1, 'abcdef'), withText(1, 'abcdeF'), new Y.Doc()]
  Y.applyUpdate(again, Y.encodeStateAsUpdate(doc))
  expect(digestNow(again)).toEqual(digestNow(doc))
  const [one, two] = [digestNow(doc), digestNow(other)]
  expect([two.vector, two.deletes]).toEqual([one.vector, one.deletes])
  expect(two.content).not.toBe(one.content)
})

it('[N18] a digest of minified code is that of any other', () => {
  const doc = new Y.Doc()
  doc.clientID = 1
  doc.getArray('log').push([new Y.Array(), new Y.Map(), new Y.Text(), new Y.XmlElement('p')])
  const known = digestNow(doc)
  const { name } = Y.Array
  onTestFinished(() => void Object.defineProperty(Y.Array, 'name', { value: name }))
  Object.defineProperty(Y.Array, 'name', { value: 'e' })
  expect(digestNow(doc)).toEqual(known)
  doc.getArray('log').delete(0)
  doc.getArray('log').insert(0, [new Y.Map()])
  expect(digestNow(doc).content).not.toBe(known.content)
})

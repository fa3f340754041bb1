// Forks: a copy that says something else than the relay's under the same clocks is found and mended, at once or at the next opening. Real relay.
import 'fake-indexeddb/auto'
import { IDBFactory } from 'fake-indexeddb'
import { expect, it, onTestFinished } from 'vitest'
import type * as Y from 'yjs'
import { createRelay, openMemoryLog } from '../../server/index.ts'
import { openBulkInsert } from '../bulk-insert.ts'
import { column as c, createDatabase, type Database, defineSchema, table } from '../index.ts'
import { scratchDocuments } from '../rowlog/index.ts'
import { memory, type StorageAdapter, yIndexedDb } from '../storage/index.ts'
import type { Storage } from '../storage/port.ts'
import { relay } from './index.ts'
import type { SyncAdapter, SyncContext, SyncSession } from './port.ts'
import { systemTimers } from './socket.ts'
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

/** Stores of both kinds: one that replaces what it holds, and one that never removes any of it. */
const STORES = {
  memory,
  yIndexedDb(): StorageAdapter {
    globalThis.indexedDB = new IDBFactory()
    return yIndexedDb()
  },
}
const KINDS = Object.keys(STORES) as readonly (keyof typeof STORES)[]

const fill = async (storage: StorageAdapter, ...titles: readonly string[]): Promise<StorageAdapter> => {
  const db = await createDatabase({ name: 'acme', schema, storage, sync: copied })
  for (const title of titles) db.tasks.insert({ title })
  await db.close()
  return storage
}
const storeWith = (...titles: readonly string[]): Promise<StorageAdapter> => fill(memory(), ...titles)

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

/** Two databases that wrote apart under the same clocks; the relay takes the first for the document. */
const openForked = async (kind: keyof typeof STORES) => {
  const { url, refusals } = await startRelay()
  const [mine, theirs] = [await storeWith('shared', 'of ann'), await fill(STORES[kind](), 'shared', 'of ben')]
  const ann = await open(url, mine)
  await ann.db.acknowledged()
  return { url, refusals, theirs, ann, ben: await open(url, theirs) }
}

const ALL = ['of ann', 'of ben', 'shared', 'shared', 'written meanwhile']

/** Without a relay: what is on this disk. */
const openDetached = async (storage: StorageAdapter): Promise<Tasks> => {
  const db = await createDatabase({ name: 'acme', schema, storage })
  onTestFinished(() => db.close())
  return db
}

it.each(KINDS)(
  '[N16] a copy that says something else is mended while it is open, and loses nothing: %s',
  async (kind) => {
    const { url, refusals, theirs, ann, ben } = await openForked(kind)
    const told: string[] = []
    const kept = ben.db.tasks.where({ title: 'of ben' }).all()[0]
    ben.db.tasks.where({}).subscribe(({ added, changed, removed }) => {
      for (const { title } of [...added, ...changed, ...removed]) told.push(title)
    })
    await until(() => ben.db.status.forks.length === 1)
    const id = ben.db.tasks.insert({ title: 'written meanwhile' })
    const acknowledged = ben.db.acknowledged()
    await until(() => titlesOf(ben.db).length === 5 && titlesOf(ann.db).length === 5)
    await acknowledged
    expect([titlesOf(ben.db), titlesOf(ann.db), refusals, told.sort()]).toEqual([ALL, ALL, ['forked'], ALL])
    expect(ben.db.tasks.where({ title: 'of ben' }).all()[0]).toBe(kept)
    await ben.db.saved()
    const { connection, error, unsaved, forks } = ben.db.status
    expect([connection, error, unsaved, forks.map(({ isMended }) => isMended)]).toEqual([
      'connected',
      undefined,
      0,
      [true],
    ])

    ben.db.undo.undo()
    expect(ben.db.tasks.get(id)).toBeUndefined()
    ben.db.undo.redo()
    ben.db.tasks.update(kept?.id ?? '', { title: 'of ben, later' })
    await ben.db.acknowledged()
    await until(() => titlesOf(ann.db).includes('of ben, later') && titlesOf(ann.db).includes('written meanwhile'))
    await ben.db.saved()
    await ben.db.close()

    const detached = await openDetached(theirs)
    expect(titlesOf(detached)).toEqual(titlesOf(ann.db))
    await detached.close()
    const again = await open(url, theirs)
    await again.db.acknowledged()
    expect([titlesOf(again.db), refusals, again.db.status.forks.length]).toEqual([titlesOf(ann.db), ['forked'], 1])
    const store = await theirs.open({ database: 'acme', scratch: scratchDocuments })
    expect(await store.load(again.db.status.forks[0]?.aside ?? '')).not.toEqual([])
    await store.close()
  },
)

it.each(KINDS)('[N16] two who have one store open mend it apart, and lose nothing: %s', async (kind) => {
  const { url, theirs, ann, ben } = await openForked(kind)
  const tab = await open(url, theirs)
  await until(() => ben.db.status.forks.length === 1 && tab.db.status.forks.length === 1)
  ben.db.tasks.insert({ title: 'in one' })
  tab.db.tasks.insert({ title: 'in the other' })
  await Promise.all([ben.db.acknowledged(), tab.db.acknowledged()])
  await until(() => [ann.db, ben.db, tab.db].every((db) => db.tasks.where({}).all().length === 6))
  await Promise.all([ben.db.saved(), tab.db.saved()])
  await Promise.all([ben.db.close(), tab.db.close()])
  const again = await openDetached(theirs)
  expect([titlesOf(again), again.status.refused]).toEqual([titlesOf(ann.db), 0])
})

it.each(KINDS)('[N16] what is written to a copy that another went on from is carried over: %s', async (kind) => {
  const { theirs, ann, ben } = await openForked(kind)
  const behind = await openDetached(theirs)
  await until(() => titlesOf(ben.db).length === 4 && titlesOf(ann.db).length === 4)
  behind.tasks.insert({ title: 'of the one behind' })
  await behind.close()
  await ben.db.close()
  const again = await openDetached(theirs)
  const titles = [...titlesOf(ann.db), 'of the one behind'].sort()
  expect(titlesOf(again)).toEqual(titles)
  again.tasks.insert({ title: 'later' })
  await again.close()
  expect(titlesOf(await openDetached(theirs))).toEqual([...titles, 'later'].sort())
})

it.each(KINDS)('[N16] bulk inserts go where the document goes on: %s', async (kind) => {
  const { theirs, ben } = await openForked(kind)
  await until(() => titlesOf(ben.db).length === 4)
  await ben.db.close()
  const rows = await openBulkInsert({ name: 'acme', schema, table: 'tasks', storage: theirs })
  rows.add(['title'], ['of a file'])
  await rows.commit()
  await rows.close()
  expect(titlesOf(await openDetached(theirs))).toEqual(['of a file', 'of ann', 'of ben', 'shared', 'shared'])
})

/** A store that takes writes to the table as it was and no others, until it is told to. */
const stubborn = (storage: StorageAdapter) => {
  const adapter = {
    yields: false,
    async open(options: Parameters<StorageAdapter['open']>[0]): Promise<Storage> {
      const store = await storage.open(options)
      const append: Storage['append'] = async (batch) => {
        if (!adapter.yields && batch.some(({ document }) => document !== 'tasks')) throw new Error('the disk is full')
        return store.append(batch)
      }
      return new Proxy(store, {
        get(_, name) {
          if (name === 'append') return append
          const found = Reflect.get(store, name)
          return typeof found === 'function' ? found.bind(store) : found
        },
      })
    },
  }
  return adapter
}

it('[N16] what the store could not take at once is mended at the first opening at which it can', async () => {
  const { url } = await startRelay()
  const [mine, theirs] = [await storeWith('shared', 'of ann'), stubborn(await storeWith('shared', 'of ben'))]
  const ann = await open(url, mine)
  await ann.db.acknowledged()
  const ben = await createDatabase({ name: 'acme', schema, storage: theirs, sync: relay({ url, random: () => 0 }) })
  await until(() => ben.status.forks.length === 1 && ben.status.unsaved > 0)
  await expect(ben.saved()).rejects.toThrow('the disk is full')
  expect([ben.status.forks[0]?.isMended, String(ben.status.error)]).toEqual([false, 'Error: the disk is full'])
  await expect(ben.close()).rejects.toThrow('the disk is full')

  const errors: unknown[] = []
  const onError = (error: unknown) => void errors.push(error)
  const meanwhile = await createDatabase({ name: 'acme', schema, storage: theirs, onError })
  meanwhile.tasks.insert({ title: 'meanwhile' })
  await meanwhile.close()
  expect(errors.map(String)).toEqual(['Error: the disk is full'])

  theirs.yields = true
  const again = await open(url, theirs)
  await again.db.acknowledged()
  expect(again.db.status.forks.map(({ isMended }) => isMended)).toEqual([true])
  await until(() => titlesOf(again.db).length === 5)
  expect(titlesOf(again.db)).toEqual(['meanwhile', 'of ann', 'of ben', 'shared', 'shared'])
})

it('[N16] what is found again in one session is left to the next opening', async () => {
  const storage = await storeWith('shared')
  let context: SyncContext | undefined
  const joined: Y.Doc[] = []
  const sync: SyncAdapter = {
    start(given) {
      context = given
      return {
        ...offline,
        acknowledged: async () => {},
        synced: async () => {},
        rejoin: (_name: string, document: Y.Doc) => void joined.push(document),
      } as unknown as SyncSession
    },
  }
  const db = await createDatabase({ name: 'acme', schema, storage, sync })
  onTestFinished(() => db.close())
  const former = context?.documents.get('acme/tasks')
  context?.onForked?.('acme/tasks')
  await until(() => db.status.forks[0]?.isMended === true)
  context?.onForked?.('acme/tasks')
  await db.saved()
  expect(joined.map(({ clientID }) => clientID === former?.clientID)).toEqual([false])
  expect([titlesOf(db), db.status.forks.map(({ isMended }) => isMended)]).toEqual([['shared'], [true, false]])
})

/** An empty replica on a relay, of a client id that others have. */
const openCopied = async (url: string): Promise<Tasks> => {
  const through = relay({ url, random: () => 0 })
  const sync: SyncAdapter = {
    start(context) {
      copied.start(context)
      return through.start(context)
    },
  }
  const db = await createDatabase({ name: 'acme', schema, sync })
  onTestFinished(() => db.close())
  return db
}

it('[N12] a replica whose client id somebody else turns out to have closes like any other', async () => {
  const { url } = await startRelay()
  const [ann, ben] = [await openCopied(url), await openCopied(url)]
  ann.tasks.insert({ title: 'of ann' })
  await until(() => titlesOf(ben).length === 1)
  ben.tasks.insert({ title: 'of ben' })
  await ben.acknowledged()
  await ben.close()
  await until(() => titlesOf(ann).length === 2)
  expect(titlesOf(ann)).toEqual(['of ann', 'of ben'])
})

it('[N17] what was written before the first connection is compared', async () => {
  const { url, refusals } = await startRelay()
  const openAway = async (title: string) => {
    const db = await openCopied(url)
    db.disconnect()
    db.tasks.insert({ title })
    await db.saved()
    return db
  }
  const [ann, ben] = [await openAway('of ann'), await openAway('of ben')]
  ann.connect()
  await ann.acknowledged()
  ben.connect()
  await until(() => titlesOf(ann).length === 2 && titlesOf(ben).length === 2)
  expect([titlesOf(ann), titlesOf(ben), refusals]).toEqual([['of ann', 'of ben'], ['of ann', 'of ben'], ['forked']])
})

it('[N17] a digest of a document that changes meanwhile is worked out anew', async () => {
  const { url, refusals } = await startRelay()
  // She was empty, so that the relay digests nothing before it is asked again.
  const ann = await openCopied(url)
  await ann.synced()
  for (const title of ['shared', 'of ann']) ann.tasks.insert({ title })
  await ann.acknowledged()
  /** Steps of digests, as long as they are held. */
  let held: (() => void)[] | undefined = []
  const timers = {
    ...systemTimers,
    setTimeout(work: () => void, ms: number) {
      if (ms > 0 || held === undefined) return systemTimers.setTimeout(work, ms)
      held.push(work)
      return undefined
    },
  }
  const sync = relay({ url, random: () => 0, timers })
  const ben = await createDatabase({ name: 'acme', schema, storage: await storeWith('shared', 'of ben'), sync })
  onTestFinished(() => ben.close())
  await until(() => held?.length === 1)
  ben.tasks.insert({ title: 'meanwhile' })
  await ben.acknowledged()
  const steps = held ?? []
  held = undefined
  for (const step of steps) step()
  await until(() => titlesOf(ann).length === 5)
  expect([titlesOf(ben), refusals]).toEqual([titlesOf(ann), ['forked']])
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

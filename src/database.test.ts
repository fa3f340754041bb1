// Laws of a database as apps use it: rows, transactions, subscriptions, saving, opening again.
import { describe, expect, it, vi } from 'vitest'
import { column as c, createDatabase, type Database, defineSchema, MerrowError, table } from './index.ts'
import { memory, type Storage, type StorageAdapter } from './storage/index.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    priority: c.number().default(0),
    dueAt: c.date().optional(),
    meta: c.json<{ tags: string[] }>().optional(),
    projectId: c.ref('projects').optional(),
  }),
})
type S = typeof schema

const open = (options: { storage?: StorageAdapter; user?: string; now?: () => number } = {}): Promise<Database<S>> =>
  createDatabase({ name: 'test', schema, ...options })
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof MerrowError) return error.code
    throw error
  }
  return 'nothing thrown'
}

describe('rows', () => {
  it('[T1] an inserted row is frozen, plain, complete and there at once', async () => {
    const db = await open({ user: 'ann', now: () => 1_700_000_000_000 })
    const id = db.tasks.insert({ title: 'Write', dueAt: new Date(5) })
    const row = db.tasks.get(id)
    expect(row).toMatchObject({
      id,
      title: 'Write',
      done: false,
      priority: 0,
      projectId: undefined,
      createdAt: 1_700_000_000_000,
      updatedBy: 'ann',
      deletedAt: undefined,
    })
    expect(row?.dueAt?.getTime()).toBe(5)
    expect(Object.isFrozen(row)).toBe(true)
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype)
    expect(db.tasks.get(id)).toBe(row)
    await db.close()
  })

  it('[T2] ids are UUIDv7 in order of making, or the ones given', async () => {
    const db = await open()
    const ids = db.tasks.insertMany(Array.from({ length: 1000 }, (_, at) => ({ title: `${at}` })))
    expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(
      true,
    )
    expect([...ids].sort()).toEqual(ids)
    expect(db.tasks.insert({ id: 'mine', title: 'x' })).toBe('mine')
    expect(codeOf(() => db.tasks.insert({ id: '', title: 'x' }))).toBe('invalid_value')
    await db.close()
  })

  it('[T3] an update writes the named columns; a draft, the changed ones', async () => {
    const db = await open()
    const id = db.tasks.insert({ title: 'a', meta: { tags: ['x'] } })
    db.tasks.update(id, { done: true })
    db.tasks.update(id, (draft) => {
      draft.meta?.tags.push('y')
    })
    expect(db.tasks.get(id)).toMatchObject({ title: 'a', done: true, meta: { tags: ['x', 'y'] } })
    const before = db.tasks.get(id)
    db.tasks.update(id, () => {})
    expect(db.tasks.get(id)).toBe(before)
    await db.close()
  })

  it('[T4] a refused write leaves nothing behind', async () => {
    const db = await open()
    const id = db.tasks.insert({ title: 'a' })
    expect(codeOf(() => db.tasks.update('nobody', { done: true }))).toBe('row_not_found')
    expect(codeOf(() => db.tasks.delete('nobody'))).toBe('row_not_found')
    expect(codeOf(() => db.tasks.restore('nobody'))).toBe('row_not_found')
    expect(codeOf(() => db.tasks.insert({ id, title: 'again' }))).toBe('row_exists')
    expect(
      codeOf(() =>
        db.tasks.insertMany([
          { id: 'p', title: '1' },
          { id: 'p', title: '2' },
        ]),
      ),
    ).toBe('row_exists')
    expect(codeOf(() => db.tasks.insertMany([{ title: '1' }, { title: 2 as never }]))).toBe('invalid_value')
    expect(codeOf(() => db.table('nope' as 'tasks'))).toBe('unknown_table')
    expect(codeOf(() => db.tasks.where({ nope: 1 } as never))).toBe('invalid_argument')
    expect(db.tasks.all().map(({ title }) => title)).toEqual(['a'])
    await db.close()
  })

  it('[T5] a soft-deleted row is passed over until it is restored, with what was written meanwhile', async () => {
    const db = await open()
    const id = db.tasks.insert({ title: 'a' })
    db.tasks.delete(id)
    db.tasks.delete(id)
    expect([db.tasks.get(id), db.tasks.all(), db.tasks.where({ title: 'a' }).count()]).toEqual([undefined, [], 0])
    expect(db.tasks.get(id, { withDeleted: true })?.deletedAt).toBeTypeOf('number')
    db.tasks.update(id, { title: 'b' })
    db.tasks.restore(id)
    expect(db.tasks.get(id)).toMatchObject({ title: 'b', deletedAt: undefined })
    expect(codeOf(() => db.tasks.insert({ id, title: 'again' }))).toBe('row_exists')
    await db.close()
  })

  it('[T6] upsert inserts, changes, and brings back', async () => {
    const db = await open()
    expect(db.tasks.upsert({ id: 'x', title: 'a', priority: 1 })).toBe('x')
    db.tasks.delete('x')
    db.tasks.upsert({ id: 'x', title: 'b' })
    expect(db.tasks.get('x')).toMatchObject({ title: 'b', priority: 1 })
    await db.close()
  })

  it('[T7] where compares by equality, dates by time, undefined by absence', async () => {
    const db = await open()
    db.tasks.insertMany([
      { id: '1', title: 'a', dueAt: new Date(1) },
      { id: '2', title: 'a', done: true },
      { id: '3', title: 'b' },
    ])
    expect(
      db.tasks
        .where({ title: 'a', done: true })
        .all()
        .map(({ id }) => id),
    ).toEqual(['2'])
    expect(db.tasks.where({ dueAt: new Date(1) }).first()?.id).toBe('1')
    expect(db.tasks.where({ dueAt: undefined }).count()).toBe(2)
    await db.close()
  })
})

it('[T20] updateWhere and deleteWhere write all matching rows in one transaction and one step, or none', async () => {
  const db = await open()
  db.tasks.insertMany(Array.from({ length: 10 }, (_, at) => ({ title: `${at}`, priority: at % 2 })))
  await db.saved()
  const changes: number[] = []
  db.tasks.subscribe(({ changed, removed }) => changes.push(changed.length, removed.length))
  expect(db.tasks.updateWhere({ priority: 1 }, { done: true })).toBe(5)
  await db.saved()
  expect(db.tasks.deleteWhere({ done: true })).toBe(5)
  await db.saved()
  expect([changes, db.tasks.all().length, db.undo.undoable]).toEqual([[5, 0, 0, 5], 5, 3])
  expect(codeOf(() => db.tasks.updateWhere({ priority: 0 }, { title: 5 as never }))).toBe('invalid_value')
  db.undo.undo()
  expect(db.tasks.where({ done: true }).count()).toBe(5)
  await db.close()
})

it('[T21] a purged row is gone for good, here and in the store; its id may be used again', async () => {
  const storage = memory()
  let nowMs = 1_700_000_000_000
  const now = (): number => nowMs
  const db = await open({ storage, now })
  const id = db.tasks.insert({ title: 'a secret of some length that must go' })
  db.tasks.update(id, { done: true })
  await db.saved()
  db.tasks.purge(id)
  expect([db.tasks.get(id, { withDeleted: true }), db.tasks.all({ withDeleted: true })]).toEqual([undefined, []])
  expect(codeOf(() => db.tasks.update(id, { done: false }))).toBe('row_not_found')
  expect(db.undo.undo()).toMatchObject({ restored: 0 })
  nowMs += 1000
  db.tasks.insert({ id, title: 'again' })
  await db.close()
  const again = await open({ storage, now })
  expect(again.tasks.get(id)).toMatchObject({ title: 'again', done: false })
  await again.close()
})

it('[T22] purgeDeleted purges what was soft-deleted long enough ago', async () => {
  let nowMs = 1_700_000_000_000
  const db = await open({ now: () => nowMs })
  const [old, young, kept] = db.tasks.insertMany([{ title: 'old' }, { title: 'young' }, { title: 'kept' }])
  db.tasks.delete(old as string)
  nowMs += 10_000
  db.tasks.delete(young as string)
  expect(db.tasks.purgeDeleted({ olderThanMs: 5000 })).toBe(1)
  expect(db.tasks.all({ withDeleted: true }).map(({ id }) => id)).toEqual([young, kept])
  await db.close()
})

describe('transactions', () => {
  it('[T8] what throws is taken back over all tables, nested ones alone, in memory and in store', async () => {
    const storage = memory()
    const db = await open({ storage })
    const id = db.tasks.insert({ title: 'a' })
    const changes: unknown[] = []
    db.tasks.subscribe((change) => changes.push(change))
    expect(() =>
      db.transact(() => {
        db.tasks.update(id, { title: 'gone' })
        db.projects.insert({ id: 'gone', name: 'p' })
        throw new Error('no')
      }),
    ).toThrow('no')
    db.transact(() => {
      db.tasks.update(id, { priority: 1 })
      expect(() =>
        db.transact(() => {
          db.tasks.update(id, { priority: 2 })
          throw new Error('inner')
        }),
      ).toThrow('inner')
    })
    expect(db.tasks.get(id)).toMatchObject({ title: 'a', priority: 1 })
    await db.saved()
    expect(changes).toHaveLength(1)
    await db.close()
    const again = await open({ storage })
    expect([again.tasks.get(id)?.title, again.tasks.get(id)?.priority, again.projects.all()]).toEqual(['a', 1, []])
    await again.close()
  })

  it('[T9] an asynchronous transaction is refused, nothing written', async () => {
    const db = await open()
    expect(
      codeOf(() =>
        db.transact(async () => {
          db.tasks.insert({ title: 'a' })
        }),
      ),
    ).toBe('invalid_argument')
    expect(db.tasks.all()).toEqual([])
    await db.close()
  })

  it('[T10] the writes of one turn, over several tables, are one append of one update a table', async () => {
    const { adapter, batches } = recording()
    const db = await open({ storage: adapter })
    const id = db.tasks.insert({ title: 'a' })
    db.tasks.update(id, { title: 'b' })
    db.projects.insert({ name: 'p' })
    for (let at = 0; at < 100; at++) db.tasks.update(id, { priority: at })
    await db.saved()
    expect(batches.map((batch) => batch.map(({ document }) => document))).toEqual([['projects', 'tasks']])
    await db.close()
  })

  it('[T10] subscribers hear at the end of each microtask, and the writes of many are one update', async () => {
    const { adapter, batches } = recording()
    const db = await open({ storage: adapter })
    const id = db.tasks.insert({ title: 'a' })
    await db.saved()
    let heard = 0
    db.tasks.subscribe(() => heard++)
    for (let at = 0; at < 100; at++) {
      db.tasks.update(id, { priority: at + 1 })
      await null
    }
    expect([heard, batches.length, db.status.unsaved]).toEqual([100, 1, 1])
    await db.saved()
    expect([heard, batches.length, db.status.unsaved]).toEqual([100, 2, 0])
    await db.close()
  })

  it('[T11] subscribers hear of each transaction once, with what was added, changed and removed', async () => {
    const db = await open()
    const heard: object[] = []
    const stop = db.tasks.subscribe(({ origin, added, changed, removed }) =>
      heard.push({
        origin,
        added: added.map(({ title }) => title),
        changed: changed.map(({ title }) => title),
        removed: removed.map(({ title }) => title),
      }),
    )
    const id = db.tasks.insert({ title: 'a' })
    db.tasks.update(id, { title: 'b' })
    await db.saved()
    db.tasks.update(id, { title: 'c' })
    await db.saved()
    db.tasks.delete(id)
    await db.saved()
    stop()
    db.tasks.restore(id)
    await db.saved()
    expect(heard).toEqual([
      { origin: 'local', added: ['b'], changed: [], removed: [] },
      { origin: 'local', added: [], changed: ['c'], removed: [] },
      { origin: 'local', added: [], changed: [], removed: ['c'] },
    ])
    await db.close()
  })

  it('[T12] a live query starts with its rows and then tells the difference', async () => {
    const db = await open()
    const a = db.tasks.insert({ title: 'a' })
    await db.saved()
    const heard: string[] = []
    const stop = db.tasks
      .where({ done: false })
      .subscribe(({ rows, added, changed, removed }) =>
        heard.push([rows.length, added.length, changed.length, removed.length].join()),
      )
    db.tasks.insert({ title: 'b' })
    await db.saved()
    db.tasks.update(a, { title: 'x' })
    await db.saved()
    db.tasks.update(a, { done: true })
    await db.saved()
    db.tasks.update(a, { title: 'unseen' })
    await db.saved()
    stop()
    expect(heard).toEqual(['1,1,0,0', '2,1,0,0', '2,0,1,0', '1,0,0,1'])
    await db.close()
  })

  it('[T13] a subscriber that throws is reported and harms no other', async () => {
    const onError = vi.fn()
    const db = await createDatabase({ name: 'test', schema, onError })
    const heard = vi.fn()
    db.tasks.subscribe(() => {
      throw new Error('mine')
    })
    db.tasks.subscribe(heard)
    db.tasks.insert({ title: 'a' })
    await db.saved()
    expect([onError.mock.calls.length, heard.mock.calls.length]).toEqual([1, 1])
    await db.close()
  })
})

describe('storage', () => {
  it('[T14] saved() resolves only when the store says that all is durable; what it refuses is kept and tried again', async () => {
    const { adapter, batches, refuse } = recording()
    const db = await open({ storage: adapter })
    refuse(new MerrowError('storage_full', 'full'))
    const id = db.tasks.insert({ title: 'a' })
    await expect(db.saved()).rejects.toMatchObject({ code: 'storage_full' })
    expect([db.status.unsaved, (db.status.error as MerrowError).code, db.tasks.get(id)?.title]).toEqual([
      1,
      'storage_full',
      'a',
    ])
    refuse(undefined)
    await db.saved()
    expect([db.status.unsaved, db.status.error, batches.length]).toEqual([0, undefined, 1])
    await db.close()
  })

  it('[T15] a store made by a newer version is refused and left alone', async () => {
    const storage = memory()
    const handle = await storage.open({
      database: 'test',
      scratch: { create: () => ({}), apply: () => {}, encode: () => new Uint8Array() },
    })
    await handle.writeMeta('format', '2')
    await handle.close()
    await expect(open({ storage })).rejects.toMatchObject({
      code: 'newer_format',
      message: expect.stringContaining('Update Merrow'),
    })
  })

  it('[T16] a damaged store is reported, and the database does not open half', async () => {
    const storage = memory()
    const handle = await storage.open({
      database: 'test',
      scratch: { create: () => ({}), apply: () => {}, encode: () => new Uint8Array() },
    })
    await handle.append([{ document: 'tasks', update: Uint8Array.of(9, 9, 9) }])
    await handle.close()
    await expect(open({ storage })).rejects.toMatchObject({
      code: 'storage_failed',
      message: expect.stringContaining('damaged'),
    })
  })

  it('[T17] a closed database refuses writes, keeps reads, and closes once', async () => {
    const db = await open()
    const id = db.tasks.insert({ title: 'a' })
    await Promise.all([db.close(), db.close()])
    expect(db.tasks.get(id)?.title).toBe('a')
    expect(codeOf(() => db.tasks.insert({ title: 'b' }))).toBe('database_closed')
    expect(codeOf(() => db.tasks.update(id, { title: 'b' }))).toBe('database_closed')
  })

  it('[T18] many small writes are compacted, and nothing is lost by it', async () => {
    const storage = memory()
    const { adapter, compactions } = recording(storage)
    const db = await open({ storage: adapter })
    const id = db.tasks.insert({ title: 'a' })
    for (let at = 0; at < 1200; at++) {
      db.tasks.update(id, { priority: at })
      await db.saved()
    }
    await db.close()
    expect(compactions()).toBe(2)
    const again = await open({ storage })
    expect(again.tasks.get(id)).toMatchObject({ title: 'a', priority: 1199 })
    await again.close()
  })

  it('[T18] a compaction that fails is reported, and saving goes on', async () => {
    const { adapter, batches, refuseCompaction } = recording()
    const db = await open({ storage: adapter })
    refuseCompaction(new MerrowError('storage_full', 'full'))
    const id = db.tasks.insert({ title: 'a' })
    for (let at = 0; at < 600; at++) {
      db.tasks.update(id, { priority: at })
      await db.saved()
    }
    expect((db.status.error as MerrowError).code).toBe('storage_full')
    const appended = batches.length
    db.tasks.update(id, { priority: -1 })
    await new Promise((resolve) => setImmediate(resolve))
    expect([batches.length, db.status.unsaved]).toEqual([appended + 1, 0])
    await db.close()
  })

  it('[T23] within a transaction nothing can be waited for, closed or undone', async () => {
    const db = await open()
    const id = db.tasks.insert({ title: 'a' })
    const waits: Promise<unknown>[] = []
    db.transact(() => {
      db.tasks.update(id, { title: 'b' })
      waits.push(db.saved(), db.close())
      expect(codeOf(() => db.undo.undo())).toBe('invalid_argument')
    })
    for (const { status } of await Promise.allSettled(waits)) expect(status).toBe('rejected')
    expect(db.tasks.get(id)?.title).toBe('b')
    await db.close()
  })

  it('[T24] a listener of the status that throws is reported and harms no other', async () => {
    const onError = vi.fn()
    const db = await createDatabase({ name: 'test', schema, onError })
    const heard = vi.fn()
    db.status.subscribe(() => {
      throw new Error('mine')
    })
    db.status.subscribe(heard)
    db.tasks.insert({ title: 'a' })
    await db.saved()
    await db.close()
    expect(onError.mock.calls.length).toBeGreaterThan(0)
    expect(heard.mock.calls.length).toBe(onError.mock.calls.length)
  })

  it('[T19] malformed names are refused; a table that is called like a member is reached by name', async () => {
    await expect(createDatabase({ name: '../etc', schema })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    await expect(createDatabase({ name: 'x', schema, user: '' })).rejects.toMatchObject({
      code: 'invalid_argument',
    })
    const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
    const db = await createDatabase({
      name: 'x',
      schema: defineSchema({ status: table({ text: c.string() }) }),
    })
    db.table('status').insert({ id: 's', text: 'hello' })
    expect([db.table('status').get('s')?.text, db.status.connection]).toEqual(['hello', 'offline'])
    expect(warn.mock.calls[0]?.[0]).toContain(`db.table('status')`)
    warn.mockRestore()
    await expect(db.acknowledged()).rejects.toMatchObject({ code: 'unsupported' })
    await db.close()
  })
})

/** A storage adapter that counts, and refuses when told to; what it takes it passes on. */
const recording = (inner: StorageAdapter = memory()) => {
  const batches: Parameters<Storage['append']>[0][] = []
  let refusal: Error | undefined
  let compactionRefusal: Error | undefined
  let compactions = 0
  const adapter: StorageAdapter = {
    async open(context) {
      const storage = await inner.open(context)
      return {
        isAlone: storage.isAlone,
        readMeta: (key) => storage.readMeta(key),
        writeMeta: (key, value) => storage.writeMeta(key, value),
        load: (document) => storage.load(document),
        remove: (document) => storage.remove(document),
        close: () => storage.close(),
        async compact(...args) {
          compactions += 1
          if (compactionRefusal !== undefined) throw compactionRefusal
          return storage.compact(...args)
        },
        async append(batch) {
          if (refusal !== undefined) throw refusal
          batches.push(batch)
          return storage.append(batch)
        },
      }
    },
  }
  return {
    adapter,
    batches,
    compactions: () => compactions,
    refuse: (error: Error | undefined) => {
      refusal = error
    },
    refuseCompaction: (error: Error) => {
      compactionRefusal = error
    },
  }
}

// Laws of partitioned tables: what is open shows, writes find their document, what is idle goes, and nothing is lost on the way.
import { afterEach, describe, expect, it } from 'vitest'
import { createRelay, openMemoryLog } from '../../server/index.ts'
import { column as c, createDatabase, type Database, defineSchema, MerrowError, table } from '../index.ts'
import { RowLog } from '../rowlog/index.ts'
import { StampClock } from '../stamp.ts'
import { memory, type StorageAdapter } from '../storage/index.ts'
import { relay } from '../sync/index.ts'
import { PassiveServer } from '../table/testing/passive-server.ts'
import { TestTimers } from '../table/testing/timers.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    month: c.string().default('2026-11'),
    done: c.boolean().default(false),
    votes: c.counter(),
    labels: c.set(c.string()),
  }).partitionBy((row) => row.month, { idleMs: 1000 }),
})
type S = typeof schema

const closers: (() => Promise<unknown> | unknown)[] = []
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close()
})

const openDatabase = async (
  options: Partial<Parameters<typeof createDatabase<S>>[0]> = {},
): Promise<{ db: Database<S>; timers: TestTimers }> => {
  const timers = new TestTimers()
  const db = await createDatabase({ name: 'test', schema, timers, ...options })
  closers.push(() => db.close())
  return { db, timers }
}
const titles = (db: Database<S>): string[] =>
  db.tasks
    .all()
    .map(({ title }) => title)
    .sort()
const codeOf = (work: () => unknown): string => {
  try {
    work()
  } catch (error) {
    if (error instanceof MerrowError) return error.code
    throw error
  }
  return 'nothing thrown'
}
/** Lets go of all partitions that are idle, and waits until they are gone. */
const rest = async (db: Database<S>, timers: TestTimers, ...keys: string[]): Promise<void> => {
  const isOpen = (key: string): boolean => db.tasks.partitions().some((one) => one.key === key && one.isOpen)
  for (let turn = 0; turn < 20 && keys.some(isOpen); turn++) {
    await db.saved()
    timers.run(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(keys.filter(isOpen)).toEqual([])
}
/** A store with a row in each of three months, closed. */
const filled = async (): Promise<StorageAdapter> => {
  const storage = memory()
  const { db } = await openDatabase({ storage })
  for (const month of ['2026-10', '2026-11', '2026-12']) db.tasks.insert({ id: month, title: month, month })
  await db.close()
  return storage
}

describe('what is open', () => {
  it('[B1] the rows of open partitions are one table; a partition shows once it is opened', async () => {
    const { db } = await openDatabase({ storage: await filled() })
    expect(titles(db)).toEqual([])
    await db.tasks.open('2026-11')
    expect(titles(db)).toEqual(['2026-11'])
    await db.tasks.open('2026-12')
    expect(titles(db)).toEqual(['2026-11', '2026-12'])
    expect(db.tasks.where({ month: '2026-12' }).count()).toBe(1)
    expect(db.tasks.get('2026-10')).toBeUndefined()
    expect(db.tasks.partitions()).toEqual([
      { key: '2026-10', isOpen: false },
      { key: '2026-11', isOpen: true },
      { key: '2026-12', isOpen: true },
    ])
  })

  it('[B1] subscribers and live queries hear of rows that come and go, hooks do not', async () => {
    const { db, timers } = await openDatabase({ storage: await filled() })
    const heard: string[] = []
    const results: number[] = []
    let hooked = 0
    db.tasks.subscribe(({ origin, added, removed }) => heard.push(`${origin} +${added.length} -${removed.length}`))
    db.tasks.where({ done: false }).subscribe(({ rows }) => results.push(rows.length))
    db.tasks.after('write', () => {
      hooked += 1
    })
    const handle = await db.tasks.open('2026-11')
    handle.close()
    await rest(db, timers, '2026-11')
    expect(heard).toEqual(['partition +1 -0', 'partition +0 -1'])
    expect(results).toEqual([0, 1, 0])
    expect(hooked).toBe(0)
  })

  it('[B2] a partition closes once nobody holds it and nothing is written to it for a while, and opens again as it was', async () => {
    const { db, timers } = await openDatabase({ storage: await filled() })
    const [one, two] = [await db.tasks.open('2026-11'), await db.tasks.open('2026-11')]
    one.close()
    one.close()
    timers.run(5000)
    await db.saved()
    expect(titles(db)).toEqual(['2026-11'])
    db.tasks.update('2026-11', { title: 'late' })
    two.close()
    timers.run(900)
    db.tasks.update('2026-11', { done: true })
    await db.saved()
    timers.run(900)
    expect(titles(db)).toEqual(['late'])
    await rest(db, timers, '2026-11')
    expect(titles(db)).toEqual([])
    await db.tasks.open('2026-11')
    expect(db.tasks.get('2026-11')).toMatchObject({ title: 'late', done: true })
  })

  it('[B2] what is written in the moment of closing keeps a partition open', async () => {
    const line = new PassiveServer().line()
    const { db, timers } = await openDatabase({ sync: line.sync })
    db.tasks.insert({ id: 'r', title: 'a', month: '2026-11' })
    await db.saved()
    line.exchange()
    timers.run(1000)
    await new Promise((resolve) => setImmediate(resolve))
    line.exchange() // acknowledges the end of the segment: now it closes
    db.tasks.update('r', { title: 'b' })
    await new Promise((resolve) => setImmediate(resolve))
    expect(titles(db)).toEqual(['b'])
    line.exchange()
    timers.run(1000)
    await new Promise((resolve) => setImmediate(resolve))
    line.exchange()
    await new Promise((resolve) => setImmediate(resolve))
    expect(titles(db)).toEqual([])
    await db.tasks.open('2026-11')
    expect(titles(db)).toEqual(['b'])
  })

  it('[B3] what is no key is refused, whoever gives it, and nothing is written', async () => {
    const { db } = await openDatabase()
    for (const key of ['', 'x'.repeat(101), '\ud800', 7])
      await expect(db.tasks.open(key as string)).rejects.toMatchObject({ code: 'invalid_argument' })
    expect(codeOf(() => db.tasks.insert({ title: 'a', month: '' }))).toBe('invalid_value')
    const id = db.tasks.insert({ title: 'a' })
    expect(codeOf(() => db.tasks.update(id, { title: 'b', month: '' }))).toBe('invalid_value')
    expect(db.tasks.all()).toMatchObject([{ title: 'a', month: '2026-11' }])
    for (const month of ['..', '../x', 'Ü/ß ~%', '😀'])
      expect(db.tasks.get(db.tasks.insert({ title: month, month }))?.month).toBe(month)
    await db.saved()
  })
})

describe('writes', () => {
  it('[B4] an insert goes to the partition of its key, opening it; what is stored there comes behind, and nothing is lost', async () => {
    const storage = await filled()
    const { db } = await openDatabase({ storage })
    const id = db.tasks.insert({ title: 'new', month: '2026-12' })
    expect(db.tasks.get(id)?.title).toBe('new')
    await db.tasks.open('2026-12')
    expect(titles(db)).toEqual(['2026-12', 'new'])
    await db.close()
    const again = await openDatabase({ storage })
    await again.db.tasks.open('2026-12')
    expect(titles(again.db)).toEqual(['2026-12', 'new'])
  })

  it('[B5] a row that gets another key moves: it shows where it is, with all that others wrote to it', async () => {
    const { db, timers } = await openDatabase({ storage: await filled() })
    const handle = await db.tasks.open('2026-11')
    db.tasks.update('2026-11', { votes: 3, labels: ['x'] })
    db.tasks.update('2026-11', { month: '2026-12' })
    expect(db.tasks.all().filter(({ id }) => id === '2026-11')).toMatchObject([{ month: '2026-12', votes: 3 }])
    await rest(db, timers, '2026-12')
    expect(titles(db)).toEqual([])
    handle.close()
    await rest(db, timers, '2026-11')
    await db.tasks.open('2026-12')
    expect(db.tasks.get('2026-11')).toMatchObject({ title: '2026-11', month: '2026-12', votes: 3, labels: ['x'] })
    await db.tasks.open('2026-11')
    expect(titles(db)).toEqual(['2026-11', '2026-12'])
  })

  it('[B5] a transaction that throws moves nothing; one that goes through is one change', async () => {
    const { db } = await openDatabase({ storage: await filled() })
    await db.tasks.open('2026-11')
    await db.saved()
    const before = db.tasks.get('2026-11')
    const heard: unknown[] = []
    db.tasks.subscribe((change) => heard.push(change))
    expect(() =>
      db.transact(() => {
        db.tasks.update('2026-11', { month: '2027-01' })
        db.tasks.insert({ title: 'x', month: '2027-02' })
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(db.tasks.all()).toEqual([before])
    expect(db.tasks.get('2026-11')).toBe(before)
    db.transact(() => {
      db.tasks.update('2026-11', { month: '2027-01' })
      db.tasks.update('2026-11', { done: true })
    })
    await db.saved()
    expect(heard).toMatchObject([
      { origin: 'local', added: [], removed: [], changed: [{ month: '2027-01', done: true }] },
    ])
  })

  it('[B5] undo takes a move back, redo does it again, hooks see both', async () => {
    const { db } = await openDatabase({ storage: await filled() })
    await db.tasks.open('2026-11')
    const seen: string[] = []
    db.tasks.after('write', ({ origin, before, after }) => seen.push(`${origin} ${before?.month} ${after?.month}`))
    db.transact(() => db.tasks.update('2026-11', { title: 'b' }))
    db.transact(() => db.tasks.update('2026-11', { month: '2026-12' }))
    await db.saved()
    expect(db.undo.undo()).toMatchObject({ restored: 1, skipped: [] })
    await db.saved()
    expect(db.undo.undo()).toMatchObject({ restored: 1, skipped: [] })
    await db.saved()
    expect(db.tasks.get('2026-11')).toMatchObject({ title: '2026-11', month: '2026-11' })
    db.undo.redo()
    await db.saved()
    db.undo.redo()
    await db.saved()
    expect(db.tasks.get('2026-11')).toMatchObject({ title: 'b', month: '2026-12' })
    expect(seen.slice(0, 2)).toEqual(['local 2026-11 2026-12', 'undo 2026-12 2026-11'])
  })

  it('[B5] updateWhere and deleteWhere move and delete over what is open; a move is one append of three updates', async () => {
    const appended: string[][] = []
    const inner = memory()
    const storage: StorageAdapter = {
      open: async (context) => {
        const opened = await inner.open(context)
        const append = opened.append.bind(opened)
        return Object.assign(opened, {
          append: (batch: Parameters<typeof append>[0]) => {
            appended.push(batch.map(({ document }) => document))
            return append(batch)
          },
        })
      },
    }
    const { db } = await openDatabase({ storage })
    db.tasks.insertMany(Array.from({ length: 300 }, (_, at) => ({ title: `${at}`, month: '2026-10' })))
    await db.tasks.open('2026-11')
    await db.saved()
    appended.length = 0
    expect(db.tasks.updateWhere({ month: '2026-10' }, { month: '2026-11' })).toBe(300)
    await db.saved()
    // The note in the old document; in the new one, the same writes, and copies of all that they did not change.
    expect(appended).toEqual([['tasks/2026-10', 'tasks/2026-11', 'tasks/2026-11'].sort()])
    expect(db.tasks.where({ month: '2026-11' }).count()).toBe(300)
    expect(db.tasks.deleteWhere({ month: '2026-11' })).toBe(300)
    expect(db.tasks.all()).toEqual([])
    expect(db.tasks.all({ withDeleted: true })).toHaveLength(300)
  })

  it('[B6] a purge takes a row out of every open document, and one that was left behind does not come back', async () => {
    const { db, timers } = await openDatabase({ storage: await filled() })
    const october = await db.tasks.open('2026-10')
    db.tasks.update('2026-10', { month: '2026-11' })
    october.close()
    await db.tasks.open('2026-11')
    await rest(db, timers, '2026-10')
    db.tasks.purge('2026-10')
    await db.tasks.open('2026-10')
    expect(db.tasks.get('2026-10', { withDeleted: true })).toBeUndefined()
  })
})

describe('beside other things', () => {
  const asking = defineSchema({
    notes: table({ text: c.string({ conflict: 'ask' }), shelf: c.string() }).partitionBy((row) => row.shelf),
    others: table({ text: c.string() }),
  })

  it('[B5] copies of a write are no conflict with it; concurrent writes in two partitions are one conflict', async () => {
    const server = new PassiveServer()
    const lines = [server.line(), server.line()] as const
    const [a, b] = await Promise.all(lines.map(({ sync }) => createDatabase({ name: 'test', schema: asking, sync })))
    if (a === undefined || b === undefined) throw new Error('Two were opened.')
    closers.push(
      () => a.close(),
      () => b.close(),
    )
    const exchange = async (): Promise<void> => {
      for (let turn = 0; turn < 3; turn++)
        for (const [at, db] of [a, b].entries()) {
          await db.saved()
          lines[at]?.exchange()
          await db.saved()
        }
    }
    a.notes.insert({ id: 'n', text: 'first', shelf: 'x' })
    for (const db of [a, b]) for (const key of ['x', 'y', 'z']) await db.notes.open(key)
    await exchange()
    a.notes.update('n', { shelf: 'y' })
    b.notes.update('n', { shelf: 'z' })
    await exchange()
    expect([a, b].flatMap((db) => db.conflicts.list())).toEqual([])
    a.notes.update('n', { text: 'by a', shelf: 'x' })
    b.notes.update('n', { text: 'by b' })
    await exchange()
    for (const db of [a, b]) {
      expect(db.conflicts.list().map(({ writes }) => writes.map(({ value }) => value).sort())).toEqual([
        ['by a', 'by b'],
      ])
      expect(db.notes.all()).toHaveLength(1)
    }
    const [conflict] = b.conflicts.list()
    if (conflict !== undefined) b.conflicts.resolve(conflict, 'mine')
    await exchange()
    expect([a, b].flatMap((db) => db.conflicts.list())).toEqual([])
    expect(a.notes.get('n')?.text).toBe('by b')
  })

  it('[B1] unions and views see what is open, and write to it', async () => {
    const db = await createDatabase({ name: 'test', schema: asking })
    closers.push(() => db.close())
    const union = db.union(['notes', 'others'])
    const view = db.view({ others: { title: 'text' }, notes: ['text', 'shelf'] })
    const id = view.insert({ title: 'T', text: 'on a shelf', shelf: 'x' })
    expect(union.all().map(({ table: name }) => name)).toEqual(['notes', 'others'])
    view.update(id, { shelf: 'y' })
    expect(view.get(id)).toMatchObject({ title: 'T', text: 'on a shelf', shelf: 'y' })
    expect(union.count()).toBe(2)
  })
})

describe('time and versions', () => {
  const DAY_MS = 24 * 60 * 60 * 1000

  it('[B6] what a row left behind is deleted 90 days after, and what was purged meanwhile is not shown again', async () => {
    let nowMs = Date.UTC(2026, 0, 1)
    const storage = memory()
    const first = await openDatabase({ storage, now: () => nowMs })
    for (const id of ['kept', 'purged']) first.db.tasks.insert({ id, title: id, month: '2026-01' })
    await first.db.saved()
    for (const id of ['kept', 'purged']) first.db.tasks.update(id, { month: '2026-02' })
    await rest(first.db, first.timers, '2026-01', '2026-02')
    await first.db.tasks.open('2026-02')
    first.db.tasks.purge('purged')
    await first.db.close()
    nowMs += 91 * DAY_MS
    const later = await openDatabase({ storage, now: () => nowMs })
    const handles = [await later.db.tasks.open('2026-02')]
    handles.push(await later.db.tasks.open('2026-01'))
    expect(titles(later.db)).toEqual(['kept'])
    expect(later.db.tasks.get('purged', { withDeleted: true })).toBeUndefined()
    for (const handle of handles) handle.close()
    await rest(later.db, later.timers, '2026-01', '2026-02')
    const documents = await storage.open({ database: 'test', scratch: undefined as never })
    const state = new RowLog({ replica: 'x.y', author: undefined, clock: new StampClock(() => nowMs) })
    state.load((await documents.load('tasks/2026-01')).map(({ update }) => update))
    expect(state.entries.size).toBe(0)
    await documents.close()
  })

  it('[B11] rows are migrated when their partition opens, and go where their new columns say', async () => {
    const storage = await filled()
    const next = defineSchema(
      {
        projects: table({ name: c.string() }),
        tasks: table({ title: c.string(), month: c.string(), year: c.string().default('') }).partitionBy((row) =>
          row.year === '' ? row.month : row.year,
        ),
      },
      { version: 2, migrations: [{ to: 2, tables: { tasks: (row) => ({ year: String(row['month']).slice(0, 4) }) } }] },
    )
    const db = await createDatabase({ name: 'test', schema: next, storage })
    closers.push(() => db.close())
    const year = await db.tasks.open('2026')
    expect(db.tasks.all()).toEqual([])
    await db.tasks.open('2026-11')
    expect(db.tasks.all()).toMatchObject([{ id: '2026-11', year: '2026' }])
    await db.saved()
    await db.close()
    const again = await createDatabase({ name: 'test', schema: next, storage })
    closers.push(() => again.close())
    await again.tasks.open('2026')
    expect(again.tasks.all()).toMatchObject([{ id: '2026-11', title: '2026-11', year: '2026' }])
    year.close()
  })

  it('[B11] a partition that asks for a newer schema makes the database read-only', async () => {
    const storage = memory()
    const tables = { projects: table({ name: c.string() }), tasks: schema.tables.tasks }
    const newer = await createDatabase({
      name: 'test',
      storage,
      schema: defineSchema(tables, { version: 3, minVersion: 3 }),
    })
    newer.tasks.insert({ title: 'new', month: '2026-11' })
    await newer.tasks.open('2026-11')
    await newer.close()
    const { db } = await openDatabase({ storage })
    await db.tasks.open('2026-11')
    expect(titles(db)).toEqual(['new'])
    expect(codeOf(() => db.tasks.insert({ title: 'x' }))).toBe('read_only')
  })

  it('[B12] a row whose key nobody can say shows where it lies, and is reported', async () => {
    const storage = await filled()
    const errors: unknown[] = []
    const strict = defineSchema({
      projects: table({ name: c.string() }),
      tasks: table({ title: c.string(), month: c.string() }).partitionBy((row) => {
        if (row.month === '2026-11') throw new Error('not that one')
        return row.month
      }),
    })
    const db = await createDatabase({ name: 'test', schema: strict, storage, onError: (error) => errors.push(error) })
    closers.push(() => db.close())
    await db.tasks.open('2026-11')
    await db.tasks.open('2026-12')
    expect(
      db.tasks
        .all()
        .map(({ id }) => id)
        .sort(),
    ).toEqual(['2026-11', '2026-12'])
    expect(errors[0]).toMatchObject({ code: 'invalid_value', id: '2026-11' })
    expect(codeOf(() => db.tasks.update('2026-11', { title: 'b' }))).toBe('invalid_value')
    db.tasks.update('2026-11', { month: '2026-12' })
    expect(db.tasks.get('2026-11')).toMatchObject({ month: '2026-12' })
  })

  it('[B12] a partition that storage cannot read is refused, and opens once it can', async () => {
    const inner = await filled()
    let isBroken = true
    const storage: StorageAdapter = {
      open: async (context) => {
        const opened = await inner.open(context)
        const load = opened.load.bind(opened)
        return Object.assign(opened, {
          load: (document: string) =>
            isBroken && document.startsWith('tasks/')
              ? Promise.reject(new MerrowError('storage_failed', 'Broken.'))
              : load(document),
        })
      },
    }
    const errors: unknown[] = []
    const { db } = await openDatabase({ storage, onError: (error) => errors.push(error) })
    await expect(db.tasks.open('2026-11')).rejects.toMatchObject({ code: 'storage_failed' })
    const id = db.tasks.insert({ title: 'blind', month: '2026-12' })
    await expect(db.tasks.open('2026-12')).rejects.toMatchObject({ code: 'storage_failed' })
    expect(errors).toMatchObject([{ code: 'storage_failed' }])
    expect(db.tasks.get(id)?.title).toBe('blind')
    isBroken = false
    await db.tasks.open('2026-11')
    await db.tasks.open('2026-12')
    expect(titles(db)).toEqual(['2026-11', '2026-12', 'blind'])
  })

  it('[B12] a damaged list of partitions is reported, and they open by their keys', async () => {
    const storage = await filled()
    const raw = await storage.open({ database: 'test', scratch: undefined as never })
    await raw.writeMeta('partitions/tasks', '[["2026-10",true],[7')
    await raw.close()
    const errors: unknown[] = []
    const { db } = await openDatabase({ storage, onError: (error) => errors.push(error) })
    expect(errors).toMatchObject([{ code: 'storage_failed', table: 'tasks' }])
    await db.tasks.open('2026-11')
    expect(titles(db)).toEqual(['2026-11'])
  })

  it('[B2] a closed database opens no partition', async () => {
    const { db } = await openDatabase()
    const handle = await db.tasks.open('2026-11')
    await db.close()
    handle.close()
    await expect(db.tasks.open('2026-12')).rejects.toMatchObject({ code: 'database_closed' })
  })
})

describe('with others', () => {
  it('[B7] partitions reach others through a relay, and are known, sent and there after a restart', async () => {
    const server = await createRelay({ port: 0, log: openMemoryLog() })
    closers.push(() => server.close())
    const sync = relay({ url: server.url, random: () => 0 })
    const storage = memory()
    const offline = await openDatabase({ storage })
    offline.db.tasks.insert({ id: 'early', title: 'early', month: '2026-10' })
    await offline.db.close()

    const a = await openDatabase({ storage, sync })
    expect(titles(a.db)).toEqual([])
    a.db.tasks.insert({ id: 'r', title: 'r', month: '2026-11' })
    await a.db.acknowledged()
    expect(a.db.status.unsent).toBe(0)

    const b = await openDatabase({ sync })
    for (const month of ['2026-10', '2026-11']) await b.db.tasks.open(month)
    await until(b.db, () => titles(b.db).join() === 'early,r')
    b.db.tasks.update('r', { month: '2026-10' })
    await b.db.acknowledged()
    await a.db.tasks.open('2026-10')
    await until(a.db, () => a.db.tasks.get('r')?.month === '2026-10')
    await rest(a.db, a.timers, '2026-11')
    expect(titles(a.db)).toEqual(['early', 'r'])
  })

  it('[B9] an edit that was made where a row has left reaches those who have only its new partition open', async () => {
    const server = await createRelay({ port: 0, log: openMemoryLog() })
    closers.push(() => server.close())
    const sync = relay({ url: server.url, random: () => 0 })
    const [a, b] = [await openDatabase({ sync }), await openDatabase({ sync })]
    a.db.tasks.insert({ id: 'r', title: 'r', month: '2026-10' })
    await a.db.acknowledged()
    await b.db.tasks.open('2026-10')
    await until(b.db, () => b.db.tasks.get('r') !== undefined)
    b.db.disconnect()
    b.db.tasks.update('r', { done: true, votes: 2 })
    a.db.tasks.update('r', { month: '2026-11', votes: 3 })
    await a.db.acknowledged()
    await rest(a.db, a.timers, '2026-10', '2026-11')
    const c = await openDatabase({ sync })
    await c.db.tasks.open('2026-11')
    await until(c.db, () => c.db.tasks.get('r')?.votes === 3)
    b.db.connect()
    await until(c.db, () => c.db.tasks.get('r')?.done === true)
    expect(c.db.tasks.get('r')).toMatchObject({ title: 'r', month: '2026-11', votes: 5 })
    expect(b.db.tasks.get('r')).toBeUndefined()
  })

  it('[B8] with a relay away, a partition that was written to stays open; unsent counts it', async () => {
    const sync = relay({ url: 'http://127.0.0.1:9', random: () => 0, timers: new TestTimers() })
    const { db, timers } = await openDatabase({ sync, onError: () => {} })
    db.tasks.insert({ title: 'a', month: '2026-10' })
    const read = await db.tasks.open('2026-11')
    read.close()
    await db.saved()
    for (let turn = 0; turn < 3; turn++) {
      timers.run(1000)
      await db.saved()
      await new Promise((resolve) => setImmediate(resolve))
    }
    expect(titles(db)).toEqual(['a'])
    expect(db.status.unsent).toBe(1)
  })
})

/** Resolves once a claim about a database holds; it is looked at whenever rows or status change. */
const until = (db: Database<S>, claim: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stops = [db.tasks.subscribe(() => look()), db.status.subscribe(() => look())]
    const look = (): void => {
      if (!claim()) return
      for (const stop of stops) stop()
      resolve()
    }
    look()
  })

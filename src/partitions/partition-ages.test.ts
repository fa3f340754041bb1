// Laws of partitions over time: what was left behind, versions of the schema, what cannot be read.
import { afterEach, expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, MerrowError, table } from '../index.ts'
import { RowLog } from '../rowlog/index.ts'
import { codeOf } from '../schema/testing/thrown.ts'
import { StampClock } from '../stamp.ts'
import { memory, type StorageAdapter } from '../storage/index.ts'
import { closeAll, closers, filled, openDatabase, rest, schema, titles } from './testing/monthly-tasks.ts'

afterEach(closeAll)

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

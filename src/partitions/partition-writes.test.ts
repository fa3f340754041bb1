// Laws of writes to partitioned tables: where they go, rows that move, conflicts, unions and views.
import { afterEach, expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, table } from '../index.ts'
import { memory, type StorageAdapter } from '../storage/index.ts'
import { PassiveServer } from '../table/testing/passive-server.ts'
import { closeAll, closers, filled, openDatabase, rest, titles } from './testing/monthly-tasks.ts'

afterEach(closeAll)

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
    expect(db.conflicts.list().map(({ writes }) => writes.map(({ value }) => value).sort())).toEqual([['by a', 'by b']])
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

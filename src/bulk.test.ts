// Laws of bulk writes in chunks: checked whole, told once, one step, one append, and others run in between.
import { expect, it } from 'vitest'
import { column as c, createDatabase, defineSchema, MerrowError, table } from './index.ts'
import { recording } from './storage/testing/recording.ts'
import { openReplica } from './table/testing/replicas.ts'

const schema = defineSchema({ tasks: table({ title: c.string(), done: c.boolean().default(false) }) })
const rows = (count: number) => Array.from({ length: count }, (_, at) => ({ id: `t${at}`, title: `${at}` }))

const open = async () => {
  const { adapter, batches } = recording()
  const { db, documents } = await openReplica(schema, { storage: adapter })
  const updates: number[] = []
  const whenUpdated = { do: (_updates: number): void => {} }
  documents.get('test/tasks')?.on('update', () => {
    updates.push(db.tasks.all().length)
    whenUpdated.do(updates.length)
  })
  const told: string[] = []
  db.tasks.subscribe(({ origin, added, changed, removed }) =>
    told.push([origin, added.length, changed.length, removed.length].join(' ')),
  )
  return { db, adapter, updates, batches, told, whenUpdated }
}

it('[T25] a bulk insert in chunks is one transaction a chunk, and one append, one notification, one step in all', async () => {
  const { db, updates, batches, told } = await open()
  const ids = await db.tasks.insertMany(rows(1000), { chunk: 300 })
  expect([ids.length, db.tasks.all().length, db.undo.undoable]).toEqual([1000, 1000, 1])
  await db.saved()
  expect([updates, batches.map(({ length }) => length), told]).toEqual([[300, 600, 900, 1000], [4], ['local 1000 0 0']])
  db.undo.undo()
  expect([db.tasks.all().length, db.undo.redoable]).toEqual([0, 1])
})

it('[T26] it is checked whole before anything of it is written', async () => {
  const { db, updates } = await open()
  const faulty = db.tasks.insertMany([...rows(50), { title: 5 as never }], { chunk: 10 })
  await expect(faulty).rejects.toMatchObject({ code: 'invalid_value' })
  await expect(db.tasks.insertMany([...rows(50), ...rows(1)], { chunk: 10 })).rejects.toMatchObject({
    code: 'row_exists',
  })
  const stop = db.tasks.before('write', ({ values }) => {
    if (values['title'] === '40') throw new Error('not this one')
  })
  await expect(db.tasks.insertMany(rows(50), { chunk: 10 })).rejects.toThrow('not this one')
  stop()
  expect(() => db.tasks.insertMany(rows(1), { chunk: 0 })).toThrow('number of rows between two pauses')
  expect(() => db.transact(() => void db.tasks.insertMany(rows(1), { chunk: 10 }))).toThrow('transaction of its own')
  await db.saved()
  expect([updates, db.tasks.all(), db.undo.undoable]).toEqual([[], [], 0])
})

it('[T27] what others write between chunks is told as theirs, and each row once', async () => {
  const { db, told, whenUpdated } = await open()
  const heard: string[] = []
  db.tasks.subscribe(({ added, changed }) => {
    for (const { id, done } of added) if (['t0', 'other'].includes(id)) heard.push(`added ${id} ${done}`)
    for (const { id } of changed) heard.push(`changed ${id}`)
  })
  whenUpdated.do = (count) => {
    if (count !== 2) return
    queueMicrotask(() => {
      db.tasks.insert({ id: 'other', title: 'mine' })
      db.tasks.update('t0', { done: true })
    })
  }
  await db.tasks.insertMany(rows(40), { chunk: 10 })
  expect(told).toEqual(['local 2 0 0', 'local 39 0 0'])
  expect(heard).toEqual(['added other false', 'added t0 true'])
  expect(db.undo.undoable).toBe(2)
})

it('[T28] updateWhere and deleteWhere take chunks too, and pass over rows that are gone by then', async () => {
  const { db, updates, told, whenUpdated } = await open()
  db.tasks.insertMany(rows(40))
  await db.saved()
  updates.length = 0
  whenUpdated.do = (count) => {
    if (count === 1) queueMicrotask(() => db.tasks.purge('t39'))
  }
  expect(await db.tasks.updateWhere({ done: false }, { done: true }, { chunk: 10 })).toBe(40)
  expect(db.tasks.where({ done: true }).count()).toBe(39)
  expect(await db.tasks.deleteWhere({ done: true }, { chunk: 20 })).toBe(39)
  await db.saved()
  expect([updates.length, told]).toEqual([7, ['local 40 0 0', 'local 0 0 1', 'local 0 39 0', 'local 0 0 39']])
  db.undo.undo()
  expect(db.tasks.all().length).toBe(39)
})

it('[T29] nothing of it is stored before all of it is; close() waits for it, and later ones are refused', async () => {
  const { db, adapter, batches, whenUpdated } = await open()
  const stored: number[] = []
  let closing: Promise<void> | undefined
  whenUpdated.do = (count) => {
    if (count <= 5) stored.push(batches.length)
    if (count === 2) queueMicrotask(() => (closing = db.close()))
  }
  expect((await db.tasks.insertMany(rows(500), { chunk: 100 })).length).toBe(500)
  await closing
  expect([stored, batches[0]?.length]).toEqual([[0, 0, 0, 0, 0], 5])
  expect(() => db.tasks.insertMany(rows(1), { chunk: 1 })).toThrow(MerrowError)
  const again = await createDatabase({ name: 'test', schema, storage: adapter })
  expect(again.tasks.all().length).toBe(500)
  await again.close()
})

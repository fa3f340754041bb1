// Laws of transactions: all or nothing, how they are stored, and who hears of them.
import { expect, it, vi } from 'vitest'
import { createDatabase } from '../index.ts'
import { codeOf } from '../schema/testing/thrown.ts'
import { memory } from '../storage/index.ts'
import { recording } from '../storage/testing/recording.ts'
import { open, schema } from './testing/tasks.ts'

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

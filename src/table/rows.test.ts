// Laws of rows as apps use them: writing, reading, deleting, purging.
import { expect, it } from 'vitest'
import { codeOf } from '../schema/testing/thrown.ts'
import { memory } from '../storage/index.ts'
import { open } from './testing/tasks.ts'

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
  expect(ids.every((id) => /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/.test(id))).toBe(true)
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

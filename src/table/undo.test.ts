// Laws of undo and redo: one's own steps, over all tables, and never what others wrote since.
import { expect, it } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { openReplica, testClock } from './testing/replicas.ts'
import { checkUndoLaw } from './testing/undo-law.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    note: c.string().default(''),
    votes: c.counter(),
    labels: c.set(c.string()),
    asked: c.string({ conflict: 'ask' }).optional(),
  }),
})

const open = (clock = testClock()) => openReplica(schema, { now: clock.now })

it('[U1] a transaction is one step over all its tables; undo takes it back, redo does it again', async () => {
  const { db } = await open()
  const id = db.tasks.insert({ title: 'a' })
  const projectId = db.transact(
    () => {
      db.tasks.update(id, { title: 'b', note: 'n', votes: 3, labels: ['x'], asked: 'q' })
      return db.projects.insert({ name: 'p' })
    },
    { label: 'plan' },
  )
  const after = db.tasks.get(id)
  expect(db.undo.undo()).toEqual({ label: 'plan', restored: 6, skipped: [] })
  expect(db.tasks.get(id)).toMatchObject({ title: 'a', note: '', votes: 0, labels: [], asked: undefined })
  expect(db.projects.get(projectId)).toBeUndefined()
  expect(db.undo.redo()).toMatchObject({ label: 'plan', skipped: [] })
  expect({ ...db.tasks.get(id), updatedAt: 0 }).toEqual({ ...after, updatedAt: 0 })
  expect(db.projects.get(projectId)?.name).toBe('p')
})

it('[U2] edits within 500 ms join into one step, later ones are another', async () => {
  const clock = testClock()
  const { db } = await open(clock)
  const id = db.tasks.insert({ title: '' })
  clock.nowMs += 1000
  for (const title of ['w', 'wo', 'wor', 'word']) {
    db.tasks.update(id, { title })
    clock.nowMs += 200
  }
  clock.nowMs += 1000
  db.tasks.update(id, { title: 'words' })
  expect(db.undo.undoable).toBe(3)
  db.undo.undo()
  expect(db.tasks.get(id)?.title).toBe('word')
  db.undo.undo()
  expect(db.tasks.get(id)?.title).toBe('')
  db.undo.undo()
  expect([db.tasks.get(id), db.undo.undo()]).toEqual([undefined, undefined])
})

it('[U3] a column that somebody has written since is left alone, and the result says so', async () => {
  const clock = testClock()
  const [a, b] = [await open(clock), await open(clock)]
  const id = a.db.tasks.insert({ title: 'start' })
  await exchange(a, b)
  clock.nowMs += 1000
  a.db.tasks.update(id, { title: 'a', note: 'a' })
  await exchange(a, b)
  clock.nowMs += 1000
  b.db.tasks.update(id, { title: 'b' })
  await exchange(a, b)
  expect(a.db.undo.undo()).toEqual({
    label: undefined,
    restored: 1,
    skipped: [{ table: 'tasks', id, column: 'title' }],
  })
  expect(a.db.tasks.get(id)).toMatchObject({ title: 'b', note: '' })
  expect(a.db.undo.undo()).toMatchObject({ restored: 0, skipped: [{ table: 'tasks', id, column: 'deletedAt' }] })
  expect(a.db.tasks.get(id)?.title).toBe('b')
})

it('[U4] deletes come back, with what others wrote meanwhile; increments of others stay', async () => {
  const clock = testClock()
  const [a, b] = [await open(clock), await open(clock)]
  const id = a.db.tasks.insert({ title: 't' })
  await exchange(a, b)
  clock.nowMs += 1000
  a.db.tasks.update(id, { votes: 5 })
  clock.nowMs += 1000
  a.db.tasks.delete(id)
  b.db.tasks.update(id, { note: 'b', votes: 2 })
  await exchange(a, b)
  expect(b.db.tasks.get(id)).toBeUndefined()
  a.db.undo.undo()
  a.db.undo.undo()
  await exchange(a, b)
  for (const { db } of [a, b]) expect(db.tasks.get(id)).toMatchObject({ note: 'b', votes: 2 })
})

it('[U5] a transaction that throws is no step; a new write ends redo; steps are bounded', async () => {
  const clock = testClock()
  const { db } = await open(clock)
  const id = db.tasks.insert({ title: 't' })
  expect(() =>
    db.transact(() => {
      db.tasks.update(id, { title: 'x' })
      throw new Error('no')
    }),
  ).toThrow('no')
  expect(db.undo.undoable).toBe(1)
  clock.nowMs += 1000
  db.tasks.update(id, { title: 'y' })
  db.undo.undo()
  expect(db.undo.redoable).toBe(1)
  db.tasks.update(id, { title: 'z' })
  expect(db.undo.redoable).toBe(0)
  for (let at = 0; at < 500; at++) db.transact(() => db.tasks.update(id, { title: `${at}` }))
  expect(db.undo.undoable).toBe(200)
})

it('[U6] subscribers and hooks are told that it was undo', async () => {
  const { db } = await open()
  const id = db.tasks.insert({ title: 't' })
  await db.saved()
  const origins: string[] = []
  db.tasks.subscribe(({ origin }) => origins.push(origin))
  db.tasks.after('write', ({ origin }) => origins.push(`after ${origin}`))
  db.transact(() => db.tasks.update(id, { title: 'u' }))
  await db.saved()
  db.undo.undo()
  await db.saved()
  expect(origins).toEqual(['after local', 'local', 'after undo', 'undo'])
})

it('[U7] no undo changes what somebody else made of a column', { timeout: 60_000 + 50 * SEEDS }, () =>
  forEachSeed(checkUndoLaw),
)

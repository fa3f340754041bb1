// Laws of undo and redo: one's own steps, over all tables, and never what others wrote since.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { openReplica, type TestReplica, testClock } from './testing/replicas.ts'

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
type R = TestReplica<typeof schema>

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

const SEEDS = Number(process.env['SEEDS'] ?? 500)
const only = process.env['SEED']

it('[U7] no undo changes what somebody else made of a column', { timeout: 60_000 + 50 * SEEDS }, async () => {
  for (let seed = only === undefined ? 0 : Number(only); seed < (only === undefined ? SEEDS : Number(only) + 1); seed++)
    await undoLaw(seed)
})

/** Values name their writer: what a column shows says whose it is. */
const undoLaw = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const clock = testClock()
  const replicas = [await open(clock), await open(clock)]
  const ids = ['r0', 'r1']
  for (const id of ids) replicas[0]?.db.tasks.insert({ id, title: '0:start', note: '0:start' })
  await exchange(...replicas)
  for (let step = 0; step < 30; step++) {
    clock.nowMs += 600
    const at = prng.int32(random, 0, 1)
    const { db } = replicas[at] as R
    const id = prng.oneOf(random, ids)
    const dice = prng.int32(random, 0, 9)
    if (dice < 4) {
      const columns = prng.bool(random) ? ['title'] : ['title', 'note']
      db.tasks.update(id, Object.fromEntries(columns.map((column) => [column, `${at}:${step}`])))
    } else if (dice < 5) await exchange(...replicas)
    else {
      // Redo puts back this replica's own value over what its undo had put back: only undo is held to the law.
      if (dice >= 8) db.undo.redo()
      const before = ids.map((one) => db.tasks.get(one, { withDeleted: true }))
      if (dice < 8) db.undo.undo()
      for (const row of before) {
        const now = row === undefined ? undefined : db.tasks.get(row.id, { withDeleted: true })
        for (const column of ['title', 'note'] as const)
          if (row !== undefined && !row[column].startsWith(`${at}:`) && now?.[column] !== row[column])
            throw new Error(`SEED=${seed}: step ${step} turned ${row[column]} of another into ${now?.[column]}`)
      }
    }
  }
  await exchange(...replicas)
  const rows = replicas.map(({ db }) => JSON.stringify(db.tasks.all().sort((a, b) => (a.id < b.id ? -1 : 1))))
  if (rows[0] !== rows[1]) throw new Error(`SEED=${seed}: the replicas differ`)
}

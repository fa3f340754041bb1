// Laws of the cut points around writes.
import { expect, it, vi } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { memory } from '../storage/index.ts'
import { openReplica } from './testing/replicas.ts'

const schema = defineSchema({ tasks: table({ title: c.string(), slug: c.string().default('') }) })

it('[H1] a hook before a write may change it, and is checked like the caller', async () => {
  const { db } = await openReplica(schema)
  const stop = db.tasks.before('write', ({ values }) =>
    'title' in values ? { ...values, slug: String(values['title']).toLowerCase() } : undefined,
  )
  const id = db.tasks.insert({ title: 'Hello' })
  db.tasks.update(id, { title: 'World' })
  expect(db.tasks.get(id)).toMatchObject({ title: 'World', slug: 'world' })
  stop()
  db.tasks.update(id, { title: 'Again' })
  expect(db.tasks.get(id)?.slug).toBe('world')
  db.tasks.before('write', () => ({ nonsense: 1 }))
  expect(() => db.tasks.insert({ title: 'x' })).toThrow('no such column')
})

it('[H2] a hook that throws refuses the write, and the transaction it is in', async () => {
  const { db } = await openReplica(schema)
  const id = db.tasks.insert({ title: 'a' })
  db.tasks.before('write', ({ kind, before }) => {
    if (kind === 'delete') throw new Error(`keep ${before?.title}`)
  })
  expect(() =>
    db.transact(() => {
      db.tasks.update(id, { title: 'b' })
      db.tasks.delete(id)
    }),
  ).toThrow('keep b')
  expect(db.tasks.get(id)?.title).toBe('a')
})

it('[H3] a hook after a write sees each row before and after, and where the write came from', async () => {
  const [a, b] = [await openReplica(schema), await openReplica(schema)]
  const seen: unknown[] = []
  b.db.tasks.after('write', ({ id, before, after, origin }) => seen.push([id, before?.title, after?.title, origin]))
  a.db.tasks.insert({ id: 'x', title: 'one' })
  await exchange(a, b)
  b.db.tasks.update('x', { title: 'two' })
  b.db.tasks.delete('x')
  await b.db.saved()
  expect(seen).toEqual([
    ['x', undefined, 'one', 'remote'],
    ['x', 'one', 'two', 'local'],
  ])
})

it('[H5] what a backend wrote is told as its own, shown to no hook before, and no step for undo', async () => {
  const { db } = await openReplica(schema)
  const id = db.tasks.insert({ title: 'mine' })
  await db.saved()
  db.tasks.before('write', () => {
    throw new Error('not asked')
  })
  const seen: unknown[] = []
  db.tasks.after('write', ({ id: row, after, origin }) => seen.push([row, after?.title, origin]))
  db.tasks.subscribe(({ origin, added, changed }) => seen.push([origin, added.length, changed.length]))
  db.transact(
    () => {
      db.tasks.update(id, { title: 'theirs' })
      db.tasks.insertMany([{ id: 'new', title: 'pulled' }])
      expect(() => db.tasks.insert({ title: 5 as never })).toThrow('title')
    },
    { origin: 'backend' },
  )
  await db.saved()
  expect(seen).toEqual([
    [id, 'theirs', 'backend'],
    ['new', 'pulled', 'backend'],
    ['backend', 1, 1],
  ])
  expect(db.undo.undo()).toMatchObject({ skipped: [], restored: 1 })
  expect([db.tasks.get(id), db.tasks.get('new')?.title, db.undo.undoable]).toEqual([undefined, 'pulled', 0])
  await db.saved()
  expect(seen.slice(3)).toEqual([
    [id, 'theirs', 'undo'],
    ['undo', 0, 0],
  ])
})

it('[H6] a row that another replica has but migrated is told as a migration, an edit as remote', async () => {
  const migrated = defineSchema(
    { tasks: table({ title: c.string(), slug: c.string().default('') }) },
    { version: 2, migrations: [{ to: 2, tables: { tasks: ({ title }) => ({ slug: `${title}` }) } }] },
  )
  const storage = memory()
  const [old, first] = [await openReplica(schema), await openReplica(schema, { storage })]
  const [a, b] = old.db.tasks.insertMany([{ title: 'a' }, { title: 'b' }]) as [string, string]
  await exchange(old, first)
  await first.db.close()
  const seen: unknown[] = []
  old.db.tasks.after('write', ({ id, after, origin }) => seen.push([id, after?.title, after?.slug, origin]))
  const newer = await openReplica(migrated, { storage })
  newer.db.tasks.update(b, { title: 'c' })
  await exchange(old, newer)
  expect(seen).toEqual([
    [a, 'a', 'a', 'migration'],
    [b, 'c', 'b', 'remote'],
  ])
})

it('[H4] what a hook after a write throws is reported and undoes nothing', async () => {
  const onError = vi.fn()
  const { db } = await openReplica(schema, { onError })
  db.tasks.after('write', () => {
    throw new Error('mine')
  })
  const id = db.tasks.insert({ title: 'a' })
  await db.saved()
  expect([onError.mock.calls.length, db.tasks.get(id)?.title]).toEqual([1, 'a'])
})

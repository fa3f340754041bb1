// Bulk inserts: what they store is what inserts would have stored, and all of it or nothing.
import { expect, it } from 'vitest'
import { type BulkInsert, openBulkInsert } from './bulk-insert.ts'
import { column as c, createDatabase, defineSchema, table } from './index.ts'
import type { DocumentUpdate, StorageAdapter } from './storage/index.ts'
import { memory } from './storage/memory.ts'

const schema = defineSchema(
  {
    tasks: table({
      title: c.string({ conflict: 'ask' }),
      done: c.boolean().default(false),
      labels: c.set(c.string()),
      votes: c.counter(),
      dueAt: c.date().optional(),
    }),
  },
  { version: 2, migrations: [{ to: 2, tables: {} }] },
)

/** One store for several openings, and what is appended to it. */
const createStore = () => {
  const adapter = memory()
  const appended: (readonly DocumentUpdate[])[] = []
  let opened: ReturnType<StorageAdapter['open']> | undefined
  const storage: StorageAdapter = {
    async open(context) {
      opened ??= adapter.open(context)
      const store = await opened
      return {
        ...{ isAlone: true, readMeta: store.readMeta.bind(store), writeMeta: store.writeMeta.bind(store) },
        ...{ load: store.load.bind(store), compact: store.compact.bind(store), remove: store.remove.bind(store) },
        append: (batch) => {
          appended.push(batch)
          return store.append(batch)
        },
        close: async () => {},
      }
    },
  }
  return { storage, appended }
}

const add = (bulk: BulkInsert, row: object): void => bulk.add(Object.keys(row), Object.values(row))

it('[X17] rows read as inserted ones do, in one append, and can be written to', async () => {
  const { storage, appended } = createStore()
  const bulk = await openBulkInsert({ name: 'a', schema, table: 'tasks', storage, user: 'ann', now: () => 5000 })
  for (let n = 0; n < 5000; n++) add(bulk, { title: `Task ${n}`, labels: ['b', 'a'], votes: n, dueAt: new Date(n) })
  add(bulk, { id: 'mine', title: 'Mine' })
  await bulk.commit()
  await bulk.close()
  expect(appended.filter((batch) => batch.length > 0)).toHaveLength(1)
  const db = await createDatabase({ name: 'a', schema, storage })
  expect([db.tasks.all().length, db.status.refused, db.conflicts.list()]).toEqual([5001, 0, []])
  // 2,048 stamps a millisecond.
  const meta = { createdAt: 5002, updatedAt: 5002, deletedAt: undefined, updatedBy: 'ann' }
  const mine = { id: 'mine', title: 'Mine', done: false, labels: [], votes: 0, dueAt: undefined }
  expect(db.tasks.get('mine')).toEqual({ ...mine, ...meta })
  const [row] = db.tasks.where({ title: 'Task 4999' }).all()
  expect(row).toMatchObject({ labels: ['a', 'b'], votes: 4999, dueAt: new Date(4999), ...meta })
  db.tasks.update(row?.id ?? '', { votes: 5000, title: 'Last' })
  expect(db.tasks.get(row?.id ?? '')).toMatchObject({ votes: 5000, title: 'Last' })
  await db.close()
})

it('[X17] a row that is refused is left out; ids that are taken are refused', async () => {
  const { storage } = createStore()
  const db = await createDatabase({ name: 'a', schema, storage })
  db.tasks.delete(db.tasks.insert({ id: 'old', title: 'Old' }))
  await db.close()
  const bulk = await openBulkInsert({ name: 'a', schema, table: 'tasks', storage })
  add(bulk, { id: 'new', title: 'New' })
  expect(() => add(bulk, { title: 1 })).toThrow(expect.objectContaining({ code: 'invalid_value' }))
  expect(() => add(bulk, { title: 'x', nope: 1 })).toThrow(/no such column/)
  expect(() => add(bulk, { id: '', title: 'x' })).toThrow(expect.objectContaining({ code: 'invalid_value' }))
  for (const id of ['old', 'new'])
    expect(() => add(bulk, { id, title: 'x' })).toThrow(expect.objectContaining({ code: 'row_exists' }))
  await bulk.commit()
  await bulk.close()
  const again = await createDatabase({ name: 'a', schema, storage })
  expect(
    again.tasks
      .all({ withDeleted: true })
      .map(({ id }) => id)
      .sort(),
  ).toEqual(['new', 'old'])
  await again.close()
})

it('[X17] a store that asks for a newer schema is left alone', async () => {
  const { storage } = createStore()
  const newer = defineSchema(
    { tasks: table({ title: c.string() }) },
    { version: 3, minVersion: 3, migrations: [{ to: 3, tables: {} }] },
  )
  await (await createDatabase({ name: 'a', schema: newer, storage })).close()
  await expect(openBulkInsert({ name: 'a', schema, table: 'tasks', storage })).rejects.toMatchObject({
    code: 'read_only',
  })
})

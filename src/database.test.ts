// Laws of a database as a whole: saving, opening again, what is wrong with its store, closing.
import { expect, it, vi } from 'vitest'
import { column as c, createDatabase, defineSchema, MerrowError, table } from './index.ts'
import { codeOf } from './schema/testing/thrown.ts'
import { memory } from './storage/index.ts'
import { recording } from './storage/testing/recording.ts'
import { open, schema } from './table/testing/tasks.ts'

it('[T14] saved() resolves only when the store says that all is durable; what it refuses is kept and tried again', async () => {
  const { adapter, batches, refuse } = recording()
  const db = await open({ storage: adapter })
  refuse(new MerrowError('storage_full', 'full'))
  const id = db.tasks.insert({ title: 'a' })
  await expect(db.saved()).rejects.toMatchObject({ code: 'storage_full' })
  expect([db.status.unsaved, (db.status.error as MerrowError).code, db.tasks.get(id)?.title]).toEqual([
    1,
    'storage_full',
    'a',
  ])
  refuse(undefined)
  await db.saved()
  expect([db.status.unsaved, db.status.error, batches.length]).toEqual([0, undefined, 1])
  await db.close()
})

it('[T15] a store made by a newer version is refused and left alone', async () => {
  const storage = memory()
  const handle = await storage.open({
    database: 'test',
    scratch: { create: () => ({}), apply: () => {}, encode: () => new Uint8Array() },
  })
  await handle.writeMeta('format', '2')
  await handle.close()
  await expect(open({ storage })).rejects.toMatchObject({
    code: 'newer_format',
    message: expect.stringContaining('Update Merrow'),
  })
})

it('[T16] a damaged store is reported, and the database does not open half', async () => {
  const storage = memory()
  const handle = await storage.open({
    database: 'test',
    scratch: { create: () => ({}), apply: () => {}, encode: () => new Uint8Array() },
  })
  await handle.append([{ document: 'tasks', update: Uint8Array.of(9, 9, 9) }])
  await handle.close()
  await expect(open({ storage })).rejects.toMatchObject({
    code: 'storage_failed',
    message: expect.stringContaining('damaged'),
  })
})

it('[T17] a closed database refuses writes, keeps reads, and closes once', async () => {
  const db = await open()
  const id = db.tasks.insert({ title: 'a' })
  await Promise.all([db.close(), db.close()])
  expect(db.tasks.get(id)?.title).toBe('a')
  expect(codeOf(() => db.tasks.insert({ title: 'b' }))).toBe('database_closed')
  expect(codeOf(() => db.tasks.update(id, { title: 'b' }))).toBe('database_closed')
})

it('[T18] many small writes are compacted, and nothing is lost by it', async () => {
  const storage = memory()
  const { adapter, compactions } = recording(storage)
  const db = await open({ storage: adapter })
  const id = db.tasks.insert({ title: 'a' })
  for (let at = 0; at < 1200; at++) {
    db.tasks.update(id, { priority: at })
    await db.saved()
  }
  await db.close()
  expect(compactions()).toBe(2)
  const again = await open({ storage })
  expect(again.tasks.get(id)).toMatchObject({ title: 'a', priority: 1199 })
  await again.close()
})

it('[T18] a compaction that fails is reported, and saving goes on', async () => {
  const { adapter, batches, refuseCompaction } = recording()
  const db = await open({ storage: adapter })
  refuseCompaction(new MerrowError('storage_full', 'full'))
  const id = db.tasks.insert({ title: 'a' })
  for (let at = 0; at < 600; at++) {
    db.tasks.update(id, { priority: at })
    await db.saved()
  }
  expect((db.status.error as MerrowError).code).toBe('storage_full')
  const appended = batches.length
  db.tasks.update(id, { priority: -1 })
  await new Promise((resolve) => setImmediate(resolve))
  expect([batches.length, db.status.unsaved]).toEqual([appended + 1, 0])
  await db.close()
})

it('[T24] a listener of the status that throws is reported and harms no other', async () => {
  const onError = vi.fn()
  const db = await createDatabase({ name: 'test', schema, onError })
  const heard = vi.fn()
  db.status.subscribe(() => {
    throw new Error('mine')
  })
  db.status.subscribe(heard)
  db.tasks.insert({ title: 'a' })
  await db.saved()
  await db.close()
  expect(onError.mock.calls.length).toBeGreaterThan(0)
  expect(heard.mock.calls.length).toBe(onError.mock.calls.length)
})

it('[T19] malformed names are refused; a table that is called like a member is reached by name', async () => {
  await expect(createDatabase({ name: '../etc', schema })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
  await expect(createDatabase({ name: 'x', schema, user: '' })).rejects.toMatchObject({
    code: 'invalid_argument',
  })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  const db = await createDatabase({
    name: 'x',
    schema: defineSchema({ status: table({ text: c.string() }) }),
  })
  db.table('status').insert({ id: 's', text: 'hello' })
  expect([db.table('status').get('s')?.text, db.status.connection]).toEqual(['hello', 'offline'])
  expect(warn.mock.calls[0]?.[0]).toContain(`db.table('status')`)
  warn.mockRestore()
  await expect(db.acknowledged()).rejects.toMatchObject({ code: 'unsupported' })
  await db.close()
})

// Laws of minVersion: apps that are too old for what is stored read it, and write nothing.
import { expect, it, vi } from 'vitest'
import { createDatabase, defineSchema } from './index.ts'
import { exchange } from './rowlog/testing/exchange.ts'
import { codeOf } from './schema/testing/thrown.ts'
import { openReplica } from './table/testing/replicas.ts'
import { storeOf, v1, v2, v3, watched } from './table/testing/versions.ts'

const strict = defineSchema(v1.tables, { version: 4, minVersion: 3 })

it('[Y12] an older app opens data that asks for a newer one read-only, and says so', async () => {
  const storage = await storeOf()
  await (await createDatabase({ name: 'test', schema: strict, storage })).close()
  const append = vi.fn()
  const old = await createDatabase({ name: 'test', schema: v2, storage: watched(storage, append) })
  await old.saved()
  expect(append).not.toHaveBeenCalled()
  expect(old.status.error).toMatchObject({ code: 'read_only', message: expect.stringContaining('version 3') })
  expect(() => old.tasks.insert({ title: 'x' })).toThrow(/version 3 .*this app has version 2. Update the app/)
  expect(codeOf(() => old.transact(() => {}))).toBe('read_only')
  expect(old.tasks.get('t')?.title).toBe('Write')
  await old.close()
  const enough = await createDatabase({ name: 'test', schema: v3, storage })
  expect(() => enough.tasks.insert({ title: 'x' })).not.toThrow()
  expect(enough.status.error).toBeUndefined()
  await enough.close()
})

it('[Y13] an app that is running becomes read-only when a newer one asks for it', async () => {
  const [old, newer] = [await openReplica(v1), await openReplica(strict)]
  const heard = vi.fn()
  old.db.status.subscribe(heard)
  old.db.tasks.insert({ title: 'before' })
  await exchange(old, newer)
  expect(codeOf(() => old.db.tasks.insert({ title: 'after' }))).toBe('read_only')
  expect([old.db.tasks.all().length, newer.db.tasks.all().length]).toEqual([1, 1])
  expect(heard).toHaveBeenCalled()
})

it('[Y14] whoever says so last, the highest minVersion counts', async () => {
  const [low, high, old] = [
    await openReplica(defineSchema(v1.tables, { version: 4, minVersion: 2 }), { now: () => 2_000_000_000_000 }),
    await openReplica(strict, { now: () => 1_999_999_999_000 }),
    await openReplica(v2),
  ]
  await exchange(high, low, old)
  expect(old.db.status.error).toMatchObject({ code: 'read_only' })
})

it('[Y15] what says so is no row: not in reads, nor in subscriptions, unions, hooks or conflicts; nor can one be made in its place', async () => {
  const [newer, old] = [await openReplica(strict), await openReplica(v1)]
  const heard = vi.fn()
  old.db.tasks.subscribe(heard)
  old.db.tasks.after('write', heard)
  await exchange(newer, old)
  for (const { db } of [newer, old]) {
    expect(db.tasks.all({ withDeleted: true })).toEqual([])
    expect(db.tasks.where({}).count()).toBe(0)
    expect(db.union(['tasks']).all()).toEqual([])
    expect(db.conflicts.list()).toEqual([])
    expect(db.status.refused).toBe(0)
  }
  expect(heard).not.toHaveBeenCalled()
  const id = '\u0001table'
  expect(codeOf(() => newer.db.tasks.insert({ id, title: 'x' }))).toBe('invalid_value')
  expect(codeOf(() => newer.db.tasks.upsert({ id, title: 'x' }))).toBe('invalid_value')
  expect(codeOf(() => newer.db.tasks.update(id, { title: 'x' }))).toBe('row_not_found')
})

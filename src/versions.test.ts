// Laws of versions: migrations on opening, and apps of different versions on one table.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, vi } from 'vitest'
import {
  column as c,
  createDatabase,
  defineSchema,
  MerrowError,
  type Migration,
  type Schema,
  type StoredRow,
  table,
} from './index.ts'
import { exchange } from './rowlog/testing/exchange.ts'
import { codeOf } from './schema/testing/thrown.ts'
import { lmdb, memory, type StorageAdapter } from './storage/index.ts'
import { ROWS, schemaAt } from './table/testing/migration-child.ts'
import { openReplica, type TestReplica, testClock } from './table/testing/replicas.ts'
import { storeOf, v1, v2, v3, watched } from './table/testing/versions.ts'

it('[Y1] versions and steps that are out of order, or name what is not there, are refused', () => {
  const define = (options: object) => () => defineSchema({ tasks: v1.tables.tasks }, options)
  const step = (to: unknown, tables: object = {}) => ({ to, tables }) as Migration
  for (const options of [
    { version: 0 },
    { version: 1.5 },
    { version: '2' },
    { version: 2, minVersion: 3 },
    { version: 2, migrations: [step(3)] },
    { version: 2, migrations: [step(1)] },
    { version: 3, migrations: [step(3), step(2)] },
    { version: 3, migrations: [step(2), step(2)] },
    { version: 2, migrations: [step(2, { task: () => {} })] },
    { version: 2, migrations: [step(2, { tasks: 'title' })] },
  ])
    expect([options, codeOf(define(options))]).toEqual([options, 'invalid_schema'])
  expect(define({ version: 3, migrations: [step(2, { gone: () => {} })] })).not.toThrow()
})

describe('migration', () => {
  it('[Y2] rows of any version come to the latest, soft-deleted ones too, once', async () => {
    for (const between of [[], [v2]]) {
      const storage = await storeOf()
      for (const schema of between) await (await createDatabase({ name: 'test', schema, storage })).close()
      for (let round = 0; round < 2; round++) {
        const db = await createDatabase({ name: 'test', schema: v3, storage })
        expect(db.people.get('ann')).toMatchObject({ label: 'Lee, Ann', bornAt: new Date('2000-01-02') })
        expect(db.people.get('bo', { withDeleted: true })).toMatchObject({ label: ', Bo', bornAt: undefined })
        expect(db.tasks.get('t')?.priority).toBe(2 + round)
        const heard = vi.fn()
        for (const listenTo of [db.tasks, db.people]) listenTo.subscribe(({ changed }) => heard(changed.length))
        db.tasks.update('t', { priority: 3 })
        await db.close()
        expect(heard.mock.calls).toEqual([[1]])
      }
    }
  })

  it('[Y3] columns and tables that are added need no step, and nothing is written for them', async () => {
    const storage = await storeOf()
    const more = defineSchema({
      ...v1.tables,
      tasks: table({ title: c.string(), urgent: c.boolean().default(false), note: c.string().optional() }),
      labels: table({ name: c.string() }),
    })
    const append = vi.fn()
    const db = await createDatabase({ name: 'test', schema: more, storage: watched(storage, append) })
    expect([db.tasks.get('t')?.note, db.labels.all(), db.status.error]).toEqual([undefined, [], undefined])
    db.tasks.update('t', { note: 'n' })
    await db.saved()
    expect(append.mock.calls.map(([batch]) => batch.length)).toEqual([1])
    await db.close()
  })

  it('[Y4] a step is given what is stored, unknown columns too, and its result is checked as an update', async () => {
    const storage = await storeOf()
    const given = vi.fn()
    const open = (step: () => object) =>
      createDatabase({
        name: 'test',
        storage,
        schema: defineSchema(
          { people: table({ name: c.string(), age: c.number().optional() }) },
          {
            version: 2,
            migrations: [{ to: 2, tables: { people: (row) => ({ ...given(row), ...step() }) } }],
          },
        ),
      })
    const refused = await open(() => ({ age: 'old' }))
    expect(given).toHaveBeenCalledWith({ id: 'ann', name: 'Ann Lee', born: '2000-01-02' })
    expect((refused.status.error as MerrowError).cause).toMatchObject({ code: 'invalid_value', table: 'people' })
    await refused.close()
    const unknown = await open(() => ({ aeg: 1 }))
    expect((unknown.status.error as MerrowError).message).toContain('aeg')
    await unknown.close()
    const taken = await open(() => ({ age: 5 }))
    expect([taken.people.get('ann')?.age, taken.status.error]).toEqual([5, undefined])
    await taken.close()
  })

  it('[Y5] a step that throws leaves its table as it was and the database read-only, with the reason', async () => {
    const storage = await storeOf()
    let isBroken = true
    const steps = {
      people: ({ id }: { readonly id: string }) => {
        if (isBroken && id === 'bo') throw new Error('no surname')
        return { nick: 'x' }
      },
    }
    const schema = defineSchema(
      { people: table({ name: c.string(), nick: c.string().optional() }), tasks: v1.tables.tasks },
      { version: 2, migrations: [{ to: 2, tables: steps }] },
    )
    const append = vi.fn()
    const db = await createDatabase({ name: 'test', schema, storage: watched(storage, append) })
    expect(db.status.error).toMatchObject({ code: 'migration_failed', table: 'people', cause: new Error('no surname') })
    expect(db.people.get('ann')).toMatchObject({ name: 'Ann Lee', nick: undefined })
    expect(codeOf(() => db.tasks.insert({ title: 'x' }))).toBe('read_only')
    expect(() => db.people.delete('ann')).toThrow(/no surname.*Mend the step/)
    await db.saved()
    await db.close()
    expect(append).not.toHaveBeenCalled()
    isBroken = false
    const mended = await createDatabase({ name: 'test', schema, storage })
    expect([mended.people.get('ann')?.nick, mended.status.error]).toEqual(['x', undefined])
    await mended.close()
  })

  it('[Y6] wherever storage stops taking updates, the next opening finishes', async () => {
    let updates = 0
    for (let stopAt = 0; stopAt <= updates; stopAt++) {
      const storage = await storeOf()
      const failing = stoppingAt(storage, stopAt)
      const crashed = await createDatabase({ name: 'test', schema: v3, storage: failing.adapter })
      // Refused where storage stops before the last update; nothing is refused at the end.
      const [saving] = await Promise.allSettled([crashed.saved()])
      updates = failing.offered()
      expect(saving?.status).toBe(stopAt < updates ? 'rejected' : 'fulfilled')
      const db = await createDatabase({ name: 'test', schema: v3, storage })
      expect([db.people.get('ann')?.label, db.tasks.get('t')?.priority]).toEqual(['Lee, Ann', 2])
      await db.close()
    }
    expect(updates).toBeGreaterThan(2)
  })

  it('[Y7] a process killed while it migrates 100,000 rows leaves old rows or new ones, and the next opening finishes', async () => {
    const path = mkdtempSync(join(tmpdir(), 'merrow-'))
    const first = await createDatabase({ name: 'big', schema: schemaAt(1), storage: lmdb({ path }) })
    first.tasks.insertMany(Array.from({ length: ROWS }, (_, at) => ({ title: 'x'.repeat(1 + (at % 50)) })))
    await first.close()
    await killedAt(path, ROWS / 2, 0)
    await killedAt(path, ROWS, 400)
    const before = performance.now()
    const db = await createDatabase({ name: 'big', schema: schemaAt(2), storage: lmdb({ path }) })
    const rows = db.tasks.all()
    console.log(`[Y7] opened and migrated in ${Math.round(performance.now() - before)} ms`)
    expect([rows.length, rows.every(({ title, priority }) => title.length === priority)]).toEqual([ROWS, true])
    await db.close()
    rmSync(path, { recursive: true })
  })
})

describe('several versions at once', () => {
  it('[Y8] unknown columns and tables survive reading, editing and compaction by an older version', async () => {
    const storage = memory()
    const newer = defineSchema({
      tasks: table({ title: c.string(), note: c.string().optional(), votes: c.counter() }),
      labels: table({ name: c.string() }),
    })
    const db = await createDatabase({ name: 'test', schema: newer, storage })
    db.tasks.insert({ id: 't', title: 'a', note: 'kept', votes: 3 })
    db.tasks.update('t', { votes: 5 })
    db.labels.insert({ id: 'l', name: 'red' })
    await db.close()
    const old = await createDatabase({
      name: 'test',
      schema: defineSchema({ tasks: table({ title: c.string() }) }),
      storage,
    })
    for (let at = 0; at < 600; at++) {
      old.tasks.update('t', { title: `${at}` })
      await old.saved()
    }
    await old.close()
    const again = await createDatabase({ name: 'test', schema: newer, storage })
    expect(again.tasks.get('t')).toMatchObject({ title: '599', note: 'kept', votes: 5 })
    expect(again.labels.get('l')?.name).toBe('red')
    await again.close()
  })

  it('[Y9] replicas that migrate at once write the same, and no edit that either did not see is lost', async () => {
    const clock = testClock()
    const [source, old] = [
      await openReplica(v1, { now: clock.now }),
      await openReplica(v1, { now: clock.now, user: 'old' }),
    ]
    source.db.people.insert({ id: 'ann', name: 'Ann Lee' })
    source.db.tasks.insert({ id: 't', title: 'a', urgent: true })
    await exchange(source, old)
    const stores = [memory(), memory()] as const
    for (const storage of stores) await copyInto(source, storage, clock.now)
    clock.nowMs += 1000
    // An edit that nobody who migrates has seen; and one made after migrating here, before migrating there.
    old.db.tasks.update('t', { title: 'edited by old' })
    const a = await openReplica(v3, { storage: stores[0], now: clock.now, user: 'a' })
    a.db.people.update('ann', { label: 'edited by a' })
    clock.nowMs += 1000
    const b = await openReplica(v3, { storage: stores[1], now: clock.now, user: 'b' })
    await exchange(a, b, old)
    for (const { db } of [a, b]) {
      expect(db.people.get('ann')?.label).toBe('edited by a')
      expect(db.tasks.get('t')).toMatchObject({ title: 'edited by old', priority: 2 })
    }
    expect(old.db.people.get('ann')?.name).toBe('Ann Lee')
  })

  it('[Y10] rows that an older version writes, even into a table of newer ones, are brought up at the next opening', async () => {
    const storage = memory()
    const fresh = await openReplica(v3, { storage })
    const old = await openReplica(v1)
    old.db.people.insert({ id: 'late', name: 'Late Comer' })
    fresh.db.people.insert({ id: 'new', label: 'made new' })
    await exchange(fresh, old)
    await fresh.db.close()
    const again = await openReplica(v3, { storage })
    expect([again.db.people.get('late')?.label, again.db.people.get('new')?.label]).toEqual(['Comer, Late', 'made new'])
  })

  it('[Y11] counters and sets are migrated once, however many replicas do it', async () => {
    const before = defineSchema({ polls: table({ total: c.number(), tags: c.string(), points: c.counter() }) })
    const source = await openReplica(before)
    source.db.polls.insert({ id: 'p', total: 4, tags: 'x y', points: 1 })
    await source.db.saved()
    source.db.polls.update('p', { points: 3 })
    await source.db.saved()
    const polls = ({ total, tags, points }: StoredRow) => ({
      votes: total,
      labels: String(tags).split(' '),
      title: 'T',
      points: Number(points) * 10,
    })
    const schema = defineSchema(
      {
        polls: table({
          votes: c.counter(),
          labels: c.set(c.string()),
          title: c.string({ conflict: 'ask' }),
          points: c.counter(),
        }),
      },
      { version: 2, migrations: [{ to: 2, tables: { polls } }] },
    )
    const stores = [memory(), memory()] as const
    for (const storage of stores) await copyInto(source, storage, Date.now)
    const [a, b] = [
      await openReplica(schema, { storage: stores[0] }),
      await openReplica(schema, { storage: stores[1] }),
    ]
    a.db.polls.update('p', { votes: 6 })
    await exchange(a, b)
    for (const { db } of [a, b]) {
      expect(db.polls.get('p')).toMatchObject({ votes: 6, labels: ['x', 'y'], title: 'T', points: 30 })
      expect(db.conflicts.list()).toEqual([])
    }
  })

  it('[Y26] rows of a clock that runs ahead are migrated, and what is written after them is kept', async () => {
    const storage = memory()
    const nowMs = 1_700_000_000_000
    const ahead = await openReplica(v1, { storage, now: () => nowMs + 86_400_000, user: 'ahead' })
    ahead.db.people.insert({ id: 'ann', name: 'Ann Lee' })
    await ahead.db.close()
    const newer = await openReplica(v3, { storage, now: () => nowMs, user: 'newer' })
    expect(newer.db.people.get('ann')).toMatchObject({ label: 'Lee, Ann', updatedBy: 'ahead' })
    newer.db.people.insert({ id: 'bo', label: 'Bo' })
    newer.db.people.update('ann', { label: 'Ann' })
    await newer.db.close()
    const again = await openReplica(v3, { storage, now: () => nowMs })
    expect([again.db.people.get('ann')?.label, again.db.people.get('bo')?.label]).toEqual(['Ann', 'Bo'])
    expect(again.db.status.refused).toBe(0)
  })
})

/** The same storage, until it has taken so many updates; of a batch, it takes what it still can. */
const stoppingAt = (inner: StorageAdapter, limit: number) => {
  let offered = 0
  const adapter: StorageAdapter = {
    async open(context) {
      const storage = await inner.open(context)
      const append = storage.append.bind(storage)
      storage.append = async (batch) => {
        const room = Math.max(0, limit - offered)
        offered += batch.length
        if (room >= batch.length) return append(batch)
        await append(batch.slice(0, room))
        throw new MerrowError('storage_failed', 'gone')
      }
      return storage
    },
  }
  return { adapter, offered: () => offered }
}

/** Fills a storage with what a replica holds. */
const copyInto = async <S extends Schema>(
  source: TestReplica<S>,
  storage: StorageAdapter,
  now: () => number,
): Promise<void> => {
  const tables = Object.fromEntries([...source.documents.keys()].map((name) => [name.split('/')[1], table({})]))
  const copy = await openReplica(defineSchema(tables), { storage, now })
  await exchange(source, copy)
  await copy.db.close()
}

/** Runs a process that migrates a store, and kills it some time after a step was given so many rows. */
const killedAt = async (path: string, rows: number, delayMs: number): Promise<void> => {
  const script = fileURLToPath(new URL('./table/testing/migration-child.ts', import.meta.url))
  const child = spawn(process.execPath, ['--import', 'tsx', script, path, String(rows)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  await new Promise((resolve) => child.stdout.once('data', resolve))
  if (delayMs > 0) await new Promise((resolve) => setTimeout(resolve, delayMs))
  child.kill('SIGKILL')
  await ended
}

// A database of tasks by month, and what its tests do with it.
import { expect } from 'vitest'
import { column as c, createDatabase, type Database, defineSchema, table } from '../../index.ts'
import { memory, type StorageAdapter } from '../../storage/index.ts'
import { TestTimers } from '../../table/testing/timers.ts'

/** Tasks partitioned by month. */
export const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    month: c.string().default('2026-11'),
    done: c.boolean().default(false),
    votes: c.counter(),
    labels: c.set(c.string()),
  }).partitionBy((row) => row.month, { idleMs: 1000 }),
})
/** Its type. */
export type S = typeof schema

/** What a test has opened, to be closed after it, last first. */
export const closers: (() => Promise<unknown> | unknown)[] = []
/** Closes all that. */
export const closeAll = async (): Promise<void> => {
  for (const close of closers.splice(0).reverse()) await close()
}

/** Opens a database of them, and its timers. */
export const openDatabase = async (
  options: Partial<Parameters<typeof createDatabase<S>>[0]> = {},
): Promise<{ db: Database<S>; timers: TestTimers }> => {
  const timers = new TestTimers()
  const db = await createDatabase({ name: 'test', schema, timers, ...options })
  closers.push(() => db.close())
  return { db, timers }
}
/** Titles of the tasks that show, sorted. */
export const titles = (db: Database<S>): string[] =>
  db.tasks
    .all()
    .map(({ title }) => title)
    .sort()
/** Lets go of all partitions that are idle, and waits until they are gone. */
export const rest = async (db: Database<S>, timers: TestTimers, ...keys: string[]): Promise<void> => {
  const isOpen = (key: string): boolean => db.tasks.partitions().some((one) => one.key === key && one.isOpen)
  for (let turn = 0; turn < 20 && keys.some(isOpen); turn++) {
    await db.saved()
    timers.run(1000)
    await new Promise((resolve) => setImmediate(resolve))
  }
  expect(keys.filter(isOpen)).toEqual([])
}
/** A store with a row in each of three months, closed. */
export const filled = async (): Promise<StorageAdapter> => {
  const storage = memory()
  const { db } = await openDatabase({ storage })
  for (const month of ['2026-10', '2026-11', '2026-12']) db.tasks.insert({ id: month, title: month, month })
  await db.close()
  return storage
}

/** Resolves once a claim about a database holds; it is looked at whenever rows or status change. */
export const until = (db: Database<S>, claim: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const stops = [db.tasks.subscribe(() => look()), db.status.subscribe(() => look())]
    const look = (): void => {
      if (!claim()) return
      for (const stop of stops) stop()
      resolve()
    }
    look()
  })

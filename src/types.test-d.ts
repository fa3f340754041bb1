// Types that rows, inserts and patches must have, and ones they must not. Checked by the compiler alone.
import { z } from 'zod'
import { column as c, type Database, defineSchema, type Insert, type Patch, type Row, table } from './index.ts'

const schema = defineSchema({
  projects: table({ name: c.string() }),
  tasks: table({
    title: c.string(),
    done: c.boolean().default(false),
    level: c.enum(['low', 'high']).optional(),
    dueAt: c.date().optional(),
    projectId: c.ref('projects').optional(),
    count: c.from(z.string().transform(Number)),
  }),
  status: table({ text: c.string() }),
  months: table({ month: c.string(), done: c.boolean() })
    .keepHistory({ maxWrites: 3 })
    .partitionBy((row) => {
      assert<Equal<typeof row.month, string>>()
      assert<Equal<typeof row.createdAt, number>>()
      // @ts-expect-error any write changes it
      row.updatedAt
      return row.month
    }),
  years: table({ year: c.number() })
    // @ts-expect-error a key is a string
    .partitionBy((row) => row.year)
    .keepHistory({ maxAgeMs: 1 }),
})
type S = typeof schema
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const assert = <_T extends true>(): void => {}

assert<
  Equal<
    Row<S, 'tasks'>,
    {
      readonly id: string
      readonly createdAt: number
      readonly updatedAt: number
      readonly deletedAt: number | undefined
      readonly updatedBy: string | undefined
      readonly title: string
      readonly done: boolean
      readonly level: 'low' | 'high' | undefined
      readonly dueAt: Date | undefined
      readonly projectId: string | undefined
      readonly count: number
    }
  >
>()
const insert: Insert<S, 'tasks'> = { title: 'T', count: '5' }
const patch: Patch<S, 'tasks'> = { dueAt: undefined, done: true }
// @ts-expect-error a required column is missing
const withoutTitle: Insert<S, 'tasks'> = { count: '5' }
// @ts-expect-error the validator takes a string, though the row shows a number
const wrongInput: Insert<S, 'tasks'> = { title: 'T', count: 5 }
// @ts-expect-error no such level
const wrongEnum: Patch<S, 'tasks'> = { level: 'middle' }
// @ts-expect-error a required column cannot be cleared
const cleared: Patch<S, 'tasks'> = { title: undefined }
// @ts-expect-error no such column
const unknownColumn: Patch<S, 'tasks'> = { colour: 'red' }

export const uses = (db: Database<S>): void => {
  const id: string = db.tasks.insert(insert)
  db.tasks.update(id, patch)
  db.tasks.update(id, (draft) => {
    draft.done = true
    // @ts-expect-error wrong type
    draft.title = 5
  })
  const ids: readonly string[] = db.tasks.insertMany([insert])
  const later: Promise<readonly string[]> = db.tasks.insertMany([insert], { chunk: 500 })
  const count: Promise<number> = db.tasks.updateWhere({ done: false }, patch, { chunk: 500 })
  // @ts-expect-error a chunk is a number of rows
  db.tasks.deleteWhere({ done: true }, { chunk: 'all' })
  const bytes: number = db.stats().tasks.liveBytes
  // @ts-expect-error no such table
  db.stats().nope
  db.tasks.meta(id)?.created.author?.toUpperCase()
  void [ids, later, count, bytes]
  const row = db.tasks.get(id)
  // @ts-expect-error rows are read-only
  if (row) row.title = 'x'
  db.tasks.where({ done: true, level: undefined }).all()
  // @ts-expect-error no such column
  db.tasks.where({ colour: 'red' })
  // @ts-expect-error wrong type
  db.tasks.where({ done: 'yes' })
  // @ts-expect-error `status` is the database's own; the table is reached by db.table('status')
  db.status.insert({ text: 'x' })
  db.table('status').insert({ text: 'x' })
  // @ts-expect-error no such table
  db.table('nope')
  // @ts-expect-error a column is optional or has a default, not both
  c.string().optional().default('x')
}
export const refused = [withoutTitle, wrongInput, wrongEnum, cleared, unknownColumn]

export const partitions = async (db: Database<S>): Promise<void> => {
  const handle = await db.months.open('2026-11')
  assert<Equal<typeof handle.key, string>>()
  assert<Equal<(typeof row)['month'], string>>()
  const row = db.months.all()[0] as Row<S, 'months'>
  db.years.partitions()
  // @ts-expect-error one document holds all tasks
  db.tasks.open('2026-11')
}

// Types that views, unions and merged records must have, and uses they must refuse. Checked by the compiler alone.
import { column as c, defineSchema, type Row, table } from '../index.ts'
import { createUnion, createView, merge, type TableSource, type UnionRow } from './index.ts'

const schema = defineSchema({
  tasks: table({ title: c.string(), done: c.boolean().default(false), level: c.enum(['low', 'high']).optional() }),
  taskDetails: table({ note: c.string(), estimate: c.number().optional(), title: c.string().optional() }),
  archivedTasks: table({ title: c.string(), why: c.string() }),
  seats: table({ table: c.string() }),
})
type S = typeof schema
type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const assert = <_T extends true>(): void => {}

export const views = (source: TableSource<S>): void => {
  const parts = { tasks: ['title', 'done'], taskDetails: ['note', 'estimate'] } as const
  const view = createView(source, parts, { anchor: 'tasks' })
  const row = view.all()[0]
  assert<
    Equal<
      typeof row,
      | {
          readonly id: string
          readonly title: string
          readonly done: boolean
          readonly note: string | undefined
          readonly estimate: number | undefined
        }
      | undefined
    >
  >()
  const inline = createView(source, { tasks: ['title', 'level'], taskDetails: { detailTitle: 'title', note: 'note' } })
  const loose = inline.get('x')
  assert<
    Equal<
      typeof loose,
      | {
          readonly id: string
          readonly title: string | undefined
          readonly level: 'low' | 'high' | undefined
          readonly note: string | undefined
          readonly detailTitle: string | undefined
        }
      | undefined
    >
  >()
  // @ts-expect-error objects are read-only
  if (row) row.title = 'x'

  view.insert({ title: 'a' })
  view.insert({ id: 'x', title: 'a', done: true, note: 'n', estimate: 5 })
  // @ts-expect-error a required column of the anchor is missing
  view.insert({ note: 'n' })
  // @ts-expect-error wrong type
  view.insert({ title: 'a', estimate: '5' })
  // @ts-expect-error no such column in the view
  view.insert({ title: 'a', level: 'low' })
  inline.insert({ title: 'a', note: 'n', detailTitle: 'd' })
  // @ts-expect-error without a named anchor, the required columns of all tables are required
  inline.insert({ title: 'a' })

  view.update('x', { note: 'n', estimate: undefined })
  view.update('x', (draft) => {
    draft.done = true
    // @ts-expect-error wrong type
    draft.title = 5
  })
  // @ts-expect-error a required column cannot be cleared
  view.update('x', { note: undefined })
  // @ts-expect-error no such column
  view.update('x', { colour: 'red' })

  view.subscribe(({ added, changed, removed }) => {
    const ids: string[] = [...added, ...changed, ...removed].map(({ id }) => id)
    // @ts-expect-error there is no such list
    return [ids, changed.rows]
  })

  const merged = view.merge('x', { note: 'n', other: 1 })
  const note: string = merged.note
  // @ts-expect-error only the view's columns are there
  merged.other
  view.upsert(merged)
  view.upsert(view.merge({ done: true }, { title: 'a' }))
  // @ts-expect-error the merged record still lacks its title
  view.insert(view.merge({ done: true }, { note: 'n' }))
  const shares = inline.split({ title: 'a', detailTitle: 'd' })
  const detailTitle: string | undefined = shares.taskDetails.title
  // @ts-expect-error a share has the table's own column names
  shares.taskDetails.detailTitle
  void [note, detailTitle]

  // @ts-expect-error both tables give a column `title`
  createView(source, { tasks: ['title'], taskDetails: ['title'] })
  // @ts-expect-error every row has an id
  createView(source, { tasks: { id: 'title' } })
  // @ts-expect-error no such column
  createView(source, { tasks: ['colour'] })
  // @ts-expect-error no such column
  createView(source, { tasks: { x: 'colour' } })
  // @ts-expect-error no such table
  createView(source, { tasks: ['title'], nope: ['title'] })
  // @ts-expect-error the anchor is one of its tables
  createView(source, { tasks: ['title'] }, { anchor: 'taskDetails' })
}

export const unions = (source: TableSource<S>): void => {
  const union = createUnion(source, ['tasks', 'archivedTasks'])
  for (const row of union.all()) {
    const title: string = row.title
    if (row.table === 'archivedTasks') void row.why.length
    // @ts-expect-error tasks have no such column
    else row.why
    void title
  }
  const task = union.get('tasks', 'x')
  assert<Equal<typeof task, UnionRow<S, 'tasks'> | undefined>>()
  const plain: Row<S, 'tasks'> | undefined = task
  void plain
  // @ts-expect-error not one of its tables
  union.get('seats', 'x')
  // @ts-expect-error a union's rows use `table` for the name of their table
  createUnion(source, ['tasks', 'seats'])
  // @ts-expect-error no such table
  createUnion(source, ['nope'])
}

type Mine = { readonly id: string; readonly title: string; readonly note?: string }
export const records = (
  mine: Mine,
  theirs: { readonly title: string; readonly note: string; readonly more: 1 },
): void => {
  const filled = merge(mine, theirs)
  assert<
    Equal<typeof filled, { readonly id: string; readonly title: string; readonly note: string; readonly more: 1 }>
  >()
  const overridden = merge(theirs, mine, { override: true })
  const note: string = overridden.note
  void note
  // @ts-expect-error a merged record is read-only
  filled.title = 'x'
  // @ts-expect-error no record
  merge(5, theirs)
}

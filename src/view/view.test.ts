// Laws of views and unions as apps use them: objects over several tables, lists over several tables, merging records.
import { describe, expect, it, vi } from 'vitest'
import { column as c, createDatabase, defineSchema, type MerrowError, table } from '../index.ts'
import { codeOf, errorOf } from '../schema/testing/thrown.ts'
import { createUnion, createView, merge, type TableSource } from './index.ts'

const schema = defineSchema({
  tasks: table({ title: c.string(), done: c.boolean().default(false), hidden: c.number().default(0) }),
  taskDetails: table({
    note: c.string(),
    estimate: c.number().optional(),
    dueAt: c.date().optional(),
    title: c.string().optional(),
  }),
  archivedTasks: table({ title: c.string(), why: c.string().optional() }),
  seats: table({ table: c.string() }),
})

const open = async (onError: (error: unknown) => void = console.error) => {
  const db = await createDatabase({ name: 'test', schema, onError })
  const source: TableSource<typeof schema> = {
    schema,
    table: (name) => db.table(name as 'tasks') as never,
    transact: (work) => db.transact(work),
    onError,
  }
  const view = createView(
    source,
    { tasks: ['title', 'done'], taskDetails: ['note', 'estimate', 'dueAt'] },
    { anchor: 'tasks' },
  )
  const union = createUnion(source, ['tasks', 'archivedTasks'])
  return { db, source, view, union }
}
const titles = (rows: readonly { readonly title?: unknown }[]): string => rows.map(({ title }) => title).join()

describe('views', () => {
  it('[V1] an object is its rows of all tables, frozen and plain, under one id', async () => {
    const { db, view } = await open()
    const id = view.insert({ title: 'a', note: 'n', dueAt: new Date(5) })
    expect(view.get(id)).toEqual({ id, title: 'a', done: false, note: 'n', estimate: undefined, dueAt: new Date(5) })
    expect(Object.keys(view.get(id) ?? {})).toEqual(['id', 'title', 'done', 'note', 'estimate', 'dueAt'])
    expect(Object.isFrozen(view.get(id))).toBe(true)
    expect([db.tasks.get(id)?.title, db.taskDetails.get(id)?.note]).toEqual(['a', 'n'])
    expect(view.all()).toEqual([view.get(id)])
    expect(view.insert({ id: 'mine', title: 'b' })).toBe('mine')
    await db.close()
  })

  it('[V2] an object is there while its anchor row is; columns of a missing row read undefined', async () => {
    const { db, source, view } = await open()
    const id = db.tasks.insert({ title: 'a' })
    db.taskDetails.insert({ id: 'orphan', note: 'n' })
    expect(view.get(id)).toEqual({ id, title: 'a', done: false, note: undefined, estimate: undefined })
    expect([view.get('orphan'), view.all().length]).toEqual([undefined, 1])
    const details = createView(source, { tasks: ['title'], taskDetails: ['note'] }, { anchor: 'taskDetails' })
    expect(details.all()).toEqual([{ id: 'orphan', title: undefined, note: 'n' }])
    await db.close()
  })

  it('[V3] an insert is written to all its tables or to none; a table of which it holds nothing gets no row', async () => {
    const { db, view } = await open()
    expect(codeOf(() => view.insert({ title: 'a', estimate: 1 } as never))).toBe('invalid_value')
    expect(codeOf(() => view.insert({ title: 'a', note: 'n', colour: 'red' } as never))).toBe('invalid_value')
    expect(codeOf(() => view.insert(undefined as never))).toBe('invalid_value')
    db.taskDetails.insert({ id: 'orphan', note: 'n' })
    expect(codeOf(() => view.insert({ id: 'orphan', title: 'a', note: 'x' }))).toBe('row_exists')
    expect(db.tasks.all()).toEqual([])
    const id = view.insert({ title: 'a', note: undefined })
    expect(db.taskDetails.get(id)).toBeUndefined()
    await db.close()
  })

  it('[V4] an update writes to the tables alone whose columns it names', async () => {
    const { db, view } = await open()
    const id = view.insert({ title: 'a', note: 'n' })
    const task = db.tasks.get(id)
    view.update(id, { note: 'm' })
    expect([db.tasks.get(id) === task, view.get(id)?.note]).toEqual([true, 'm'])
    const details = db.taskDetails.get(id)
    view.update(id, (draft) => {
      draft.done = true
    })
    expect([view.get(id)?.done, db.taskDetails.get(id) === details]).toEqual([true, true])
    expect(codeOf(() => view.update('nobody', { done: true }))).toBe('row_not_found')
    expect(codeOf(() => view.update(id, { done: false, colour: 'red' } as never))).toBe('invalid_value')
    expect(codeOf(() => view.update(id, { done: false, note: 5 as never }))).toBe('invalid_value')
    expect(view.get(id)?.done).toBe(true)
    await db.close()
  })

  it('[V5] an update makes the row that a table lacks, if it gives what the row needs, and says so if not', async () => {
    const { db, view } = await open()
    const id = view.insert({ title: 'a' })
    const error = errorOf(() => view.update(id, { done: true, estimate: 3 }))
    expect([error.code, error.table, error.faults.map(({ column }) => column)]).toEqual([
      'invalid_value',
      'taskDetails',
      ['note'],
    ])
    expect(error.message).toContain('must give all that it needs')
    expect([view.get(id)?.done, db.taskDetails.all()]).toEqual([false, []])
    view.update(id, { estimate: undefined })
    expect(db.taskDetails.all()).toEqual([])
    view.update(id, { note: 'n', estimate: 3 })
    expect(view.get(id)).toMatchObject({ note: 'n', estimate: 3 })
    db.taskDetails.delete(id)
    view.update(id, { estimate: 4 })
    expect(view.get(id)).toMatchObject({ note: 'n', estimate: 4 })
    await db.close()
  })

  it('[V6] delete and restore reach the rows of all tables that have one', async () => {
    const { db, view } = await open()
    const [full, bare] = [view.insert({ title: 'a', note: 'n' }), view.insert({ title: 'b' })]
    for (const id of [full, bare, bare]) view.delete(id)
    expect([view.all(), db.tasks.all(), db.taskDetails.all()]).toEqual([[], [], []])
    view.update(full, { done: true, estimate: 2 })
    view.update(bare, { note: 'later' })
    expect(db.taskDetails.all()).toEqual([])
    for (const id of [full, bare]) view.restore(id)
    expect(view.get(full)).toMatchObject({ title: 'a', done: true, note: 'n', estimate: 2 })
    expect(view.get(bare)).toMatchObject({ title: 'b', note: 'later' })
    expect(codeOf(() => view.delete('nobody'))).toBe('row_not_found')
    expect(codeOf(() => view.restore('nobody'))).toBe('row_not_found')
    await db.close()
  })

  it('[V7] an object stays the same while its rows do and, for subscribers, while its columns do', async () => {
    const { db, view } = await open()
    const id = view.insert({ title: 'a', note: 'n', dueAt: new Date(5) })
    const first = view.get(id)
    expect([view.get(id) === first, view.all()[0] === first]).toEqual([true, true])
    await db.saved()
    expect(view.get(id)).toBe(first)
    const heard = vi.fn()
    const stop = view.subscribe(heard)
    db.tasks.update(id, { hidden: 5 })
    db.taskDetails.update(id, { title: 'unseen' })
    await db.saved()
    expect([view.get(id) === first, heard.mock.calls.length]).toEqual([true, 0])
    stop()
    await db.close()
  })

  it('[V8] subscribers hear of a transaction over several tables once', async () => {
    const { db, view } = await open()
    const heard: string[] = []
    const stop = view.subscribe(({ added, changed, removed }) =>
      heard.push([added, changed, removed].map(titles).join('/')),
    )
    const id = view.insert({ title: 'a', note: 'n' })
    await db.saved()
    db.transact(() => {
      view.update(id, { title: 'b', note: 'm' })
      view.insert({ title: 'c', note: 'n' })
    })
    await db.saved()
    db.taskDetails.insert({ id: 'orphan', note: 'n' })
    await db.saved()
    db.taskDetails.delete(id)
    await db.saved()
    view.delete(id)
    await db.saved()
    view.insert({ title: 'unheard' })
    stop()
    await db.saved()
    expect(heard).toEqual(['a//', 'c/b/', '/b/', '//b'])
    await db.close()
  })

  it('[V9] a subscriber that throws is reported and harms no other; one that has ended hears nothing more', async () => {
    const onError = vi.fn()
    const { db, view } = await open(onError)
    const [heard, ended] = [vi.fn(), vi.fn()]
    let stopEnded = (): void => {}
    view.subscribe(() => {
      stopEnded()
      throw new Error('mine')
    })
    stopEnded = view.subscribe(ended)
    view.subscribe(heard)
    view.insert({ title: 'a' })
    await db.saved()
    expect([onError, heard, ended].map(({ mock }) => mock.calls.length)).toEqual([1, 1, 0])
    await db.close()
  })

  it('[V10] columns are shown under new names, and written under their own', async () => {
    const { db, source } = await open()
    const view = createView(source, { tasks: ['title'], taskDetails: { detailTitle: 'title', note: 'note' } })
    const id = view.insert({ title: 'a', detailTitle: 'd', note: 'n' })
    expect(db.taskDetails.get(id)?.title).toBe('d')
    view.update(id, { detailTitle: 'e' })
    expect(view.get(id)).toEqual({ id, title: 'a', detailTitle: 'e', note: 'n' })
    await db.close()
  })

  it('[V11] a view whose names or columns are not clear is refused, with the cure', async () => {
    const { db, source } = await open()
    const refused = (parts: unknown, options = {}): string => {
      const { code, message } = errorOf(() => createView(source, parts as never, options))
      return `${code}: ${message}`
    }
    expect(refused({ tasks: ['title'], taskDetails: ['title'] })).toMatch(
      /invalid_argument.*taskDetails: \{ newName: 'title' \}/,
    )
    expect(refused({ tasks: { id: 'title' } })).toMatch(/invalid_argument.*every row has a column "id"/)
    expect(refused({ tasks: { a: 'title', b: 'title' } })).toMatch(/invalid_argument.*twice/)
    expect(refused({ tasks: ['colour'] })).toMatch(/invalid_argument.*title, done, hidden/)
    expect(refused({ tasks: 'title' })).toMatch(/invalid_argument.*list its columns/)
    expect(refused({ tasks: [5] })).toMatch(/invalid_argument.*list its columns/)
    expect(refused({})).toMatch(/invalid_argument.*name its tables/)
    expect(refused({ nope: ['title'] })).toMatch(/unknown_table/)
    expect(refused({ tasks: ['title'] }, { anchor: 'seats' })).toMatch(/invalid_argument.*one of its tables, tasks/)
    await db.close()
  })
})

describe('records', () => {
  it('[V12] merge fills gaps, or overrides; what holds undefined is a gap, and the id stays', () => {
    const [mine, theirs] = [
      { id: 'm', title: 'a', note: undefined, level: null },
      { id: 't', title: 'b', note: 'n', level: 1, more: true },
    ]
    const filled = merge(mine, theirs)
    expect(filled).toEqual({ id: 'm', title: 'a', note: 'n', level: null, more: true })
    expect(merge(theirs, mine, { override: true })).toEqual({ id: 't', title: 'a', note: 'n', level: null, more: true })
    expect([Object.isFrozen(filled), mine.note]).toEqual([true, undefined])
    expect(Object.getPrototypeOf(merge({}, JSON.parse('{"__proto__": {"polluted": 1}}')))).toBe(Object.prototype)
    expect(codeOf(() => merge(5 as never, {}))).toBe('invalid_argument')
    expect(codeOf(() => merge({}, [] as never))).toBe('invalid_argument')
  })

  it('[V13] a view merges any objects, or one of its own, into a record of its columns', async () => {
    const { db, view } = await open()
    const id = view.insert({ title: 'a', note: 'n' })
    class Form {
      #title = ' b '
      estimate = 3
      other = 'not ours'
      get title(): string {
        return this.#title.trim()
      }
    }
    expect(view.merge(id, new Form())).toEqual({ ...view.get(id), estimate: 3 })
    expect(view.merge(id, new Form(), { override: true })).toEqual({ ...view.get(id), title: 'b', estimate: 3 })
    expect(view.merge(new Form(), { note: 'x' })).toEqual({ title: 'b', note: 'x', estimate: 3 })
    expect(codeOf(() => view.merge('nobody', {}))).toBe('row_not_found')
    expect(view.all()).toHaveLength(1)
    await db.close()
  })

  it('[V14] upsert inserts a record, or writes where it differs, and brings the object back', async () => {
    const { db, view } = await open()
    expect(view.upsert({ id: 'x', title: 'a', note: 'n', dueAt: new Date(5) })).toBe('x')
    const [task, details] = [db.tasks.get('x'), db.taskDetails.get('x')]
    view.upsert(view.merge('x', { note: 'm' }, { override: true }))
    expect([db.tasks.get('x') === task, db.taskDetails.get('x') === details]).toEqual([true, false])
    view.delete('x')
    view.upsert({ id: 'x', title: 'b' })
    expect(view.get('x')).toMatchObject({ title: 'b', note: 'm', dueAt: new Date(5) })
    db.taskDetails.insert({ id: 'orphan', note: 'n' })
    view.upsert({ id: 'orphan', title: 'c', estimate: 1 })
    expect(view.get('orphan')).toMatchObject({ title: 'c', note: 'n', estimate: 1 })
    expect(view.get(view.upsert({ title: 'd' }))?.title).toBe('d')
    await db.close()
  })

  it('[V15] split says what a record holds for which table, as its upsert takes it', async () => {
    const { db, source } = await open()
    const view = createView(source, { tasks: ['title'], taskDetails: { detailTitle: 'title', note: 'note' } })
    const record = { id: 'x', title: 'a', detailTitle: 'd', note: 'n', other: 1 }
    const shares = view.split(record)
    expect(shares).toEqual({ tasks: { id: 'x', title: 'a' }, taskDetails: { id: 'x', title: 'd', note: 'n' } })
    db.tasks.upsert({ title: '', ...shares.tasks })
    db.taskDetails.upsert({ note: '', ...shares.taskDetails })
    expect(view.get('x')).toEqual({ id: 'x', title: 'a', detailTitle: 'd', note: 'n' })
    expect(view.split({ title: 'a', note: undefined })).toEqual({ tasks: { title: 'a' }, taskDetails: {} })
    expect(createView(source, { tasks: { constructor: 'title' } }).split({} as never)).toEqual({ tasks: {} })
    await db.close()
  })
})

describe('unions', () => {
  it('[V16] a union lists the rows of its tables, each naming its table and the same while its row is', async () => {
    const { db, union } = await open()
    db.tasks.insert({ id: 'a', title: 'A' })
    db.archivedTasks.insert({ id: 'b', title: 'B', why: 'old' })
    expect(union.all().map((row) => [row.table, row.id, row.title])).toEqual([
      ['tasks', 'a', 'A'],
      ['archivedTasks', 'b', 'B'],
    ])
    const row = union.get('archivedTasks', 'b')
    expect(row).toEqual({ table: 'archivedTasks', ...db.archivedTasks.get('b') })
    expect([Object.isFrozen(row), union.find('b') === row, union.all()[1] === row]).toEqual([true, true, true])
    db.tasks.insert({ id: 'b', title: 'B2' })
    expect([union.find('b')?.table, union.find('c'), union.count()]).toEqual(['tasks', undefined, 3])
    db.tasks.delete('b')
    expect([union.get('tasks', 'b'), union.count(), union.all({ withDeleted: true }).length]).toEqual([undefined, 2, 3])
    expect(codeOf(() => union.get('seats' as 'tasks', 'b'))).toBe('unknown_table')
    await db.close()
  })

  it('[V17] a row moved from table to table is told once, as removed and added', async () => {
    const { db, union } = await open()
    const id = db.tasks.insert({ title: 'a' })
    await db.saved()
    const heard: string[] = []
    const stop = union.subscribe(({ added, changed, removed }) =>
      heard.push(
        [added, changed, removed].map((rows) => rows.map(({ table, title }) => table + title).join()).join('/'),
      ),
    )
    db.transact(() => {
      db.tasks.delete(id)
      db.archivedTasks.insert({ id, title: 'a' })
    })
    await db.saved()
    db.archivedTasks.update(id, { title: 'b' })
    await db.saved()
    stop()
    db.archivedTasks.delete(id)
    await db.saved()
    expect(heard).toEqual(['archivedTasksa//tasksa', '/archivedTasksb/'])
    await db.close()
  })

  it('[V18] a union of no table, one twice, or one with a column "table" is refused, with the cure', async () => {
    const { db, source } = await open()
    const refused = (names: unknown): MerrowError => errorOf(() => createUnion(source, names as never))
    expect(refused(['tasks', 'seats']).message).toContain('Rename the column')
    expect([[], ['tasks', 'tasks'], 'tasks', ['seats']].map((names) => refused(names).code)).toEqual(
      Array(4).fill('invalid_argument'),
    )
    expect(refused(['nope']).code).toBe('unknown_table')
    await db.close()
  })
})

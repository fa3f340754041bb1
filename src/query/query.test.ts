// Rules of asking that the model test does not reach: errors, cursors, indexes by exact counts, relations, figures.
import { describe, expect, it } from 'vitest'
import { column as c, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { errorOf } from '../schema/testing/thrown.ts'
import { openReplica } from '../table/testing/replicas.ts'
import { isLike } from './plan/match.ts'
import { many, open, schema, titles } from './testing/task-tables.ts'

describe('bad input', () => {
  it('[Q2] what cannot be asked is refused where it is said, with table, value and cure', async () => {
    const db = await open()
    const tasks = db.tasks as unknown as {
      where(filter: unknown): { having: unknown } & Record<string, (...given: unknown[]) => unknown>
    }
    const all = tasks.where({})
    const cyclic: Record<string, unknown> = {}
    cyclic['not'] = cyclic
    const refused: readonly (readonly [() => unknown, RegExp])[] = [
      [() => tasks.where({ nope: 1 }), /no column "nope".*columns are id.*relations are project, taskTags/],
      [() => tasks.where({ priority: 'high' }), /"priority" eq "high": Give a finite number/],
      [() => tasks.where({ priority: { above: 1 } }), /no such operator; the operators are eq/],
      [() => tasks.where({ priority: { gte: undefined } }), /Give a finite number/],
      [() => tasks.where({ level: 'middle' }), /one of "low", "high"/],
      [() => tasks.where({ dueAt: { lt: 5 } }), /new Date/],
      [() => tasks.where({ dueAt: new Date(Number.NaN) }), /valid Date/],
      [() => tasks.where({ done: { gt: false } }), /no order/],
      [() => tasks.where({ labels: 'a' }), /contains: element/],
      [() => tasks.where({ labels: { contains: 5 } }), /Element 5/],
      [() => tasks.where({ title: ['a'] }), /give operators: \{ in/],
      [() => tasks.where({ title: {} }), /give operators/],
      [() => tasks.where({ title: { in: 'a' } }), /Give an array/],
      [() => tasks.where({ title: { like: 5 } }), /Give a string/],
      [() => tasks.where({ priority: { startsWith: '1' } }), /Only text/],
      [() => tasks.where({ title: { isNull: 1 } }), /true or false/],
      [() => tasks.where({ or: { title: 'a' } }), /give an array of filters/],
      [() => tasks.where(cyclic), /nested more than 32 deep/],
      [() => tasks.where(5), /is no filter/],
      [() => tasks.where({ project: { nope: 1 } }), /on table "projects": there is no column "nope"/],
      [() => all['orderBy']?.('nope'), /orderBy\(\) on table "tasks": there is no column "nope"/],
      [() => all['orderBy']?.('labels'), /without an order/],
      [() => all['orderBy']?.('title', 'down'), /'asc' or 'desc'/],
      [() => tasks.where({ priority: Number.NaN }), /"priority" eq NaN/],
      [() => tasks.where({ title: /a/ }), /"title" = \/a\/: compare with/],
      [() => all['groupBy']?.('done'), /array of columns/],
      [() => db.tasks.groupBy(['done']).orderBy('done', 'asc', { nulls: 'up' as 'first' }), /nulls: "up"/],
      [() => all['subscribe']?.(), /undefined is no function/],
      [() => all['orderBy']?.('title', 'asc', { null: 'last' }), /no option "null"; the options are nulls/],
      [() => all['include']?.('x', { by: 'projectId', limit: 1 }), /no option "limit"; the options are by, from/],
      [() => db.notes.search('a', { prefx: true } as object), /no option "prefx"; the options are prefix/],
      [() => all['limit']?.(-1), /positive integer/],
      [() => all['offset']?.(1.5), /positive integer/],
      [() => all['include']?.({ nope: true }), /no relation "nope"; the relations are project, taskTags/],
      [() => all['include']?.({ project: 5 }), /function that refines/],
      [() => all['include']?.({ project: () => all }), /must return the query/],
      [() => all['include']?.('title', { by: 'projectId' }), /"title" is taken/],
      [() => all['include']?.('x', { by: 'title' }), /refers to no table/],
      [
        () => db.people.where({}).include('sent', { from: 'messages' }),
        /2 columns that refer to "people".*senderId, receiverId/,
      ],
      [() => all['select']?.({ nope: true }), /no column "nope"/],
      [() => all['groupBy']?.(['nope']), /no column "nope"; the columns are/],
      [() => all['groupBy']?.(['labels']), /cannot be grouped by "labels"/],
      [() => all['groupBy']?.(['done'], { done: { count: true } }), /"done" is taken/],
      [() => all['groupBy']?.(['done'], { x: { sum: 'title' } }), /no numbers/],
      [() => all['groupBy']?.(['done'], { x: { median: 'priority' } }), /one of sum, avg, min and max/],
      [() => db.tasks.where({}).limit(5).sum('priority'), /over all rows/],
      [() => db.tasks.search('a'), /declares no columns to search/],
      [() => db.notes.search('a', { fuzzy: 50 }), /fuzzy: 50/],
      [() => db.notes.search('a', { where: { nope: 1 } as never }), /search\(\) on table "notes": there is no column/],
    ]
    for (const [work, message] of refused) {
      const error = errorOf(work)
      expect([error.code, error.message]).toEqual(['invalid_argument', expect.stringMatching(message)])
    }
    await db.close()
  })

  it('[Q3] a cursor of another query, or what is none, is refused', async () => {
    const db = await open()
    db.tasks.insertMany(many(10))
    const query = db.tasks.where({ done: true }).orderBy('priority', 'desc')
    const cursor = query.cursor(query.first() as never)
    expect(query.after(cursor).count()).toBe(4)
    expect(() => db.tasks.where({ done: false }).orderBy('priority', 'desc').after(cursor)).toThrow(/of another query/)
    expect(() => db.tasks.where({ done: true }).orderBy('priority').after(cursor)).toThrow(/of another query/)
    expect(() => db.projects.where({}).after(cursor)).toThrow(/of another query/)
    for (const nonsense of ['', 'x', '%', '5', '[]', encodeURIComponent('[1,2]'), 'a'.repeat(200_000), 5 as never])
      expect(() => query.after(nonsense)).toThrow(/no cursor/)
    const [print] = JSON.parse(decodeURIComponent(cursor))
    expect(() => query.after(encodeURIComponent(JSON.stringify([print, 'x', 'text'])))).toThrow(/damaged/)
    await db.close()
  })

  it('[Q4] a pattern takes time in proportion to text and pattern, whatever they are', () => {
    let steps = 0
    const text = 'a'.repeat(5000)
    const counted = { length: text.length } as unknown as string
    const proxy = new Proxy(counted as unknown as object, {
      get(_, key) {
        if (key === 'length') return text.length
        steps += 1
        return text[Number(key)]
      },
    }) as unknown as string
    expect(isLike(proxy, `${'%a'.repeat(20)}%b`)).toBe(false)
    expect(steps).toBeLessThan(4 * text.length * 41)
  })

  it('[Q5] a schema with an index that cannot be is refused', () => {
    const columns = { title: c.string(), labels: c.set(c.string()), count: c.number() }
    expect(() => table(columns).index('nope' as 'title')).toThrow(/no column "nope"/)
    expect(() => table(columns).index()).toThrow(/one column or more/)
    expect(() => table(columns).index('title', 'title')).toThrow(/each once/)
    expect(() => table(columns).unique('labels')).toThrow(/has no order/)
    expect(() => table(columns).search('count')).toThrow(/no text/)
  })
})

describe('finding', () => {
  it('[Q6] explain says which index serves a query, and how many rows it looks at', async () => {
    const db = await open()
    db.tasks.insertMany(many(1000))
    const { tasks } = db
    expect(tasks.where({ projectId: 'p3' }).explain()).toEqual({
      access: 'hash',
      index: ['projectId'],
      touched: 50,
      found: 50,
      isSorted: false,
    })
    expect(tasks.where({ done: true, priority: { gte: 4, lt: 6 } }).explain()).toMatchObject({
      ...{ access: 'ordered', index: ['done', 'priority'], touched: 100, found: 100 },
    })
    expect(tasks.where({ done: true }).orderBy('priority', 'desc').limit(5).explain()).toEqual({
      access: 'ordered',
      index: ['done', 'priority'],
      touched: 5,
      found: 5,
      isSorted: false,
    })
    expect(tasks.orderBy('title').limit(7).explain()).toMatchObject({ access: 'ordered', index: ['title'], touched: 7 })
    expect(tasks.where({ title: { startsWith: 'T99' } }).explain()).toMatchObject({ touched: 11, found: 11 })
    expect(tasks.where({ projectId: { in: ['p1', 'p2'] } }).explain()).toMatchObject({ access: 'hash', touched: 100 })
    expect(tasks.where({ id: 't0005', done: false }).explain()).toMatchObject({ access: 'id', touched: 1, found: 1 })
    expect(tasks.where({ projectId: 'p3' }).groupBy(['done']).explain()).toMatchObject({ access: 'hash', touched: 50 })
    expect(tasks.where({ level: 'low' }).explain()).toMatchObject({ access: 'scan', touched: 1000, found: 0 })
    await db.close()
  })

  it('[Q7] pages by cursor give every row once, while rows before the cursor come and go', async () => {
    const db = await open()
    db.tasks.insertMany(many(25))
    const query = db.tasks.where({}).orderBy('priority', 'desc')
    const wanted = query.all().map(({ id }) => id)
    const seen: string[] = []
    let page = query.limit(7)
    for (let rows = page.all(); rows.length > 0; rows = page.all()) {
      seen.push(...rows.map(({ id }) => id))
      const last = rows.at(-1) as (typeof rows)[0]
      page = query.after(query.cursor(last)).limit(7)
      db.tasks.delete(last.id)
    }
    expect(seen).toEqual(wanted)
    await db.close()
  })

  it('[Q8] a query within a transaction sees its writes, through indexes too, and not what was taken back', async () => {
    const db = await open()
    db.tasks.insertMany(many(20))
    const query = db.tasks.where({ projectId: 'p3' })
    expect(query.count()).toBe(1)
    expect(() =>
      db.transact(() => {
        db.tasks.updateWhere({ projectId: 'p4' }, { projectId: 'p3' })
        expect(query.count()).toBe(2)
        throw new Error('no')
      }),
    ).toThrow('no')
    expect(query.count()).toBe(1)
    await db.close()
  })

  it('[Q9] related rows come both ways, through a table, and under other names', async () => {
    const db = await open()
    const ann = db.people.insert({ email: 'ann@x' })
    const projectId = db.projects.insert({ name: 'P', leadId: ann })
    const [a, b] = db.tasks.insertMany([
      { title: 'a', projectId },
      { title: 'b', projectId, done: true },
    ])
    const tagId = db.tags.insert({ name: 'red' })
    db.taskTags.insert({ taskId: a as string, tagId })
    db.messages.insert({ text: 'hi', senderId: ann, receiverId: ann })
    const task = db.tasks
      .where({ id: a as string })
      .include({ project: (p) => p.include('boss', { by: 'leadId' }) })
      .first()
    expect([task?.project?.name, task?.project?.boss?.email]).toEqual(['P', 'ann@x'])
    expect(
      db.tasks
        .where({ id: b as string })
        .include('tags', { from: 'tags', through: 'taskTags' })
        .first()?.tags,
    ).toEqual([])
    expect(
      db.tasks
        .where({})
        .include('tags', { from: 'tags', through: 'taskTags' })
        .all()
        .flatMap(({ tags }) => tags.map(({ name }) => name)),
    ).toEqual(['red'])
    const project = db.projects
      .where({ tasks: { done: true } })
      .include({ tasks: (t) => t.orderBy('title', 'desc') })
      .first()
    expect(titles(project?.tasks ?? [])).toBe('b,a')
    const person = db.people.where({}).include('sent', { from: 'messages', by: 'senderId' }).first()
    expect(person?.sent.map(({ text }) => text)).toEqual(['hi'])
    expect(Object.isFrozen(task) && Object.isFrozen(project?.tasks)).toBe(true)
    await db.close()
  })

  it('[Q10] figures over rows are exact, whatever the order of adding and taking away', async () => {
    const db = await open()
    const sums: unknown[] = []
    db.tasks
      .where({})
      .aggregate({ n: { count: true }, sum: { sum: 'priority' }, top: { max: 'priority' } })
      .subscribe(({ rows }) => sums.push([rows[0]?.n, rows[0]?.sum, rows[0]?.top]))
    const ids = db.tasks.insertMany([1e300, 0.1, 0.2, 3].map((priority) => ({ title: 'x', priority })))
    await db.saved()
    db.tasks.delete(ids[0] as string)
    await db.saved()
    expect(sums).toEqual([
      [0, 0, undefined],
      [4, 1e300, 1e300],
      [3, 3.3, 3],
    ])
    expect([db.tasks.where({}).sum('priority'), db.tasks.where({}).avg('priority')]).toEqual([3.3, 3.3 / 3])
    expect([db.tasks.where({}).min('priority'), db.tasks.where({ done: true }).max('priority')]).toEqual([
      0.1,
      undefined,
    ])
    expect(db.tasks.where({}).distinct('done').all()).toEqual([{ id: '[false]', done: false }])
    await db.close()
  })
})

describe('asking again', () => {
  it("[Q20] a query asked again gives the rows as they are now, in an array of the caller's own", async () => {
    const db = await open()
    db.tasks.insertMany(many(100))
    const top = () => db.tasks.orderBy('title', 'desc').offset(1).limit(2)
    const done = db.tasks.where({ done: true })
    const ask = () => [titles(top().all()), done.all().length, db.tasks.where({}).limit(3).all().length]
    const first = top().all()
    expect([ask(), ask()]).toEqual([
      ['T98,T97', 50, 3],
      ['T98,T97', 50, 3],
    ])
    const again = top().all()
    expect([again !== first, again.length, again[0] === first[0]]).toEqual([true, 2, true])
    again.length = 0
    expect(ask()).toEqual(['T98,T97', 50, 3])
    expect(() =>
      db.transact(() => {
        db.tasks.insert({ title: 'T999', done: true })
        expect(ask()).toEqual(['T99,T98', 51, 3])
        db.tasks.delete(top().all()[0]?.id ?? '')
        expect(titles(top().all())).toEqual('T98,T97')
        throw new Error('taken back')
      }),
    ).toThrow('taken back')
    expect(ask()).toEqual(['T98,T97', 50, 3])
    db.tasks.updateWhere({ done: true }, { done: false })
    expect([ask(), ask()]).toEqual([
      ['T98,T97', 0, 3],
      ['T98,T97', 0, 3],
    ])
    db.undo.undo()
    expect(ask()).toEqual(['T98,T97', 50, 3])
    await db.close()
  })

  it('[Q20] what it depends on beside its rows counts, and so does what comes from elsewhere', async () => {
    const [here, there] = [await openReplica(schema), await openReplica(schema)]
    const id = here.db.projects.insert({ name: 'A' })
    here.db.tasks.insert({ title: 'one', projectId: id })
    const ofA = here.db.tasks.where({ project: { name: 'A' } })
    const named = here.db.tasks.where({}).include({ project: true })
    const ask = () => [
      ofA.all().length,
      named.all()[0]?.project?.name,
      here.db.tasks.orderBy('title').limit(2).all().length,
    ]
    expect([ask(), ask()]).toEqual([
      [1, 'A', 1],
      [1, 'A', 1],
    ])
    here.db.projects.update(id, { name: 'B' })
    expect(ask()).toEqual([0, 'B', 1])
    there.db.tasks.insert({ title: 'two' })
    await exchange(here, there)
    expect(ask()).toEqual([0, 'B', 2])
    await Promise.all([here.db.close(), there.db.close()])
  })
})

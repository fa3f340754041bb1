// Rules of what is kept in step with tables: followed queries, uniqueness, search.
import { describe, expect, it, vi } from 'vitest'
import type { QueryChange } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { errorOf } from '../schema/testing/thrown.ts'
import { openReplica, testClock } from '../table/testing/replicas.ts'
import { many, open, schema } from './testing/task-tables.ts'

describe('following', () => {
  it('[Q11] rows and array stay the same objects where nothing changed; a transaction over several tables is told once', async () => {
    const db = await open()
    const projectId = db.projects.insert({ name: 'P' })
    db.tasks.insertMany(many(10))
    db.tasks.update('t0001', { projectId })
    await db.saved()
    const heard: QueryChange<{ readonly id: string }>[] = []
    const arrays: (readonly object[])[] = []
    const query = db.tasks.where({ done: false }).orderBy('priority').include({ project: true })
    const stop = query.subscribe((change) => {
      heard.push(change)
      arrays.push(change.rows)
    })
    db.transact(() => {
      db.tasks.update('t0003', { title: 'new' })
      db.projects.update(projectId, { name: 'Q' })
      db.tasks.update('t0000', { title: 'not in it' })
    })
    await db.saved()
    expect(heard).toHaveLength(2)
    expect(heard[1]?.changed.map(({ id }) => id).sort()).toEqual(['t0001', 't0003'])
    expect(arrays[1]?.filter((row, at) => row === arrays[0]?.[at])).toHaveLength(3)
    db.tasks.update('t0000', { title: 'not in it either' })
    db.projects.insert({ name: 'other' })
    await db.saved()
    expect(heard).toHaveLength(2)
    expect(heard[1]?.rows).toBe(arrays[1])
    stop()
    await db.close()
  })

  it('[Q12] equal queries are one computation, and a listener that has ended hears nothing', async () => {
    const db = await open()
    db.tasks.insertMany(many(4))
    const arrays: unknown[] = []
    const upper = (row: { readonly title: string }): string => row.title.toUpperCase()
    const query = () => db.tasks.where({ priority: { gte: 0 }, done: true }).select({ upper })
    const same = () =>
      db.tasks
        .where({ done: true })
        .where({ priority: { gte: 0 } })
        .select({ upper })
    const stops = [query(), same()].map((one) => one.subscribe(({ rows }) => arrays.push(rows)))
    expect(arrays[0]).toBe(arrays[1])
    stops[0]?.()
    db.tasks.update('t0000', { title: 'b' })
    await db.saved()
    expect(arrays).toHaveLength(3)
    stops[1]?.()
    db.tasks.update('t0000', { title: 'c' })
    await db.saved()
    expect(arrays).toHaveLength(3)
    await db.close()
  })

  it('[Q13] a change is looked at by the queries whose equalities it meets, and by no others', async () => {
    const db = await open()
    db.tasks.insertMany(many(100))
    await db.saved()
    let looked = 0
    const stops = Array.from({ length: 20 }, (_, at) =>
      db.tasks
        .where({ projectId: `p${at}` })
        .select({ seen: () => looked++ })
        .subscribe(() => {}),
    )
    expect(looked).toBe(100)
    db.tasks.update('t0007', { title: 'x' })
    await db.saved()
    expect(looked).toBe(101)
    db.tasks.update('t0007', { projectId: 'p8' })
    await db.saved()
    expect(looked).toBe(102)
    for (const stop of stops) stop()
    await db.close()
  })

  it('[Q1] groups that are followed amid a transaction count each row once, whatever is taken back', async () => {
    const db = await open()
    db.tasks.insertMany(many(10))
    await db.saved()
    const counts = db.tasks.groupBy(['done'], { tasks: { count: true } })
    const stops = [db.tasks.where({}).subscribe(() => {})]
    const told: (readonly object[])[] = []
    db.transact(() => {
      db.tasks.update('t0000', { done: true })
      db.tasks.insert({ id: 'new', title: 'new', done: true })
      stops.push(counts.subscribe(({ rows }) => told.push(rows)))
      expect(() =>
        db.transact(() => {
          db.tasks.update('t0001', { done: true })
          db.tasks.delete('t0002')
          expect(counts.all()).not.toEqual(told[0])
          throw new Error('taken back')
        }),
      ).toThrow('taken back')
      db.tasks.update('t0003', { done: true })
    })
    await db.saved()
    expect(told.at(-1)).toEqual(counts.all())
    for (const stop of stops) stop()
    await db.close()
  })

  it('[Q14] a listener that throws is reported and harms no other; one may write', async () => {
    const onError = vi.fn()
    const db = await open(onError)
    const counts: number[] = []
    let isFirst = true
    const query = db.tasks.where({ done: false })
    query.subscribe(() => {
      if (!isFirst) throw new Error('mine')
      isFirst = false
    })
    query.subscribe(({ rows, added }) => {
      counts.push(rows.length)
      if (rows.length === 1 && added.length === 1) db.tasks.insert({ title: 'more' })
    })
    db.tasks.insert({ title: 'a' })
    await db.saved()
    await db.saved()
    expect([counts, onError.mock.calls.length]).toEqual([[0, 1, 2], 2])
    await db.close()
  })

  it('[Q15] results say whether rows may be on their way', async () => {
    const db = await open()
    const heard: string[] = []
    db.tasks
      .where({})
      .include({ project: true })
      .subscribe(({ rows, isLoading }) => heard.push(`${rows.length} ${isLoading}`))
    db.projects.setLoading(true)
    db.tasks.insert({ title: 'a' })
    await db.saved()
    db.projects.setLoading(false)
    expect(heard).toEqual(['0 false', '0 true', '1 true', '1 false'])
    await db.close()
  })
})

describe('uniqueness', () => {
  it('[Q16] a write that would give two rows the same unique values is refused, and writes nothing', async () => {
    const db = await open()
    const ann = db.people.insert({ email: 'ann@x' })
    const ben = db.people.insert({ email: 'ben@x' })
    const refused = [
      () => db.people.insert({ email: 'ann@x' }),
      () => db.people.insertMany([{ email: 'c@x' }, { email: 'c@x' }]),
      () => db.people.update(ben, { email: 'ann@x' }),
      () => db.people.upsert({ id: ben, email: 'ann@x' }),
      () => db.people.updateWhere({}, { email: 'd@x' }),
    ]
    for (const work of refused) expect(errorOf(work)).toMatchObject({ code: 'not_unique', table: 'people' })
    expect(db.people.all().map(({ email }) => email)).toEqual(['ann@x', 'ben@x'])
    db.people.delete(ann)
    db.people.update(ben, { email: 'ann@x', name: 'Ben' })
    expect(errorOf(() => db.people.restore(ann)).message).toMatch(/has a row .* with email = "ann@x" already/)
    db.people.update(ben, { name: 'still' })
    expect(db.people.duplicates.list()).toEqual([])
    await db.close()
  })

  it('[Q17] rows that come to share unique values by merging are kept and listed until they do not', async () => {
    const clock = testClock()
    const [a, b] = [await openReplica(schema, clock), await openReplica(schema, clock)]
    const heard: number[] = []
    a.db.people.duplicates.subscribe((duplicates) => heard.push(duplicates.length))
    const ann = a.db.people.insert({ email: 'ann@x' })
    const other = b.db.people.insert({ email: 'ann@x' })
    await exchange(a, b)
    for (const { db } of [a, b])
      expect(db.people.duplicates.list()).toMatchObject([
        { table: 'people', columns: ['email'], values: ['ann@x'], rows: [{}, {}] },
      ])
    a.db.people.update(ann, { name: 'is fine' })
    b.db.people.update(other, { email: 'other@x' })
    await exchange(a, b)
    expect([a.db.people.duplicates.list(), heard]).toEqual([[], [1, 0]])
    for (const { db } of [a, b]) await db.close()
  })
})

describe('search', () => {
  const texts = [
    { id: 'a', title: '東京都の天気予報', body: '明日は雨です' },
    { id: 'b', title: '我想学习中文编程', body: '数据库同步' },
    { id: 'c', title: 'Café Müller', body: 'harbour fair on the quay' },
    { id: 'd', title: 'Fair fair', body: 'of all' },
    { id: 'e', title: '東京タワーの見学', body: '' },
  ]
  it('[Q18] words are found in any script, by beginnings and with letters wrong, best rows first', async () => {
    const db = await open()
    db.notes.insertMany(texts)
    const found = (words: string, options = {}) =>
      db.notes
        .search(words, options)
        .all()
        .map(({ id }) => id)
        .join()
    expect([found('天気'), found('雨'), found('中文'), found('数据库')]).toEqual(['a', 'a', 'b', 'b'])
    expect([found('タワー'), found('東京タワー'), found('見学')]).toEqual(['e', 'e', 'e'])
    expect([found('cafe MULLER'), found('fair'), found('fair quay'), found('har')]).toEqual(['c', 'd,c', 'c', ''])
    expect([found('har', { prefix: true }), found('harbor', { fuzzy: true })]).toEqual(['c', 'c'])
    expect([found('quay all', { match: 'any' }), found('fair', { limit: 1 })]).toEqual([
      expect.stringMatching(/^(c,d|d,c)$/),
      'd',
    ])
    db.notes.update('d', { done: true })
    expect([found('fair', { where: { done: false } }), found('')]).toEqual(['c', ''])
    await db.close()
  })

  it('[Q19] a search is live: writes, deletes and filters show at once, in order', async () => {
    const db = await open()
    db.notes.insertMany(texts)
    await db.saved()
    const heard: string[] = []
    const stop = db.notes
      .search('fair', { where: { done: false } })
      .subscribe(({ rows, added, changed, removed }) =>
        heard.push(
          `${rows.map(({ id }) => id).join('')} ${[added, changed, removed].map(({ length }) => length).join('')}`,
        ),
      )
    const steps = [
      () => db.notes.update('d', { done: true }),
      () => db.notes.insert({ id: 'f', title: 'fair' }),
      () => db.notes.update('f', { title: 'unfair' }),
      () => db.notes.update('a', { done: true }),
      () => db.notes.delete('c'),
      () => db.notes.restore('c'),
    ]
    for (const step of steps) {
      step()
      await db.saved()
    }
    stop()
    expect(heard).toEqual(['dc 200', 'c 001', 'fc 100', 'c 001', ' 001', 'c 100'])
    await db.close()
  })
})

// Holds queries to a plain model: random tables, queries and changes, once and live, with every difference. SEED=n replays, SEEDS=n runs more.
import assert from 'node:assert/strict'
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import type { RandomBytes } from '../ids.ts'
import { forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { openReplica, type TestReplica, testClock } from '../table/testing/replicas.ts'
import type { QueryChange } from './index.ts'
import { modelGroups, modelRows, type Plain } from './testing/plain-model.ts'
import {
  type GroupSpec,
  type ModelDatabase,
  type QuerySpec,
  randomGroups,
  randomQuery,
  schemas,
  write,
} from './testing/random-query.ts'

const upper = (row: { readonly title: string }): string => row.title.toUpperCase()

/** The query that a spec describes. */
const build = (db: ModelDatabase, spec: QuerySpec) => {
  let query = db.tasks.where({})
  for (const filter of spec.filters) query = query.where(filter)
  for (const [column, direction, nulls] of spec.order)
    query = query.orderBy(column as 'title', direction, nulls === undefined ? {} : { nulls })
  if (spec.limit !== undefined) query = query.limit(spec.limit)
  if (spec.offset > 0) query = query.offset(spec.offset)
  if (spec.deleted === 'with') query = query.withDeleted()
  if (spec.deleted === 'only') query = query.onlyDeleted()
  for (const name of spec.includes) {
    if (name === 'tags') query = query.include('tags', { from: 'tags', through: 'taskTags' })
    else if (name === 'deep')
      query = query.include({
        project: (projects) =>
          projects.include({
            owner: true,
            tasks: (tasks) => tasks.where({ done: true }).orderBy('title', 'desc').limit(2),
          }),
      })
    else query = query.include({ [name]: true } as { project: true })
  }
  const fields = { title: true, ...(spec.includes[0] === 'project' ? { project: true } : {}), upper } as const
  return (spec.isSelected ? query.select(fields as never) : query) as unknown as AnyQuery
}

const buildGroups = (db: ModelDatabase, { filters, columns, having, limit }: GroupSpec) => {
  let query = db.tasks.where({})
  for (const filter of filters) query = query.where(filter)
  const groups = query
    .groupBy(columns as ['done'], {
      tasks: { count: true },
      total: { sum: 'priority' },
      mean: { avg: 'priority' },
      first: { min: 'dueAt' },
      last: { max: 'title' },
    })
    .having(having)
    .orderBy('tasks', 'desc')
  return (limit === undefined ? groups : groups.limit(limit)) as unknown as AnyQuery
}

interface AnyQuery {
  all(): Plain[]
  first(): Plain | undefined
  count(): number
  subscribe(listener: (change: QueryChange<Plain>) => void): () => void
}

/** What one follows: its query, what it must give, and a list kept by applying differences alone. */
const follow = (query: AnyQuery, expected: () => Plain[], isOrdered: boolean) => {
  const list = new Map<string, Plain>()
  let rows: readonly Plain[] = []
  let told = 0
  const stop = query.subscribe(({ rows: now, added, changed, removed, isLoading }) => {
    told += 1
    assert(!isLoading)
    for (const row of removed) assert(list.delete(row.id))
    for (const row of added) {
      assert(!list.has(row.id))
      list.set(row.id, row)
    }
    for (const row of changed) {
      assert(list.has(row.id) && list.get(row.id) !== row)
      list.set(row.id, row)
    }
    // Where nothing changed, the row is the same object.
    const touched = new Set([...added, ...changed])
    for (const row of now) assert(touched.has(row) || rows.includes(row))
    rows = now
  })
  const check = (): void => {
    assertSame(rows, expected(), isOrdered)
    assertSame([...list.values()], rows, false)
    assertSame(query.all(), rows, isOrdered)
  }
  /** The same query asked again and again, whether or not what was written is committed. */
  const ask = (): void => assertSame(query.all(), expected(), isOrdered)
  return { stop, check, ask, told: () => told }
}

const sorted = (rows: readonly Plain[], isOrdered: boolean): readonly Plain[] =>
  isOrdered ? rows : [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))

/** Compares texts first: of thousands of lists, all are the same. */
const assertSame = (rows: readonly unknown[], expected: readonly unknown[], isOrdered: boolean, of?: string): void => {
  const [a, b] = [sorted(rows as Plain[], isOrdered), sorted(expected as Plain[], isOrdered)]
  if (JSON.stringify(a) !== JSON.stringify(b)) expect(a, of).toEqual(b)
}

const isInOrder = ({ order, limit, offset }: QuerySpec): boolean =>
  order.length > 0 || limit !== undefined || offset > 0

/** Changes something. @returns How many transactions that is at most: what comes from elsewhere is one a table. */
const change = async (random: prng.PRNG, here: Replica, openOther: () => Promise<Replica>): Promise<number> => {
  const kind = prng.int31(random, 0, 5)
  const { db } = here
  if (kind === 0) {
    const there = await openOther()
    for (let at = 0; at < 3; at++) write(random, there.db)
    await there.db.saved()
    // What others wrote comes in while writes here are staged, too.
    if (prng.bool(random)) write(random, db)
    for (const [name, document] of there.documents)
      Y.applyUpdate(here.documents.get(name) as Y.Doc, Y.encodeStateAsUpdate(document), 'remote')
  } else if (kind === 1)
    expect(() =>
      db.transact(() => {
        write(random, db)
        db.tasks.where({ done: true }).all()
        db.tasks.orderBy('title').limit(3).all()
        write(random, db)
        throw new Error('taken back')
      }),
    ).toThrow('taken back')
  else if (kind === 2) db.undo.undo()
  else
    db.transact(() => {
      for (let at = prng.int31(random, 1, 4); at > 0; at--) write(random, db)
    })
  return kind === 0 ? here.documents.size + 1 : 1
}

type Replica = TestReplica<(typeof schemas)[0]>

const run = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const schema = schemas[seed % schemas.length] as (typeof schemas)[0]
  const clock = testClock()
  const source = prng.create(seed + 2)
  const fill: RandomBytes = (bytes) => {
    bytes.set(prng.uint8Array(source, bytes.length))
    return bytes
  }
  const open = (user: string) => openReplica(schema, { now: () => clock.nowMs++, user, random: fill })
  const here = await open('ann')
  const { db } = here
  let there: Replica | undefined
  const openOther = async (): Promise<Replica> => {
    there ??= await open('ben')
    return there
  }
  db.transact(() => {
    for (let at = 0; at < 10; at++) write(random, db)
  })
  if (seed % 2 === 0) await db.saved()
  const specs = Array.from({ length: 3 }, () => randomQuery(random))
  const groups = randomGroups(random)
  const followed = [
    ...specs.map((spec) => follow(build(db, spec), () => modelRows(db, spec), isInOrder(spec))),
    follow(buildGroups(db, groups), () => modelGroups(db, groups), true),
  ]
  for (let step = 0; step < 5; step++) {
    const before = followed.map(({ told }) => told())
    for (const { ask } of followed) ask()
    const transactions = await change(random, here, openOther)
    for (const { ask } of followed) ask()
    const spec = randomQuery(random)
    const query = build(db, spec)
    const expected = modelRows(db, spec)
    assertSame(query.all(), expected, isInOrder(spec), JSON.stringify(spec))
    assert.equal(query.count(), expected.length)
    if (spec.order.length > 0) assertSame([query.first()], [expected[0]], true)
    await db.saved()
    for (const { check } of followed) check()
    followed.forEach(({ told }, at) => assert(told() - (before[at] as number) <= transactions))
  }
  for (const { stop } of followed) stop()
  await db.close()
  await there?.db.close()
}

it(
  `[Q1] queries give what filter, sort and slice over all rows give, once and live, over ${SEEDS} seeds`,
  {
    timeout: 60_000 + 50 * SEEDS,
  },
  () => forEachSeed(run),
)

// Holds queries to a plain model: random tables, queries and changes, once and live, with every difference. SEED=n replays, SEEDS=n runs more.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
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

const SEEDS = Number(process.env['SEEDS'] ?? 500)
const ONLY = process.env['SEED']

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
    expect(isLoading).toBe(false)
    for (const row of removed) expect(list.delete(row.id)).toBe(true)
    for (const row of added) {
      expect(list.has(row.id)).toBe(false)
      list.set(row.id, row)
    }
    for (const row of changed) {
      expect(list.get(row.id)).toBeDefined()
      expect(list.get(row.id)).not.toBe(row)
      list.set(row.id, row)
    }
    // Where nothing changed, the row is the same object.
    const touched = new Set([...added, ...changed])
    for (const row of now) if (!touched.has(row)) expect(rows.includes(row)).toBe(true)
    rows = now
  })
  const check = (): void => {
    expect(sorted(rows, isOrdered)).toEqual(sorted(expected(), isOrdered))
    expect(sorted([...list.values()], false)).toEqual(sorted(rows, false))
    expect(sorted(query.all(), isOrdered)).toEqual(sorted(rows, isOrdered))
  }
  return { stop, check, told: () => told }
}

const sorted = (rows: readonly Plain[], isOrdered: boolean): readonly Plain[] =>
  isOrdered ? rows : [...rows].sort((a, b) => (a.id < b.id ? -1 : 1))

const isInOrder = ({ order, limit, offset }: QuerySpec): boolean =>
  order.length > 0 || limit !== undefined || offset > 0

const change = async (random: prng.PRNG, [here, there]: readonly Replica[]): Promise<void> => {
  const kind = prng.int31(random, 0, 5)
  const [db, other] = [(here as Replica).db, (there as Replica).db]
  if (kind === 0) {
    for (let at = 0; at < 3; at++) write(random, other)
    await other.saved()
    // What others wrote comes in while writes here are staged, too.
    if (prng.bool(random)) write(random, db)
    for (const [name, document] of (there as Replica).documents)
      Y.applyUpdate((here as Replica).documents.get(name) as Y.Doc, Y.encodeStateAsUpdate(document), 'remote')
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
}

type Replica = TestReplica<(typeof schemas)[0]>

const run = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const schema = schemas[seed % schemas.length] as (typeof schemas)[0]
  const clock = testClock()
  const open = (user: string) => openReplica(schema, { now: () => clock.nowMs++, user })
  const replicas = [await open('ann'), await open('ben')]
  const { db } = replicas[0] as Replica
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
    await change(random, replicas)
    const spec = randomQuery(random)
    const query = build(db, spec)
    expect(sorted(query.all(), isInOrder(spec)), JSON.stringify(spec)).toEqual(
      sorted(modelRows(db, spec), isInOrder(spec)),
    )
    expect(query.count()).toBe(modelRows(db, spec).length)
    if (spec.order.length > 0) expect(query.first()).toEqual(modelRows(db, spec)[0])
    await db.saved()
    for (const { check } of followed) check()
    // The writes of one step are one transaction, or one update a table from elsewhere.
    followed.forEach(({ told }, at) => expect(told() - (before[at] as number)).toBeLessThanOrEqual(5))
  }
  for (const { stop } of followed) stop()
  for (const { db } of replicas) await db.close()
}

it(`[Q1] queries give what filter, sort and slice over all rows give, once and live, over ${SEEDS} seeds`, async () => {
  const seeds = ONLY === undefined ? Array.from({ length: SEEDS }, (_, seed) => seed) : [Number(ONLY)]
  for (const seed of seeds)
    try {
      await run(seed)
    } catch (error) {
      throw new Error(`SEED=${seed} fails: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
}, 600_000)

// Random tables, queries and changes for the model test. Knows the schema below and what a query can ask; evaluates nothing.
import * as prng from 'lib0/prng'
import { column as c, type Database, defineSchema, table } from '../../index.ts'

const columns = {
  title: c.string(),
  done: c.boolean().default(false),
  priority: c.number().optional(),
  dueAt: c.date().optional(),
  labels: c.set(c.string()),
  note: c.string().optional(),
  projectId: c.ref('projects').optional(),
}
const others = {
  projects: table({ name: c.string(), size: c.number().optional(), ownerId: c.ref('owners').optional() }),
  owners: table({ name: c.string() }),
  tags: table({ name: c.string() }),
  taskTags: table({ taskId: c.ref('tasks'), tagId: c.ref('tags') }),
}

/** One schema without indexes, one with some, one with many: they must not change what a query gives. */
export const schemas = [
  defineSchema({ tasks: table(columns), ...others }),
  defineSchema({ tasks: table(columns).index('projectId').index('done', 'priority'), ...others }),
  defineSchema({
    tasks: table(columns).index('priority', 'title').index('title').index('dueAt').index('done').index('done', 'title'),
    ...others,
  }),
] as const
/** A database of any of them. */
export type ModelDatabase = Database<(typeof schemas)[0]>

/** What a query asks, as data: for the builder and for the model alike. */
export interface QuerySpec {
  readonly filters: readonly object[]
  readonly order: readonly (readonly [column: string, direction: 'asc' | 'desc', nulls: 'first' | 'last' | undefined])[]
  readonly limit: number | undefined
  readonly offset: number
  readonly deleted: 'without' | 'with' | 'only'
  readonly includes: readonly string[]
  readonly isSelected: boolean
}

/** A grouped query, as data. */
export interface GroupSpec {
  readonly filters: readonly object[]
  readonly columns: readonly string[]
  readonly having: object
  readonly limit: number | undefined
}

type Random = prng.PRNG
const pick = <T>(random: Random, values: readonly T[]): T => values[prng.int31(random, 0, values.length - 1)] as T
const chance = (random: Random, percent: number): boolean => prng.int31(random, 0, 99) < percent
const maybe = <T>(random: Random, percent: number, make: () => T): T | undefined =>
  chance(random, percent) ? make() : undefined

const TITLES = ['', 'a', 'ab', 'abc', 'b', 'ba%', 'c_d', 'éa', '任务'] as const
const PROJECTS = ['p0', 'p1', 'p2', 'p3'] as const
const TASKS = Array.from({ length: 14 }, (_, at) => `t${at}`)

const value: Readonly<Record<string, (random: Random) => unknown>> = {
  id: (random) => pick(random, TASKS),
  title: (random) => pick(random, TITLES),
  note: (random) => pick(random, TITLES),
  done: (random) => chance(random, 50),
  priority: (random) => prng.int31(random, -2, 3) / 2,
  dueAt: (random) => new Date(prng.int31(random, 0, 4)),
  projectId: (random) => pick(random, [...PROJECTS, 'nobody']),
}
const TEXT = ['title', 'note', 'projectId', 'id']

const comparison = (random: Random, column: string): unknown => {
  const make = () => (value[column] as (random: Random) => unknown)(random)
  const operators = ['eq', 'ne', 'in', 'notIn', 'isNull', 'plain', 'plain', 'missing']
  if (column !== 'done') operators.push('lt', 'lte', 'gt', 'gte', 'between')
  if (TEXT.includes(column)) operators.push('contains', 'startsWith', 'like')
  const operator = pick(random, operators)
  switch (operator) {
    case 'plain':
      return make()
    case 'missing':
      return undefined
    case 'isNull':
      return { isNull: chance(random, 50) }
    case 'in':
    case 'notIn':
      return { [operator]: [make(), make(), ...(chance(random, 20) ? [undefined] : [])] }
    case 'between':
      return { gte: make(), lt: make() }
    case 'like':
      return { like: pick(random, ['%a%', 'a_', '%', '_b%', 'a%c', '']) }
    default:
      return { [operator]: make() }
  }
}

const columnFilter = (random: Random): object => {
  const column = pick(random, Object.keys(value))
  return { [column]: comparison(random, column) }
}

const filter = (random: Random, depth = 0): object => {
  const kind = prng.int31(random, 0, 13)
  if (depth > 2 || kind < 7) return { ...columnFilter(random), ...(chance(random, 30) ? columnFilter(random) : {}) }
  if (kind === 7) return { labels: { contains: pick(random, ['x', 'y']) } }
  if (kind === 8) return { not: filter(random, depth + 1) }
  if (kind === 9) return { or: [filter(random, depth + 1), filter(random, depth + 1)] }
  if (kind === 10) return { and: [filter(random, depth + 1), filter(random, depth + 1)] }
  if (kind === 11) return { project: { name: pick(random, ['n0', 'n1']) } }
  if (kind === 12) return { project: { owner: { name: pick(random, ['n0', 'n1']) }, size: { gte: 1 } } }
  return { taskTags: { tagId: pick(random, ['g0', 'g1']) } }
}

/** A random query over tasks. */
export const randomQuery = (random: Random): QuerySpec => {
  const columns = ['title', 'done', 'priority', 'dueAt', 'note', 'id']
  const isOrdered = chance(random, 70)
  return {
    filters: Array.from({ length: prng.int31(random, 0, 2) }, () => filter(random)),
    order: Array.from({ length: isOrdered ? prng.int31(random, 1, 2) : 0 }, () => [
      pick(random, columns),
      pick(random, ['asc', 'desc'] as const),
      maybe(random, 20, () => pick(random, ['first', 'last'] as const)),
    ]),
    limit: maybe(random, 40, () => prng.int31(random, 0, 5)),
    offset: chance(random, 25) ? prng.int31(random, 0, 4) : 0,
    deleted: pick(random, ['without', 'without', 'without', 'with', 'only'] as const),
    includes: chance(random, 40) ? [pick(random, ['project', 'taskTags', 'tags', 'deep'])] : [],
    isSelected: chance(random, 20),
  }
}

/** A random grouped query over tasks. */
export const randomGroups = (random: Random): GroupSpec => ({
  filters: chance(random, 60) ? [filter(random)] : [],
  columns: pick(random, [[], ['done'], ['projectId'], ['done', 'projectId'], ['dueAt']]),
  having: chance(random, 40) ? { tasks: { gte: prng.int31(random, 1, 3) } } : {},
  limit: maybe(random, 30, () => prng.int31(random, 1, 3)),
})

const task = (random: Random) => ({
  title: pick(random, TITLES),
  done: chance(random, 50),
  priority: maybe(random, 70, () => (chance(random, 10) ? 2 ** 60 : 0) + prng.int31(random, -2, 3) / 2),
  dueAt: maybe(random, 50, () => new Date(prng.int31(random, 0, 4))),
  labels: chance(random, 50) ? ['x'] : chance(random, 50) ? ['x', 'y'] : [],
  note: maybe(random, 40, () => pick(random, TITLES)),
  projectId: maybe(random, 70, () => pick(random, [...PROJECTS, 'nobody'])),
})

/** One random write. */
export const write = (random: Random, db: ModelDatabase): void => {
  const id = pick(random, TASKS)
  const row = db.tasks.get(id, { withDeleted: true })
  const kind = prng.int31(random, 0, 11)
  if (row === undefined) db.tasks.insert({ id, ...task(random) })
  else if (kind < 5) {
    const whole = task(random)
    const column = pick(random, Object.keys(whole) as (keyof typeof whole)[])
    db.tasks.update(id, { [column]: whole[column] })
  } else if (kind === 5) db.tasks.delete(id)
  else if (kind === 6) db.tasks.restore(id)
  else if (kind === 7) db.projects.upsert({ id: pick(random, PROJECTS), name: pick(random, ['n0', 'n1']), size: 2 })
  else if (kind === 8) {
    const project = db.projects.get(pick(random, PROJECTS))
    if (project !== undefined && chance(random, 30)) db.projects.delete(project.id)
    else if (project !== undefined)
      db.projects.update(project.id, { ownerId: pick(random, ['o0', 'o1']), size: prng.int31(random, 0, 2) })
  } else if (kind === 9) db.owners.upsert({ id: pick(random, ['o0', 'o1']), name: pick(random, ['n0', 'n1']) })
  else if (kind === 10) {
    db.tags.upsert({ id: pick(random, ['g0', 'g1']), name: pick(random, ['n0', 'n1']) })
    db.taskTags.upsert({ id: `l${prng.int31(random, 0, 5)}`, taskId: id, tagId: pick(random, ['g0', 'g1']) })
  } else db.tasks.purge(id)
}

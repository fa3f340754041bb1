// What queries must give, the plain way: filter, sort, slice, over all rows. Shares no code with the engine.
import type { GroupSpec, ModelDatabase, QuerySpec } from './random-query.ts'

/** Any row. */
export type Plain = Readonly<Record<string, unknown>> & { readonly id: string }

const plain = (value: unknown): unknown => (value instanceof Date ? value.getTime() : (value ?? undefined))

/** The rows that a query must give. */
export const modelRows = (db: ModelDatabase, spec: QuerySpec): Plain[] => {
  const rows = db.tasks.all({ withDeleted: true }) as unknown as Plain[]
  const wanted = rows
    .filter(({ deletedAt }) => spec.deleted === 'with' || (deletedAt !== undefined) === (spec.deleted === 'only'))
    .filter((row) => spec.filters.every((filter) => holds(db, 'tasks', filter, row)))
    .sort((a, b) => compare(spec, a, b))
    .slice(spec.offset, spec.limit === undefined ? undefined : spec.offset + spec.limit)
  return wanted.map((row) => select(spec, include(db, spec, row)))
}

/** The groups that a grouped query must give. */
export const modelGroups = (db: ModelDatabase, { filters, columns, having, limit }: GroupSpec): Plain[] => {
  const rows = (db.tasks.all() as unknown as Plain[]).filter((row) =>
    filters.every((filter) => holds(db, 'tasks', filter, row)),
  )
  const keys = columns.length === 0 ? ['[]'] : [...new Set(rows.map((row) => keyOf(columns, row)))]
  const groups = keys.map((id) => {
    const members = rows.filter((row) => keyOf(columns, row) === id)
    const priorities = members.flatMap(({ priority }) => (typeof priority === 'number' ? [priority] : []))
    const due = members.flatMap(({ dueAt }) => (dueAt instanceof Date ? [dueAt.getTime()] : []))
    // Exact, then rounded once: all of them are halves.
    const sum = Number(priorities.reduce((total, value) => total + BigInt(value * 2), 0n)) / 2
    return {
      id,
      ...Object.fromEntries(columns.map((column) => [column, members[0]?.[column]])),
      tasks: members.length,
      total: sum,
      mean: priorities.length === 0 ? undefined : sum / priorities.length,
      first: due.length === 0 ? undefined : new Date(Math.min(...due)),
      last: members
        .map(({ title }) => title as string)
        .reduce<string | undefined>((a, b) => (a !== undefined && a > b ? a : b), undefined),
    }
  })
  const least = (having as { readonly tasks?: { readonly gte: number } }).tasks?.gte ?? 0
  const kept = groups.filter(({ tasks }) => tasks >= least)
  kept.sort((a, b) => b.tasks - a.tasks || compareColumns(columns, a, b))
  return kept.slice(0, limit)
}

const keyOf = (columns: readonly string[], row: Plain): string =>
  JSON.stringify(columns.map((column) => plain(row[column]) ?? null))

const compareColumns = (columns: readonly string[], a: Plain, b: Plain): number => {
  for (const column of columns) {
    const order = compareBy(a[column], b[column], 'asc', 'last')
    if (order !== 0) return order
  }
  return 0
}

const compareBy = (left: unknown, right: unknown, direction: string, nulls: string): number => {
  const [a, b] = [plain(left) as never, plain(right) as never]
  if (a === b) return 0
  if (a === undefined || b === undefined) return (a === undefined) === (nulls === 'last') ? 1 : -1
  return a < b === (direction === 'asc') ? -1 : 1
}

const compare = ({ order }: QuerySpec, a: Plain, b: Plain): number => {
  for (const [column, direction, nulls] of order) {
    const found = compareBy(a[column], b[column], direction, nulls ?? (direction === 'asc' ? 'last' : 'first'))
    if (found !== 0) return found
  }
  return (a.id < b.id ? -1 : 1) * (order.at(-1)?.[1] === 'desc' ? -1 : 1)
}

const all = (db: ModelDatabase, table: string): Plain[] => db.table(table as 'tasks').all() as unknown as Plain[]

const RELATED: Readonly<Record<string, (db: ModelDatabase, row: Plain) => readonly [string, readonly Plain[]]>> = {
  project: (db, row) => ['projects', all(db, 'projects').filter(({ id }) => id === row['projectId'])],
  owner: (db, row) => ['owners', all(db, 'owners').filter(({ id }) => id === row['ownerId'])],
  taskTags: (db, row) => ['taskTags', all(db, 'taskTags').filter(({ taskId }) => taskId === row.id)],
}

const holds = (db: ModelDatabase, table: string, filter: object, row: Plain): boolean =>
  Object.entries(filter).every(([name, wanted]) => {
    if (name === 'not') return !holds(db, table, wanted, row)
    if (name === 'and') return wanted.every((part: object) => holds(db, table, part, row))
    if (name === 'or') return wanted.some((part: object) => holds(db, table, part, row))
    const related = RELATED[name]?.(db, row)
    if (related !== undefined) return related[1].some((other) => holds(db, related[0], wanted, other))
    const isConditions = typeof wanted === 'object' && wanted !== null && !(wanted instanceof Date)
    const conditions: Readonly<Record<string, unknown>> = isConditions ? wanted : { eq: wanted }
    return Object.entries(conditions).every(([operator, operand]) => compares(plain(row[name]), operator, operand))
  })

const compares = (value: unknown, operator: string, operand: unknown): boolean => {
  const [a, b] = [value as never, plain(operand) as never]
  const isThere = value !== undefined
  switch (operator) {
    case 'eq':
      return a === b
    case 'ne':
      return a !== b
    case 'lt':
      return isThere && a < b
    case 'lte':
      return isThere && a <= b
    case 'gt':
      return isThere && a > b
    case 'gte':
      return isThere && a >= b
    case 'in':
      return (operand as unknown[]).map(plain).includes(value)
    case 'notIn':
      return !(operand as unknown[]).map(plain).includes(value)
    case 'isNull':
      return isThere !== operand
    case 'contains':
      return isThere && (value as string | string[]).includes(operand as string)
    case 'startsWith':
      return isThere && (value as string).startsWith(operand as string)
    case 'like': {
      const pattern = (operand as string).replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
      return isThere && new RegExp(`^${pattern.replaceAll('%', '.*').replaceAll('_', '.')}$`, 's').test(value as string)
    }
    default:
      throw new Error(operator)
  }
}

const byId = (a: Plain, b: Plain): number => (a.id < b.id ? -1 : 1)

const include = (db: ModelDatabase, { includes }: QuerySpec, row: Plain): Plain => {
  const whole: Record<string, unknown> & { id: string } = { ...row }
  const project = all(db, 'projects').find(({ id }) => id === row['projectId'])
  for (const name of includes) {
    if (name === 'project') whole['project'] = project
    if (name === 'taskTags')
      whole[name] = all(db, name)
        .filter(({ taskId }) => taskId === row.id)
        .sort(byId)
    if (name === 'tags') {
      const ids = all(db, 'taskTags').flatMap(({ taskId, tagId }) => (taskId === row.id ? [tagId] : []))
      whole[name] = all(db, 'tags')
        .filter(({ id }) => ids.includes(id))
        .sort(byId)
    }
    if (name === 'deep') {
      const owner = all(db, 'owners').find(({ id }) => id === project?.['ownerId'])
      const others = all(db, 'tasks')
        .filter(({ projectId, done }) => projectId === project?.id && done === true)
        .sort((a, b) => compareBy(a['title'], b['title'], 'desc', 'first') || -byId(a, b))
        .slice(0, 2)
      whole['project'] = project && { ...project, owner, tasks: others }
    }
  }
  return whole
}

const select = ({ isSelected, includes }: QuerySpec, row: Plain): Plain => {
  if (!isSelected) return row
  const named = includes[0] === 'project' ? { project: row['project'] } : {}
  return { id: row.id, title: row['title'], ...named, upper: String(row['title']).toUpperCase() }
}

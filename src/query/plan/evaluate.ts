// Plans, run once: find, match, sort, slice, show. Knows tables by the port `TableRows`; keeps nothing.
import { rowsIn } from '../lookup/slot.ts'
import type { TableRows, TablesRows } from '../table-rows.ts'
import { type Access, chooseAccess } from './access.ts'
import type { AnyRow, Relation } from './catalog.ts'
import { isOwn } from './condition.ts'
import { compileMatch, type Match } from './match.ts'
import { type Compare, compileOrder } from './order.ts'
import { isWindowed, type Plan } from './plan.ts'

/** A plan as functions over one database. */
export interface CompiledPlan {
  readonly plan: Plan
  readonly rows: TableRows
  readonly matches: Match
  readonly compare: Compare
  /** Each include's plan, in the same order. */
  readonly children: readonly CompiledPlan[]
}

/** How a query is served. */
export interface Explanation {
  /** `id`: by id; `hash`: an index by equality; `ordered`: an index by range or order; `scan`: every row is looked at. */
  readonly access: Access['kind']
  /** Columns of the index that serves it; undefined for a scan. */
  readonly index: readonly string[] | undefined
  /** Rows that were looked at. */
  readonly touched: number
  /** Rows that came out. */
  readonly found: number
  /** Whether they had to be sorted. */
  readonly isSorted: boolean
}

/** Makes a plan functions over one database's tables. */
export const compilePlan = (plan: Plan, tables: TablesRows): CompiledPlan => {
  const compare = compileOrder(plan.order)
  const holds = compileMatch(plan.condition, (relation, row) => relatedRows(tables, relation, row))
  return {
    plan,
    compare,
    rows: tables.of(plan.table.name),
    matches: withDeleted(plan, withAfter(plan, compare, holds)),
    children: plan.includes.map((include) => compilePlan(include.plan, tables)),
  }
}

const withAfter = ({ after }: Plan, compare: Compare, matches: Match): Match =>
  after === undefined ? matches : (row) => compare(row, after) > 0 && matches(row)

const withDeleted = ({ deleted }: Plan, matches: Match): Match => {
  if (deleted === 'with') return matches
  const isWanted = deleted === 'only'
  return (row) => (row.deletedAt !== undefined) === isWanted && matches(row)
}

/** The rows that a row is related to, soft-deleted ones passed over unless asked for. */
export const relatedRows = (
  tables: TablesRows,
  relation: Relation,
  row: AnyRow,
  isWithDeleted = false,
): readonly AnyRow[] => {
  const rows = tables.of(relation.table)
  const find = (id: unknown): AnyRow | undefined => {
    const found = typeof id === 'string' ? rows.row(id) : undefined
    return found?.deletedAt === undefined || isWithDeleted ? found : undefined
  }
  switch (relation.kind) {
    case 'one': {
      const found = find(row[relation.by])
      return found === undefined ? [] : [found]
    }
    case 'many':
      if (isWithDeleted) return [...rows.all(true)].filter((other) => other[relation.by] === row.id)
      return rowsIn(rows.lookups.hash([relation.by]).get([row.id]))
    case 'through': {
      const links = tables.of(relation.link).lookups.hash([relation.from]).get([row.id])
      const ids = new Set(Array.from(links, ({ row: link }) => link[relation.to]))
      return [...ids].flatMap((id) => find(id) ?? [])
    }
  }
}

/** The rows of a plan, as they are in the table; the first ones alone if no more are wanted. */
export const evaluate = (compiled: CompiledPlan, most = Number.POSITIVE_INFINITY): AnyRow[] => {
  const { plan, rows } = compiled
  const limit = Math.min(plan.limit ?? Number.POSITIVE_INFINITY, most)
  return run(compiled, chooseAccess(Number.isFinite(limit) ? { ...plan, limit } : plan, rows), limit).found
}

/** As {@link evaluate}, of a plan that is run often: what it gave last, if no row of its table has changed since. */
export const evaluateAgain = (compiled: CompiledPlan): AnyRow[] =>
  isOwn(compiled.plan.condition) ? compiled.rows.answers.of(compiled, () => evaluate(compiled)) : evaluate(compiled)

/** How many rows a plan has. */
export const count = (compiled: CompiledPlan): number =>
  evaluate(isWindowed(compiled.plan) ? compiled : { ...compiled, plan: { ...compiled.plan, order: [] } }).length

/** Runs a plan and says how. */
export const explain = (compiled: CompiledPlan): Explanation => {
  const access = chooseAccess(compiled.plan, compiled.rows)
  const { found, touched } = run(compiled, access)
  const isSorted = !access.isOrdered && (compiled.plan.order.length > 0 || isWindowed(compiled.plan))
  return { access: access.kind, index: access.index, touched, found: found.length, isSorted }
}

const run = (
  { plan, matches, compare }: CompiledPlan,
  access: Access,
  limit = plan.limit ?? Number.POSITIVE_INFINITY,
): { readonly found: AnyRow[]; readonly touched: number } => {
  const end = plan.offset + limit
  const isOrdered = access.isOrdered || (plan.order.length === 0 && !isWindowed(plan))
  if (access.isSure && isOrdered) {
    const rows = access.rows()
    const all = Array.isArray(rows) ? (rows as AnyRow[]) : [...rows]
    const isWhole = plan.offset === 0 && end >= all.length
    return { found: isWhole ? all : all.slice(plan.offset, end), touched: Math.min(all.length, end) }
  }
  const found: AnyRow[] = []
  let touched = 0
  if (end === 0) return { found, touched }
  const lowest = isOrdered || end > MAX_KEPT ? undefined : new Lowest(end, compare)
  for (const row of access.rows()) {
    touched += 1
    if (!access.isSure && !matches(row)) continue
    if (lowest !== undefined) lowest.add(row)
    else if (found.push(row) >= end && isOrdered) break
  }
  if (lowest !== undefined) return { found: lowest.rows.slice(plan.offset), touched }
  if (!isOrdered) found.sort(compare)
  return { found: found.length > end || plan.offset > 0 ? found.slice(plan.offset, end) : found, touched }
}

const MAX_KEPT = 1000

/** The first rows of many, kept sorted as they come. */
class Lowest {
  readonly rows: AnyRow[] = []
  readonly #count: number
  readonly #compare: Compare

  constructor(count: number, compare: Compare) {
    this.#count = count
    this.#compare = compare
  }

  add(row: AnyRow): void {
    const { rows } = this
    if (rows.length === this.#count) {
      if (this.#compare(row, rows[rows.length - 1] as AnyRow) >= 0) return
      rows.pop()
    }
    let [low, high] = [0, rows.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#compare(rows[middle] as AnyRow, row) < 0) low = middle + 1
      else high = middle
    }
    rows.splice(low, 0, row)
  }
}

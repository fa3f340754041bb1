// A followed query: looks again at the rows that were touched, and at no others. Knows rows; not who told it or who listens.

import type { GroupPlan } from '../groups/group-plan.ts'
import { Groups } from '../groups/groups.ts'
import type { AnyRow } from '../plan/catalog.ts'
import { type CompiledPlan, evaluate } from '../plan/evaluate.ts'
import { isPlain, isWindowed } from '../plan/plan.ts'
import { compileShape, type Shaped } from '../plan/shape.ts'
import { type Difference, Result } from '../result/result.ts'
import type { TablesRows } from '../table-rows.ts'

/** The result of a query that is kept in step. */
export interface Followed {
  /** The rows as they were told last; the same array until one of them changes. */
  readonly rows: readonly Shaped[]
  /** Takes note that a row of its table may be different for it: that row as it is, undefined if it is gone. */
  touch(id: string, row: AnyRow | undefined): void
  /** Takes note that any may. */
  touchAll(): void
  /** Looks again at what was touched. @returns The difference; undefined if there is none. */
  refresh(): Difference | undefined
}

/** All rows that match, whatever window or order there is. */
const matching = (compiled: CompiledPlan): AnyRow[] =>
  evaluate({ ...compiled, plan: { ...compiled.plan, limit: undefined, offset: 0, order: [], after: undefined } })

/** Follows the rows of a plan. */
export const followRows = (compiled: CompiledPlan, tables: TablesRows): Followed => {
  const { plan, rows, matches, compare } = compiled
  const result = new Result(
    {
      matches,
      compare: plan.order.length > 0 || isWindowed(plan) ? compare : undefined,
      offset: plan.offset,
      limit: plan.limit ?? Number.POSITIVE_INFINITY,
      shape: isPlain(plan) ? undefined : compileShape(compiled, tables),
    },
    matching(compiled),
  )
  let touched: (AnyRow | string)[] = []
  return {
    get rows() {
      return result.rows
    },
    touch: (id, row) => touched.push(row ?? id),
    touchAll() {
      touched = touched.concat([...rows.all(true)])
    },
    refresh() {
      for (const row of touched) typeof row === 'string' ? result.put(row, undefined) : result.put(row.id, row)
      touched = []
      return result.takeDifference()
    },
  }
}

/** Follows the groups of a plan. */
export const followGroups = ({ base, columns, figures, matches, compare, offset, limit }: GroupPlan): Followed => {
  const { rows } = base
  const members = new Map(matching(base).map((row) => [row.id, row]))
  const groups = new Groups(columns, figures)
  for (const row of members.values()) groups.change(undefined, row)
  const first = Array.from(groups.takeChanged(), ([, row]) => row as AnyRow)
  const result = new Result({ matches, compare, offset, limit, shape: undefined }, first.filter(matches))
  let touched: (AnyRow | string)[] = []
  const look = (id: string, row: AnyRow | undefined): void => {
    const is = row !== undefined && base.matches(row) ? row : undefined
    const was = members.get(id)
    if (was === is) return
    if (is === undefined) members.delete(id)
    else members.set(id, is)
    groups.change(was, is)
  }
  return {
    get rows() {
      return result.rows
    },
    touch: (id, row) => touched.push(row ?? id),
    touchAll() {
      touched = touched.concat([...rows.all(true)])
    },
    refresh() {
      for (const row of touched) typeof row === 'string' ? look(row, undefined) : look(row.id, row)
      touched = []
      for (const [id, row] of groups.takeChanged()) result.put(id, row)
      return result.takeDifference()
    },
  }
}

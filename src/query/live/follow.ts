// A followed query: looks again at the rows that were touched, and at no others. Knows rows; not who told it or who listens.

import type { GroupPlan } from '../groups/group-plan.ts'
import { Groups } from '../groups/groups.ts'
import type { AnyRow } from '../plan/catalog.ts'
import { isOwn } from '../plan/condition.ts'
import { type CompiledPlan, evaluate } from '../plan/evaluate.ts'
import { isPlain, isWindowed } from '../plan/plan.ts'
import { compileShape, type Shaped } from '../plan/shape.ts'
import { type Difference, Result } from '../result/result.ts'
import type { TableRows, TablesRows } from '../table-rows.ts'
import type { RowChange } from './dependencies.ts'

/** The result of a query that is kept in step. */
export interface Followed {
  /** The rows as they were told last; the same array until one of them changes. */
  readonly rows: readonly Shaped[]
  /** Takes note that a row of its table may be different for it; with the row as it was, if only the rows related to it have changed. */
  touch(change: RowChange): void
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
  return followed(result, rows, (changes) => {
    for (const { id, is } of changes) result.put(id, is)
  })
}

/** Follows the groups of a plan. */
export const followGroups = ({ base, columns, figures, matches, compare, offset, limit }: GroupPlan): Followed => {
  const { rows } = base
  const groups = new Groups(columns, figures)
  const members = isOwn(base.plan.condition) ? new OwnMembers(base, groups) : new RelatedMembers(base, groups)
  const first = groups.takeChanged().flatMap(({ row }) => row ?? [])
  const result = new Result({ matches, compare, offset, limit, shape: undefined }, first.filter(matches))
  return followed(result, rows, (changes) => {
    for (const change of changes) members.look(change)
    for (const { id, row } of groups.takeChanged()) result.put(id, row)
  })
}

/** What is kept in step by looking at changes when asked to. @param look - Takes them into the result. */
const followed = (result: Result, rows: TableRows, look: (changes: readonly RowChange[]) => void): Followed => {
  let touched: RowChange[] = []
  return {
    get rows() {
      return result.rows
    },
    touch(change) {
      if (touched.at(-1) !== change) touched.push(change)
    },
    touchAll() {
      touched = touched.concat(asTouched(rows))
    },
    refresh() {
      look(touched)
      touched = []
      return result.takeDifference()
    },
  }
}

const asTouched = (rows: TableRows): readonly RowChange[] =>
  Array.from(rows.all(true), (row) => ({ id: row.id, was: row, is: row, at: 0 }))

/** The rows that are grouped, where whether a row is among them depends on itself alone: each change says what was counted. */
class OwnMembers {
  readonly #base: CompiledPlan
  readonly #groups: Groups
  /** The last change that was counted. */
  #upTo: number

  constructor(base: CompiledPlan, groups: Groups) {
    this.#base = base
    this.#groups = groups
    this.#upTo = base.rows.changes
    for (const row of matching(base)) groups.change(undefined, row)
  }

  look({ was, is, at }: RowChange): void {
    if (at <= this.#upTo) return
    this.#upTo = at
    const { matches } = this.#base
    this.#groups.change(was && matches(was) ? was : undefined, is && matches(is) ? is : undefined)
  }
}

/** The same where it depends on other rows too: then what was counted is remembered. */
class RelatedMembers {
  readonly #base: CompiledPlan
  readonly #groups: Groups
  readonly #rows: Map<string, AnyRow>

  constructor(base: CompiledPlan, groups: Groups) {
    this.#base = base
    this.#groups = groups
    this.#rows = new Map(matching(base).map((row) => [row.id, row]))
    for (const row of this.#rows.values()) groups.change(undefined, row)
  }

  look({ id, is: row }: RowChange): void {
    const is = row !== undefined && this.#base.matches(row) ? row : undefined
    const was = this.#rows.get(id)
    if (was === is) return
    if (is === undefined) this.#rows.delete(id)
    else this.#rows.set(id, is)
    this.#groups.change(was, is)
  }
}

// What a followed query depends on beside its own table, and which of its rows a change there touches. Knows plans and tables' indexes.
import { shown } from '../lookup/lookups.ts'
import { rowsIn } from '../lookup/slot.ts'
import type { AnyRow, Relation } from '../plan/catalog.ts'
import { type Condition, keyOfCondition, keyOfRelation } from '../plan/condition.ts'
import { type CompiledPlan, relatedRows } from '../plan/evaluate.ts'
import { compileMatch } from '../plan/match.ts'
import type { TablesRows } from '../table-rows.ts'

/** One row that differs. */
export interface RowChange {
  readonly id: string
  readonly was: AnyRow | undefined
  readonly is: AnyRow | undefined
  /** The how manieth change of its table it is; 0 if none of its own. */
  readonly at: number
}

/** How changes of one table touch the rows of another. */
export interface Dependency {
  /** The same for equal dependencies. */
  readonly key: string
  /** Where changes come from. */
  readonly table: string
  /** The rows that a change touches, as they are; undefined if it takes looking at all. */
  touched(change: RowChange): Iterable<AnyRow> | undefined
}

/** One relation on the way from a query's own rows. */
interface Step {
  readonly from: string
  readonly relation: Relation
}

/** All that a plan depends on beside its own table. */
export const dependenciesOf = (compiled: CompiledPlan, tables: TablesRows): readonly Dependency[] => {
  const found = new Map<string, Dependency>()
  const isExact = hasNoDeleted(compiled)
  collect(compiled, [], (steps, part) => {
    const key = `${steps.map(({ relation }) => keyOfRelation(relation)).join('>')} ${part === undefined ? '' : keyOfCondition(part)} ${isExact}`
    for (const dependency of dependenciesOfPath(steps, part, tables))
      found.set(`${dependency.table} ${key}`, {
        table: dependency.table,
        key: `${compiled.plan.table.name} ${dependency.key} ${key}`,
        touched: (change) => (isExact ? dependency.touched(change) : undefined),
      })
  })
  return [...found.values()]
}

/** Indexes hold no soft-deleted rows, so the way back through them does not find any. */
const hasNoDeleted = ({ plan, children }: CompiledPlan): boolean =>
  plan.deleted === 'without' && children.every(hasNoDeleted)

type Visit = (steps: readonly Step[], part: Condition | undefined) => void

const collect = ({ plan, children }: CompiledPlan, steps: readonly Step[], visit: Visit): void => {
  collectConditions(plan.condition, plan.table.name, steps, visit)
  plan.includes.forEach(({ relation }, at) => {
    const further = [...steps, { from: plan.table.name, relation }]
    visit(further, undefined)
    collect(children[at] as CompiledPlan, further, visit)
  })
}

const collectConditions = (condition: Condition, from: string, steps: readonly Step[], visit: Visit): void => {
  switch (condition.kind) {
    case 'compare':
      return
    case 'not':
      return collectConditions(condition.part, from, steps, visit)
    case 'related': {
      const further = [...steps, { from, relation: condition.relation }]
      visit(further, condition.part)
      return collectConditions(condition.part, condition.relation.table, further, visit)
    }
    default:
      for (const part of condition.parts) collectConditions(part, from, steps, visit)
  }
}

const dependenciesOfPath = (
  steps: readonly Step[],
  part: Condition | undefined,
  tables: TablesRows,
): readonly Dependency[] => {
  const { relation, from } = steps.at(-1) as Step
  const before = steps.slice(0, -1)
  const matches =
    part === undefined ? undefined : compileMatch(part, (relation, row) => relatedRows(tables, relation, row))
  const holds = (row: AnyRow | undefined): boolean =>
    row !== undefined && shown(row) !== undefined && matches?.(row) === true
  const isSame = ({ was, is }: RowChange): boolean =>
    matches !== undefined && holds(was) === holds(is) && parentOf(relation, was) === parentOf(relation, is)
  const own: Dependency = {
    key: 'rows',
    table: relation.table,
    touched: (change) => (isSame(change) ? [] : walkBack(before, parents(relation, from, change, tables), tables)),
  }
  if (relation.kind !== 'through') return [own]
  const link: Dependency = {
    key: 'links',
    table: relation.link,
    touched: ({ was, is }) =>
      walkBack(before, rowsOf(from, [was?.[relation.from], is?.[relation.from]], tables), tables),
  }
  return [own, link]
}

const parentOf = (relation: Relation, row: AnyRow | undefined): unknown =>
  relation.kind === 'many' ? row?.[relation.by] : undefined

/** From rows at the end of a way back to those that it begins with. */
const walkBack = (steps: readonly Step[], rows: Iterable<AnyRow>, tables: TablesRows): Iterable<AnyRow> => {
  let found = rows
  for (const { from, relation } of [...steps].reverse()) {
    const next = new Set<AnyRow>()
    for (const row of found)
      for (const parent of parents(relation, from, { id: row.id, was: row, is: row, at: 0 }, tables)) next.add(parent)
    found = next
  }
  return found
}

/** The rows that are, or were, related to one. */
const parents = (
  relation: Relation,
  from: string,
  { id, was, is }: RowChange,
  tables: TablesRows,
): Iterable<AnyRow> => {
  switch (relation.kind) {
    case 'one':
      return rowsIn(tables.of(from).lookups.hash([relation.by]).get([id]))
    case 'many':
      return rowsOf(from, [was?.[relation.by], is?.[relation.by]], tables)
    case 'through': {
      const links = tables.of(relation.link).lookups.hash([relation.to]).get([id])
      return rowsOf(
        from,
        Array.from(links, ({ row: link }) => link[relation.from]),
        tables,
      )
    }
  }
}

const rowsOf = (table: string, ids: readonly unknown[], tables: TablesRows): readonly AnyRow[] => {
  const rows = tables.of(table)
  return [...new Set(ids)].flatMap((id) => (typeof id === 'string' ? (rows.row(id) ?? []) : []))
}

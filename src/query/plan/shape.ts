// What rows are shown as: with the rows they are related to, and as what `select` makes of them. Keeps nothing but equal objects.
import type { TablesRows } from '../table-rows.ts'
import type { AnyRow } from './catalog.ts'
import { type CompiledPlan, relatedRows } from './evaluate.ts'
import { isPlain, isWindowed, type Plan } from './plan.ts'

/** A row as it is shown. */
export type Shaped = { readonly id: string } & Readonly<Record<string, unknown>>

/** What a plan shows a row as; the row itself if it says nothing else. */
export const shapeRow = (compiled: CompiledPlan, tables: TablesRows, row: AnyRow): Shaped => {
  const { plan, children } = compiled
  if (isPlain(plan)) return row
  if (children.length === 0) return select(plan, row)
  const whole: Record<string, unknown> & { id: string } = { ...row }
  for (let at = 0; at < children.length; at++) {
    const { name, relation } = plan.includes[at] as Plan['includes'][number]
    const child = children[at] as CompiledPlan
    if (relation.kind === 'one') {
      const id = row[relation.by]
      const other = typeof id === 'string' ? child.rows.row(id) : undefined
      whole[name] = other !== undefined && child.matches(other) ? shapeRow(child, tables, other) : undefined
      continue
    }
    const related = relatedRows(tables, relation, row, child.plan.deleted !== 'without').filter(child.matches)
    whole[name] = Object.freeze(pick(child, related).map((other) => shapeRow(child, tables, other)))
  }
  return select(plan, Object.freeze(whole))
}

const pick = ({ plan, compare }: CompiledPlan, rows: readonly AnyRow[]): readonly AnyRow[] => {
  const sorted = [...rows].sort(compare)
  return isWindowed(plan) ? sorted.slice(plan.offset, plan.offset + (plan.limit ?? sorted.length)) : sorted
}

const select = (plan: Plan, row: AnyRow): Shaped => {
  if (plan.select === undefined) return row
  const shown: Record<string, unknown> & { id: string } = { id: row.id }
  for (const [name, compute] of plan.select) shown[name] = compute === true ? row[name] : compute(row as never)
  return Object.freeze(shown)
}

/** The former of two shown rows if they show the same. */
export const keepEqual = (was: Shaped | undefined, is: Shaped): Shaped =>
  was !== undefined && isEqual(was, is) ? was : is

const isEqual = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((item, at) => isEqual(item, b[at]))
  if (a instanceof Date && b instanceof Date) return a.getTime() === b.getTime()
  if (!isShown(a) || !isShown(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => isEqual(a[key], b[key]))
}

/** Rows are compared column by column; whatever else is frozen JSON, and equal only if it is the same. */
const isShown = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && 'id' in value && Object.getPrototypeOf(value) === Object.prototype

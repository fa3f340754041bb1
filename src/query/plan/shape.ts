// What rows are shown as: with the rows they are related to, and as what `select` makes of them. Keeps nothing but equal objects.
import type { TablesRows } from '../table-rows.ts'
import type { AnyRow, Relation } from './catalog.ts'
import { type CompiledPlan, relatedRows } from './evaluate.ts'
import { isPlain, isWindowed, type Plan } from './plan.ts'

/** A row as it is shown. */
export type Shaped = { readonly id: string } & Readonly<Record<string, unknown>>

/** What a row was told as: as it was, and what it was shown as. */
export interface Told {
  readonly told: AnyRow | undefined
  readonly shown: Shaped | undefined
}

/** Shows a row: as the same object as last time, if that shows the same. */
export type Shape = (row: AnyRow, last?: Told) => Shaped

/** What a related row, or a list of them, is shown as. */
type Relate = (row: AnyRow, last: unknown) => unknown

/** What a plan shows rows as. */
export const compileShape = (compiled: CompiledPlan, tables: TablesRows): Shape => {
  const { plan, children } = compiled
  if (isPlain(plan)) return (row) => row
  const whole = children.length === 0 ? (row: AnyRow): AnyRow => row : compileWhole(compiled, tables)
  const { select } = plan
  if (select === undefined) return whole
  return (row, last) => keepEqual(last?.shown, choose(select, whole(row)))
}

/** Rows with those that they are related to. */
const compileWhole = ({ plan, children }: CompiledPlan, tables: TablesRows): Shape => {
  const relations = plan.includes.map(({ name, relation }, at): readonly [string, Relate] => [
    name,
    compileRelated(relation, children[at] as CompiledPlan, tables),
  ])
  // Plain objects of a class of their own: copies of frozen rows that are made by spreading take twice as long.
  // biome-ignore lint/complexity/useArrowFunction: an arrow function makes no objects.
  const Whole = function () {} as unknown as new () => Record<string, unknown>
  Whole.prototype = Object.prototype
  return (row, last) => {
    const was = last?.shown
    let isSame = was !== undefined && last?.told === row
    const related = new Array<unknown>(relations.length)
    for (let at = 0; at < relations.length; at++) {
      const [name, relate] = relations[at] as (typeof relations)[0]
      related[at] = relate(row, was?.[name])
      isSame &&= related[at] === was?.[name]
    }
    if (isSame) return was as Shaped
    const shown = Object.assign(new Whole(), row) as Record<string, unknown>
    for (let at = 0; at < relations.length; at++) shown[(relations[at] as (typeof relations)[0])[0]] = related[at]
    return Object.freeze(shown) as Shaped
  }
}

const compileRelated = (relation: Relation, child: CompiledPlan, tables: TablesRows): Relate => {
  const shape = compileShape(child, tables)
  const keep = isPlain(child.plan)
    ? shape
    : (row: AnyRow, last: unknown): Shaped => keepEqual(last as Shaped | undefined, shape(row))
  if (relation.kind === 'one')
    return (row, last) => {
      const id = row[relation.by]
      const other = typeof id === 'string' ? child.rows.row(id) : undefined
      return other !== undefined && child.matches(other) ? keep(other, last as never) : undefined
    }
  return (row, last) => {
    const related = relatedRows(tables, relation, row, child.plan.deleted !== 'without').filter(child.matches)
    const shown = pick(child, related).map((other) => shape(other))
    return isEqual(last, shown) ? last : Object.freeze(shown)
  }
}

const pick = ({ plan, compare }: CompiledPlan, rows: readonly AnyRow[]): readonly AnyRow[] => {
  const sorted = [...rows].sort(compare)
  return isWindowed(plan) ? sorted.slice(plan.offset, plan.offset + (plan.limit ?? sorted.length)) : sorted
}

const choose = (select: NonNullable<Plan['select']>, row: AnyRow): Shaped => {
  const shown: Record<string, unknown> & { id: string } = { id: row.id }
  for (const [name, compute] of select) shown[name] = compute === true ? row[name] : compute(row as never)
  return Object.freeze(shown)
}

/** The former of two shown rows if they show the same. */
export const keepEqual = (was: Shaped | undefined, is: Shaped): Shaped =>
  was !== undefined && isEqual(was, is) ? was : is

/** Whether two shown values are the same. */
export const isEqual = (a: unknown, b: unknown): boolean => {
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

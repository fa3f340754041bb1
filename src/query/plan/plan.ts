// Plans: what a query asks, as immutable data with a key, so that equal queries are told to be equal. Runs nothing.
import type { AnyRow, Relation, TableInfo } from './catalog.ts'
import { ANYTHING, type Condition, keyOfCondition, keyOfRelation } from './condition.ts'
import { keyOfOrder, type OrderTerm } from './order.ts'

/** Rows that a row is shown with. */
export interface Include {
  readonly name: string
  readonly relation: Relation
  readonly plan: Plan
}

/** What rows are shown as: columns by name, and functions of the row. */
export type Select = readonly (readonly [name: string, compute: true | ((row: never) => unknown)])[]

/** A query over one table. */
export interface Plan {
  readonly table: TableInfo
  readonly condition: Condition
  readonly order: readonly OrderTerm[]
  readonly limit: number | undefined
  readonly offset: number
  /** A row to begin after: its id, and its values in the columns of the order. */
  readonly after: AnyRow | undefined
  readonly includes: readonly Include[]
  readonly select: Select | undefined
  readonly deleted: 'without' | 'with' | 'only'
}

/** All rows of a table. */
export const planOf = (table: TableInfo): Plan => ({
  table,
  condition: ANYTHING,
  order: [],
  limit: undefined,
  offset: 0,
  after: undefined,
  includes: [],
  select: undefined,
  deleted: 'without',
})

/** Whether it says which rows of all that match: then their order matters. */
export const isWindowed = ({ limit, offset, after }: Plan): boolean =>
  limit !== undefined || offset > 0 || after !== undefined

/** Whether rows are shown as they are. */
export const isPlain = ({ includes, select }: Plan): boolean => includes.length === 0 && select === undefined

/** Names which rows a plan means and in what order; the same for plans that page through the same rows. */
export const keyOfRows = ({ table, condition, order, deleted }: Plan): string =>
  `${table.name} ${deleted} where ${keyOfCondition(condition)} by ${keyOfOrder(order)}`

/** Names a plan: the same for equal ones. */
export const keyOfPlan = (plan: Plan): string => {
  const { order, limit, offset, after, includes, select } = plan
  const from = after === undefined ? '' : JSON.stringify([...order.map(({ column }) => column.read(after)), after.id])
  const included = includes.map(({ name, relation, plan }) => `${name}=${keyOfRelation(relation)}{${keyOfPlan(plan)}}`)
  const selected = select?.map(([name, compute]) => `${name}=${compute === true ? '' : numberOf(compute)}`) ?? ['*']
  return `${keyOfRows(plan)} after ${from} limit ${limit} offset ${offset} with ${included.join()} select ${selected.join()}`
}

const numbers = new WeakMap<object, number>()
let lastNumber = 0

/** Functions are equal to themselves alone. */
const numberOf = (compute: object): number => {
  const number = numbers.get(compute) ?? ++lastNumber
  numbers.set(compute, number)
  return number
}

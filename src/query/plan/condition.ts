// Conditions: what a caller's filter says, checked and in one form. Reads no rows.
import { MerrowError, show } from '../../errors.ts'
import { type Catalog, type QueryColumn, type Relation, relationNames, relationOf, type TableInfo } from './catalog.ts'
import { isMissing, toComparable } from './values.ts'

/** One comparison. */
export type Operator = 'eq' | 'ne' | 'lt' | 'lte' | 'gt' | 'gte' | 'in' | 'notIn' | 'contains' | 'startsWith' | 'like'

/** What must hold of a row. */
export type Condition =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Condition[] }
  | { readonly kind: 'not'; readonly part: Condition }
  | { readonly kind: 'compare'; readonly column: QueryColumn; readonly operator: Operator; readonly value: unknown }
  | { readonly kind: 'related'; readonly relation: Relation; readonly part: Condition }

/** Where a filter is read, for messages and names. */
export interface FilterScope {
  readonly catalog: Catalog | undefined
  readonly table: TableInfo
  /** The call it was given to, `where()`. */
  readonly call: string
}

const MAX_DEPTH = 32
const OPERATORS: readonly string[] = [
  ...['eq', 'ne', 'lt', 'lte', 'gt', 'gte', 'in', 'notIn', 'isNull', 'contains', 'startsWith', 'like'],
]

/** What holds of every row. */
export const ANYTHING: Condition = { kind: 'and', parts: [] }

/** Whether it depends on a row alone, and on none that it is related to. */
export const isOwn = (condition: Condition): boolean => {
  switch (condition.kind) {
    case 'compare':
      return true
    case 'not':
      return isOwn(condition.part)
    case 'related':
      return false
    default:
      return condition.parts.every(isOwn)
  }
}

/** All of several conditions. */
export const allOf = (conditions: readonly Condition[]): Condition => {
  const parts: Condition[] = []
  for (const part of conditions) {
    if (part.kind === 'and') parts.push(...part.parts)
    else parts.push(part)
  }
  return parts.length === 1 ? (parts[0] as Condition) : { kind: 'and', parts }
}

/** Reads a filter. @throws {@link MerrowError} `invalid_argument` */
export const readFilter = (scope: FilterScope, filter: unknown, depth = 0): Condition => {
  if (typeof filter !== 'object' || filter === null || Array.isArray(filter))
    throw refuseQuery(scope, `${show(filter)} is no filter. Give an object: { done: false, priority: { gte: 2 } }.`)
  if (depth > MAX_DEPTH)
    throw refuseQuery(scope, `the filter is nested more than ${MAX_DEPTH} deep, or contains itself. Flatten it.`)
  const parts = Object.entries(filter)
  return parts.length === 0 ? ANYTHING : allOf(parts.map(([name, value]) => readPart(scope, name, value, depth + 1)))
}

const readPart = (scope: FilterScope, name: string, value: unknown, depth: number): Condition => {
  const column = scope.table.columns.get(name)
  if (column !== undefined) return readColumn(scope, column, value)
  if (name === 'not') return { kind: 'not', part: readFilter(scope, value, depth) }
  if (name === 'and' || name === 'or') {
    if (!Array.isArray(value)) throw refuseQuery(scope, `${name}: ${show(value)}: give an array of filters.`)
    const parts = value.map((part) => readFilter(scope, part, depth))
    return name === 'and' ? allOf(parts) : { kind: 'or', parts }
  }
  const relation = scope.catalog && relationOf(scope.catalog, scope.table, name)
  if (scope.catalog === undefined || relation === undefined) throw refuseName(scope, name)
  const table = scope.catalog.get(relation.table) as TableInfo
  const part = readFilter({ ...scope, table }, value, depth)
  return { kind: 'related', relation, part }
}

/** Names a relation. */
export const keyOfRelation = (relation: Relation): string => JSON.stringify(relation)

/** Names a condition: the same for those that say the same in the same words. */
export const keyOfCondition = (condition: Condition): string => {
  switch (condition.kind) {
    case 'compare': {
      const { column, operator, value } = condition
      const text = Array.isArray(value) ? JSON.stringify(value.map(textOf).sort()) : textOf(value)
      return `${column.name} ${operator} ${text}`
    }
    case 'not':
      return `not(${keyOfCondition(condition.part)})`
    case 'related':
      return `${keyOfRelation(condition.relation)}[${keyOfCondition(condition.part)}]`
    default:
      return `${condition.kind}(${condition.parts.map(keyOfCondition).sort().join(' & ')})`
  }
}

const textOf = (value: unknown): string => (value === undefined ? '-' : JSON.stringify(value))

const readColumn = (scope: FilterScope, column: QueryColumn, value: unknown): Condition => {
  if (typeof value !== 'object' || value === null || value instanceof Date)
    return readComparison(scope, column, 'eq', value)
  const operators = Object.entries(value)
  if (Array.isArray(value) || operators.length === 0)
    throw refuseQuery(
      scope,
      `column "${column.name}" = ${show(value)}: compare with a string, number, boolean, date, null or undefined, or give operators: { in: [...] }.`,
    )
  return allOf(operators.map(([operator, operand]) => readComparison(scope, column, operator, operand)))
}

const readComparison = (scope: FilterScope, column: QueryColumn, operator: string, operand: unknown): Condition => {
  const refuse = (reason: string): MerrowError =>
    refuseQuery(scope, `column "${column.name}" ${operator} ${show(operand)}: ${reason}`)
  const check = (value: unknown): unknown => {
    const reason = column.refuse(value)
    if (reason !== undefined) throw refuse(reason)
    return toComparable(value)
  }
  const compare = (operator: Operator, value: unknown): Condition => ({ kind: 'compare', column, operator, value })
  switch (operator) {
    case 'eq':
    case 'ne':
      if (column.holds === 'set' && !isMissing(operand)) throw refuse('A set is asked with { contains: element }.')
      return compare(operator, isMissing(operand) ? undefined : check(operand))
    case 'lt':
    case 'lte':
    case 'gt':
    case 'gte':
      if (column.holds === 'set' || column.holds === 'boolean') throw refuse('Such a column has no order.')
      return compare(operator, check(operand))
    case 'in':
    case 'notIn':
      if (!Array.isArray(operand)) throw refuse('Give an array of values.')
      if (column.holds === 'set') throw refuse('A set is asked with { contains: element }.')
      return compare(operator, [...new Set(operand.map((value) => (isMissing(value) ? undefined : check(value))))])
    case 'isNull':
      if (typeof operand !== 'boolean') throw refuse('Give true or false.')
      return compare(operand ? 'eq' : 'ne', undefined)
    case 'contains':
      if (!mayHold(column, 'string') && column.holds !== 'set') throw refuse('Only text and sets contain something.')
      return compare(operator, check(operand))
    case 'startsWith':
    case 'like':
      if (!mayHold(column, 'string')) throw refuse('Only text can be compared so.')
      if (typeof operand !== 'string') throw refuse('Give a string.')
      return compare(operator, operand)
    default:
      throw refuse(`There is no such operator; the operators are ${OPERATORS.join(', ')}.`)
  }
}

const mayHold = ({ holds }: QueryColumn, kind: QueryColumn['holds']): boolean =>
  holds === kind || holds === undefined || holds === 'json'

const refuseName = ({ catalog, table, call }: FilterScope, name: string): MerrowError => {
  const relations = catalog === undefined ? [] : relationNames(catalog, table)
  const others = relations.length === 0 ? '' : `; the relations are ${relations.join(', ')}`
  return refuseQuery({ table, call }, noColumn(table, name, others))
}

/** Says that a table has no such column, and which it has. @param others - What else might be meant. */
export const noColumn = (table: TableInfo, name: unknown, others = ''): string =>
  `there is no column ${show(name)}; the columns are ${[...table.columns.keys()].join(', ')}${others}.`

/** @throws {@link MerrowError} `invalid_argument` for an option that there is not: a misspelt one would do nothing. */
export const checkOptions = (
  scope: Pick<FilterScope, 'table' | 'call'>,
  given: object,
  known: readonly string[],
): void => {
  for (const name of Object.keys(given))
    if (!known.includes(name))
      throw refuseQuery(scope, `there is no option ${show(name)}; the options are ${known.join(', ')}.`)
}

/** The error for a query that cannot be. */
export const refuseQuery = ({ table, call }: Pick<FilterScope, 'table' | 'call'>, reason: string): MerrowError =>
  new MerrowError('invalid_argument', `${call} on table "${table.name}": ${reason}`, { table: table.name })

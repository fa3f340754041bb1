// Grouped queries: figures over rows that have the same values. Immutable like queries. Knows plans; not how groups are kept.
import { show } from '../errors.ts'
import type { OrderOptions, QueryContext } from './context.ts'
import type { GroupPlan } from './groups/group-plan.ts'
import { type Figure, groupColumn } from './groups/groups.ts'
import type { Listener } from './live/engine.ts'
import { followGroups } from './live/follow.ts'
import type { QueryColumn, TableInfo } from './plan/catalog.ts'
import {
  ANYTHING,
  allOf,
  type Condition,
  checkOptions,
  keyOfCondition,
  noColumn,
  readFilter,
  refuseQuery,
} from './plan/condition.ts'
import { compilePlan, type Explanation, explain } from './plan/evaluate.ts'
import { compileMatch } from './plan/match.ts'
import { compileOrder, type Direction, defaultNulls, keyOfOrder, type OrderTerm } from './plan/order.ts'
import { keyOfRows, type Plan } from './plan/plan.ts'
import type { OrderedColumn, RowFilter } from './types.ts'

interface Parts {
  readonly base: Plan
  readonly columns: readonly QueryColumn[]
  readonly figures: readonly Figure[]
  /** The groups, seen as a table. */
  readonly table: TableInfo
  readonly having: Condition
  readonly order: readonly OrderTerm[]
  readonly limit: number | undefined
  readonly offset: number
}

/** A query whose rows are groups of rows. Immutable; nothing is read until it is asked. */
export class GroupQuery<R> {
  declare readonly $row: R
  readonly #context: QueryContext
  readonly #parts: Parts

  private constructor(context: QueryContext, parts: Parts) {
    this.#context = context
    this.#parts = parts
  }

  /** @internal Made by `query.groupBy()` and its like. */
  static over(
    context: QueryContext,
    base: Plan,
    names: readonly string[],
    asked: Readonly<Record<string, unknown>>,
  ): GroupQuery<unknown> {
    const { table } = base
    const refuse = (reason: string) => refuseQuery({ table, call: 'groupBy()' }, reason)
    if (!Array.isArray(names)) throw refuse(`${show(names)}: give an array of columns: groupBy(['done']).`)
    const columns = [...new Set(names)].map((name) => {
      const column = table.columns.get(name)
      if (column === undefined) throw refuse(noColumn(table, name))
      if (column.holds === 'set' || column.holds === 'json' || name === 'id')
        throw refuse(
          `rows cannot be grouped by ${show(name)}. Group by columns that hold text, numbers, booleans or dates.`,
        )
      return column
    })
    const figures = Object.entries(asked).map(([name, figure]) => {
      if (names.includes(name) || name === 'id') throw refuse(`"${name}" is taken. Call the figure by another name.`)
      return readFigure(table, name, figure, refuse)
    })
    const shown = [
      groupColumn('id', 'string', () => undefined),
      ...columns.map(({ name, holds, refuse }) => groupColumn(name, holds, refuse)),
      ...figures.map(figureColumn),
    ]
    const groups: TableInfo = {
      name: `${table.name}, grouped`,
      columns: new Map(shown.map((column) => [column.name, column])),
      refs: new Map(),
      lookups: { indexes: [], searched: [] },
    }
    return new GroupQuery(context, {
      ...{ base, columns, figures, table: groups, having: ANYTHING, order: [], limit: undefined, offset: 0 },
    })
  }

  /** Keeps the groups of which the filter holds. @throws {@link MerrowError} `invalid_argument` */
  having(filter: RowFilter<R>): GroupQuery<R> {
    const { table, having } = this.#parts
    const scope = { catalog: undefined, table, call: 'having()' }
    return this.#with({ having: allOf([having, readFilter(scope, filter)]) })
  }

  /** Orders groups by a column or a figure; otherwise they are ordered by what they are grouped by. */
  orderBy(column: OrderedColumn<R>, direction: Direction = 'asc', options: OrderOptions = {}): GroupQuery<R> {
    const { table, order } = this.#parts
    const found = table.columns.get(column)
    if (found === undefined || (direction !== 'asc' && direction !== 'desc'))
      throw refuseQuery(
        { table, call: 'orderBy()' },
        `${show(column)} ${show(direction)}: give one of ${[...table.columns.keys()].join(', ')}, and 'asc' or 'desc'.`,
      )
    checkOptions({ table, call: 'orderBy()' }, options, ['nulls'])
    const nulls = options.nulls ?? defaultNulls(direction)
    if (nulls !== 'first' && nulls !== 'last')
      throw refuseQuery({ table, call: 'orderBy()' }, `nulls: ${show(nulls)}: give 'first' or 'last'.`)
    return this.#with({ order: [...order, { column: found, direction, nulls }] })
  }

  /** At most so many groups. */
  limit(count: number): GroupQuery<R> {
    return this.#with({ limit: this.#count('limit()', count) })
  }

  /** Passes over the first groups. */
  offset(count: number): GroupQuery<R> {
    return this.#with({ offset: this.#count('offset()', count) })
  }

  /** The groups. */
  all(): R[] {
    return [...followGroups(this.#compile()).rows] as R[]
  }

  /** The first group; undefined if there is none. */
  first(): R | undefined {
    return this.all()[0]
  }

  /** How many groups there are. */
  count(): number {
    return this.all().length
  }

  /** How the rows that are grouped are found: by which index, and how many are looked at. */
  explain(): Explanation {
    return explain(this.#compile().base)
  }

  /** Calls `listener` at once with the groups, then once after each transaction that changes them. @returns A function that ends it. */
  subscribe(listener: Listener<R>): () => void {
    return this.#context.engine.followGroups(this.#compile(), listener as Listener<unknown>)
  }

  #compile(): GroupPlan {
    const { base, columns, figures, table, having, order, limit, offset } = this.#parts
    const byColumns = columns.map(({ name }): OrderTerm => {
      return { column: table.columns.get(name) as QueryColumn, direction: 'asc', nulls: 'last' }
    })
    const asked = figures.map(({ name, kind, column }) => `${name}=${kind}(${column?.name ?? ''})`)
    return {
      base: compilePlan({ ...base, includes: [], select: undefined, order: [] }, this.#context.engine),
      columns,
      figures,
      matches: compileMatch(having, () => []),
      compare: compileOrder([...order, ...byColumns]),
      offset,
      limit: limit ?? Number.POSITIVE_INFINITY,
      key: `groups of ${keyOfRows({ ...base, order: [] })} by ${columns.map(({ name }) => name).join()} with ${asked.join()} having ${keyOfCondition(having)} order ${keyOfOrder(order)} limit ${limit} offset ${offset}`,
    }
  }

  #with(change: Partial<Parts>): GroupQuery<R> {
    return new GroupQuery<R>(this.#context, { ...this.#parts, ...change })
  }

  #count(call: string, count: number): number {
    if (Number.isInteger(count) && count >= 0) return count
    throw refuseQuery(
      { table: this.#parts.table, call },
      `${show(count)} is no number of groups. Give 0 or a positive integer.`,
    )
  }
}

const readFigure = (table: TableInfo, name: string, figure: unknown, refuse: (reason: string) => Error): Figure => {
  const [[kind, over] = [], ...more] = typeof figure === 'object' && figure !== null ? Object.entries(figure) : []
  if (kind === 'count' && over === true && more.length === 0) return { name, kind, column: undefined }
  const column = typeof over === 'string' ? table.columns.get(over) : undefined
  const isNumeric = kind === 'sum' || kind === 'avg'
  const isKnown = (isNumeric || kind === 'min' || kind === 'max') && more.length === 0
  if (!isKnown || column === undefined || column.holds === 'set' || column.holds === 'json')
    throw refuse(
      `${name}: ${show(figure)}: give { count: true }, or one of sum, avg, min and max with a column: { max: 'priority' }.`,
    )
  if (isNumeric && column.holds !== 'number' && column.holds !== undefined)
    throw refuse(`${name}: column "${column.name}" holds no numbers to make a ${kind} of.`)
  return { name, kind, column }
}

const figureColumn = ({ name, kind, column }: Figure): QueryColumn =>
  (kind === 'min' || kind === 'max') && column !== undefined
    ? groupColumn(name, column.holds, column.refuse)
    : groupColumn(name, 'number', (value) => (typeof value === 'number' ? undefined : 'Give a number.'))

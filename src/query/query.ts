// The query builder: says what is wanted, step by step, each step a new query. Knows plans; not how rows are found or followed.
import { show } from '../errors.ts'
import type { Schema } from '../schema/index.ts'
import type { OrderOptions, QueryContext } from './context.ts'
import { GroupQuery } from './group-query.ts'
import type { Listener } from './live/engine.ts'
import type { Made } from './made.ts'
import type { Relation, TableInfo } from './plan/catalog.ts'
import { ANYTHING, allOf, checkOptions, noColumn, readFilter, refuseQuery } from './plan/condition.ts'
import { cursorOf, readCursor } from './plan/cursor.ts'
import {
  type CompiledPlan,
  compilePlan,
  count,
  type Explanation,
  evaluate,
  evaluateAgain,
  explain,
} from './plan/evaluate.ts'
import { type Direction, defaultNulls } from './plan/order.ts'
import { isPlain, type Plan, planOf, type Select } from './plan/plan.ts'
import { impliedRelation, type NamedRelation, namedRelation } from './plan/relation.ts'
import { compileShape } from './plan/shape.ts'
import type * as Types from './types.ts'

/**
 * A query over one table. Immutable: each method returns a new query, and nothing is read until it is asked.
 *
 * Reads are synchronous and see this replica's own writes at once.
 */
export class Query<S extends Schema, N extends string, R = Types.RowIn<S, N>> {
  declare readonly $row: R
  readonly #context: QueryContext
  readonly #plan: Plan
  readonly #made: Made | undefined
  #compiled: CompiledPlan | undefined
  #isAsked = false

  /** @internal Made by `table.where()` and its like. @param made - Keeps what is made of it, if it is to be kept. */
  constructor(context: QueryContext, plan: Plan, made?: Made) {
    this.#context = context
    this.#plan = plan
    this.#made = made
  }

  /**
   * Keeps the rows of which the filter, too, holds.
   *
   * @example db.tasks.where({ done: false, priority: { gte: 2 }, or: [{ dueAt: undefined }, { project: { name: 'Fair' } }] })
   * @throws {@link MerrowError} `invalid_argument` for an unknown column or operator, or a value that cannot be compared.
   */
  where(filter: Types.Filter<S, N>): Query<S, N, R> {
    const { catalog } = this.#context
    const { table, condition } = this.#plan
    const added = readFilter({ catalog, table, call: 'where()' }, filter)
    return added === ANYTHING ? this : this.#with({ condition: allOf([condition, added]) })
  }

  /**
   * Orders rows by a column, after those it is ordered by already. Text is ordered by code units. Rows that all columns leave equal are
   * ordered by id, in the direction of the last column.
   */
  orderBy(
    column: Types.OrderedColumn<Types.RowIn<S, N>>,
    direction: Direction = 'asc',
    options: OrderOptions = {},
  ): Query<S, N, R> {
    const found = this.#plan.table.columns.get(column)
    if (found === undefined) throw this.#refuse('orderBy()', noColumn(this.#plan.table, column))
    if (found.holds === 'set' || found.holds === 'json')
      throw this.#refuse('orderBy()', `column "${column}" holds values without an order. Order by another column.`)
    if (direction !== 'asc' && direction !== 'desc')
      throw this.#refuse('orderBy()', `${show(direction)} is no direction. Give 'asc' or 'desc'.`)
    checkOptions({ table: this.#plan.table, call: 'orderBy()' }, options, ['nulls'])
    const nulls = options.nulls ?? defaultNulls(direction)
    if (nulls !== 'first' && nulls !== 'last')
      throw this.#refuse('orderBy()', `nulls: ${show(nulls)}: give 'first' or 'last'.`)
    const order = () => [...this.#plan.order, { column: found, direction, nulls }]
    return this.#step(`order ${found.name} ${direction} ${nulls}`, () => ({ order: order() }))
  }

  /** At most so many rows. Without an order they come by id. */
  limit(count: number): Query<S, N, R> {
    const limit = this.#count('limit()', count)
    return this.#step(`limit ${limit}`, () => ({ limit }))
  }

  /** Passes over the first rows. */
  offset(count: number): Query<S, N, R> {
    const offset = this.#count('offset()', count)
    return this.#step(`offset ${offset}`, () => ({ offset }))
  }

  /**
   * Begins after the row that a cursor was made of, which need not be there any more. Set conditions and order first.
   *
   * @throws {@link MerrowError} `invalid_argument` for what is no cursor of this query.
   */
  after(cursor: string): Query<S, N, R> {
    return this.#with({ after: readCursor(this.#plan, cursor) })
  }

  /** The place of a row in this query, as text for {@link after}: of the last row of a page, say. It is made of the row's values in the order's columns. */
  cursor(row: Types.RowIn<S, N>): string {
    return cursorOf(this.#plan, row as never)
  }

  /**
   * Shows each row with rows that it is related to: `project` for a column `projectId` (that row, or undefined), `tasks` on projects
   * for a table `tasks` with one column that refers to projects (a frozen array, by id unless ordered).
   *
   * @example db.tasks.where({}).include({ project: true })
   * @example db.projects.where({}).include({ tasks: (tasks) => tasks.where({ done: false }).orderBy('priority').limit(3) })
   */
  include<const I extends IncludeSpec<S, N>>(spec: I): Query<S, N, R & Included<S, N, I>>
  /** The same under another name, by a column that refers to the other table. */
  include<const A extends string, K extends Types.RefColumn<S, N>, R2 = Types.RowIn<S, Types.TargetTable<S, N, K>>>(
    name: A,
    by: {
      readonly by: K
      readonly query?: (query: Query<S, Types.TargetTable<S, N, K>>) => Query<S, Types.TargetTable<S, N, K>, R2>
    },
  ): Query<S, N, R & { readonly [X in A]: R2 | undefined }>
  /** The same for rows of another table that refer to this one: by the named column, or `through` a table that refers to both. */
  include<const A extends string, M extends Types.TableName<S>, R2 = Types.RowIn<S, M>>(
    name: A,
    from: {
      readonly from: M
      readonly by?: Types.RefsTo<S, M, N>
      readonly through?: Types.TableName<S>
      readonly query?: (query: Query<S, M>) => Query<S, M, R2>
    },
  ): Query<S, N, R & { readonly [X in A]: readonly R2[] }>
  include(spec: string | object, options: NamedRelation & { readonly query?: unknown } = {}): Query<S, N, never> {
    if (typeof spec === 'string') {
      const { table } = this.#plan
      checkOptions({ table, call: 'include()' }, options, ['by', 'from', 'through', 'query'])
      return this.#including(
        spec,
        namedRelation(this.#context.catalog, this.#plan.table, spec, options),
        options.query,
      ) as never
    }
    let query: Query<S, N, never> = this as never
    for (const [name, refine] of Object.entries(spec)) {
      const relation = impliedRelation(this.#context.catalog, this.#plan.table, name)
      query = query.#including(name, relation, refine === true ? undefined : refine)
    }
    return query
  }

  /**
   * Shows rows as a choice of columns and computed ones; `id` always comes. Give the same functions each time (not new ones each time the
   * query is made), so that equal queries are known to be equal.
   *
   * @example db.tasks.where({}).select({ title: true, isLate: (task) => (task.dueAt?.getTime() ?? Infinity) < now })
   */
  select<const F extends Types.SelectSpec<R>>(
    fields: F & Types.CheckedSelect<R, F>,
  ): Query<S, N, Types.Selected<R, F>> {
    const { table, includes } = this.#plan
    for (const [name, compute] of Object.entries(fields)) {
      const isKnown = table.columns.has(name) || includes.some((include) => include.name === name)
      if (compute === true && !isKnown) throw this.#refuse('select()', noColumn(this.#plan.table, name))
      if (compute !== true && typeof compute !== 'function')
        throw this.#refuse('select()', `${name}: ${show(compute)}: give true, or a function of the row.`)
    }
    return this.#with({ select: Object.entries(fields) as unknown as Select }) as never
  }

  /** Soft-deleted rows, too. */
  withDeleted(): Query<S, N, R> {
    return this.#with({ deleted: 'with' })
  }

  /** Soft-deleted rows alone. */
  onlyDeleted(): Query<S, N, R> {
    return this.#with({ deleted: 'only' })
  }

  /**
   * One row for each combination of values that the rows have in these columns, with figures over its rows.
   *
   * @example db.tasks.groupBy(['projectId'], { tasks: { count: true }, worst: { max: 'priority' } }).having({ tasks: { gt: 2 } })
   */
  groupBy<
    const K extends Types.OrderedColumn<Types.RowIn<S, N>>,
    const A extends Readonly<Record<string, Types.Aggregate<Types.RowIn<S, N>>>>,
  >(columns: readonly K[], figures: A = {} as A): GroupQuery<Types.GroupRow<Types.RowIn<S, N>, K, A>> {
    return GroupQuery.over(this.#context, this.#ungrouped('groupBy()'), columns, figures) as never
  }

  /** Figures over all rows, as one row. */
  aggregate<const A extends Readonly<Record<string, Types.Aggregate<Types.RowIn<S, N>>>>>(
    figures: A,
  ): GroupQuery<Types.GroupRow<Types.RowIn<S, N>, never, A>> {
    return GroupQuery.over(this.#context, this.#ungrouped('aggregate()'), [], figures) as never
  }

  /** The combinations of values that rows have in these columns, each once. */
  distinct<const K extends Types.OrderedColumn<Types.RowIn<S, N>>>(
    ...columns: readonly K[]
  ): GroupQuery<Types.GroupRow<Types.RowIn<S, N>, K, Record<never, never>>> {
    return this.groupBy(columns, {}) as never
  }

  /** The rows, in an array of the caller's own; in no particular order if none was asked for. */
  all(): R[] {
    const compiled = this.#compile()
    const rows = this.#isAsked ? evaluateAgain(compiled) : evaluate(compiled)
    this.#isAsked = true
    if (isPlain(this.#plan)) return rows as unknown as R[]
    const shape = compileShape(compiled, this.#context.engine)
    return rows.map((row) => shape(row)) as R[]
  }

  /** The first of the rows; undefined if there is none. */
  first(): R | undefined {
    const compiled = this.#compile()
    const [row] = evaluate(compiled, 1)
    return row && (compileShape(compiled, this.#context.engine)(row) as R)
  }

  /** How many rows there are. */
  count(): number {
    return count(this.#compile())
  }

  /** The sum of a column over the rows; 0 if there is none. */
  sum(column: Types.NumberColumn<Types.RowIn<S, N>>): number {
    return this.#figure({ sum: column }) as number
  }

  /** The mean of a column over the rows that have a value; undefined if there is none. */
  avg(column: Types.NumberColumn<Types.RowIn<S, N>>): number | undefined {
    return this.#figure({ avg: column }) as number | undefined
  }

  /** The least value of a column; undefined if there is none. */
  min<const K extends Types.OrderedColumn<Types.RowIn<S, N>>>(
    column: K,
  ): NonNullable<Types.RowIn<S, N>[K]> | undefined {
    return this.#figure({ min: column }) as never
  }

  /** The greatest value of a column; undefined if there is none. */
  max<const K extends Types.OrderedColumn<Types.RowIn<S, N>>>(
    column: K,
  ): NonNullable<Types.RowIn<S, N>[K]> | undefined {
    return this.#figure({ max: column }) as never
  }

  /** How the rows are found: by which index, and how many are looked at. */
  explain(): Explanation {
    return explain(this.#compile())
  }

  /**
   * Calls `listener` at once with the current rows (all of them `added`), then once after each transaction that changes them. Equal
   * queries are followed once, however many listen.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: Listener<R>): () => void {
    return this.#context.engine.follow(this.#compile(), listener as Listener<unknown>)
  }

  #figure(figure: object): unknown {
    const [row] = GroupQuery.over(this.#context, this.#ungrouped('a figure'), [], { figure }).all()
    return (row as { readonly figure?: unknown } | undefined)?.figure
  }

  #compile(): CompiledPlan {
    this.#compiled ??= compilePlan(this.#plan, this.#context.engine)
    return this.#compiled
  }

  #with(change: Partial<Plan>): Query<S, N, R> {
    return new Query<S, N, R>(this.#context, { ...this.#plan, ...change })
  }

  /** As {@link #with}, by a step that a few words say. */
  #step(step: string, change: () => Partial<Plan>): Query<S, N, R> {
    const made = this.#made
    const make = () => new Query<S, N, R>(this.#context, { ...this.#plan, ...change() }, made)
    return made === undefined ? make() : made.find<Query<S, N, R>>(this, step, make)
  }

  #ungrouped(call: string): Plan {
    const { limit, offset, after } = this.#plan
    if (limit !== undefined || offset > 0 || after !== undefined)
      throw this.#refuse(
        call,
        'it is over all rows of the query. Leave limit(), offset() and after() out, or give them after it.',
      )
    return this.#plan
  }

  #including(name: string, relation: Relation, refine: unknown): Query<S, N, never> {
    const { table, includes } = this.#plan
    if (table.columns.has(name) || includes.some((include) => include.name === name))
      throw this.#refuse('include()', `"${name}" is taken. Give another name: include('name', { by: 'column' }).`)
    if (refine !== undefined && typeof refine !== 'function')
      throw this.#refuse('include()', `${name}: ${show(refine)}: give true, or a function that refines the query.`)
    const target = new Query(this.#context, planOf(this.#context.catalog.get(relation.table) as TableInfo))
    const refined: unknown = refine === undefined ? target : refine(target)
    if (!(refined instanceof Query) || refined.#plan.table.name !== relation.table)
      throw this.#refuse('include()', `${name}: the function must return the query that it was given, refined.`)
    return this.#with({ includes: [...includes, { name, relation, plan: refined.#plan }] }) as never
  }

  #count(call: string, count: number): number {
    if (Number.isInteger(count) && count >= 0) return count
    throw this.#refuse(call, `${show(count)} is no number of rows. Give 0 or a positive integer.`)
  }

  #refuse(call: string, reason: string) {
    return refuseQuery({ table: this.#plan.table, call }, reason)
  }
}

/** What `include` takes: names of relations, each with `true` or a function that refines which rows come and what they show. */
export type IncludeSpec<S extends Schema, N> = {
  readonly [K in Types.RelationName<S, N>]?:
    | true
    // biome-ignore lint/suspicious/noExplicitAny: whatever the refined query shows.
    | ((query: Query<S, Types.RelatedTable<S, N, K> & string>) => Query<S, Types.RelatedTable<S, N, K> & string, any>)
}

type Refined<S extends Schema, M, Spec> = Spec extends (query: never) => Query<infer _S, infer _N, infer R>
  ? R
  : Types.RowIn<S, M>

/** Columns that an include adds. */
export type Included<S extends Schema, N, I> = {
  readonly [K in keyof I]: K extends keyof Types.Ones<S, N>
    ? Refined<S, Types.Ones<S, N>[K], I[K]> | undefined
    : readonly Refined<S, Types.RelatedTable<S, N, K>, I[K]>[]
}

// Followed queries of one database: equal ones shared, touched by the changes that concern them, told once a transaction. Knows no CRDT.

import { MerrowError, show } from '../../errors.ts'
import { Listeners } from '../../listeners.ts'
import type { GroupPlan } from '../groups/group-plan.ts'
import { ANYTHING, type Condition } from '../plan/condition.ts'
import type { CompiledPlan } from '../plan/evaluate.ts'
import { keyOfPlan } from '../plan/plan.ts'
import type { Difference } from '../result/result.ts'
import type { TablesRows } from '../table-rows.ts'
import { dependenciesOf } from './dependencies.ts'
import { type Followed, followGroups, followRows } from './follow.ts'
import { Interests } from './interests.ts'
import type { LiveTable } from './live-table.ts'

/** What a followed query tells: all rows, and how they differ from the last time. */
export interface QueryChange<R> {
  /** All rows as they are when this is read, in order; the same array as last time if nothing has changed. Made when first read. */
  readonly rows: readonly R[]
  readonly added: readonly R[]
  /** Rows as they are now that were in the result before, in another place perhaps. */
  readonly changed: readonly R[]
  /** Rows as they last were in the result. */
  readonly removed: readonly R[]
  /** Whether more rows may be on their way from storage: an empty result is not known to be empty yet. */
  readonly isLoading: boolean
}

/** Told of a followed query. */
export type Listener<R> = (change: QueryChange<R>) => void

/** One computation, and all who listen to it. */
interface Following {
  readonly followed: Followed
  readonly tables: readonly LiveTable[]
  readonly listeners: Listeners<[change: QueryChange<unknown>]>
  readonly stop: () => void
}

/** Follows queries over the tables of one database. */
export class QueryEngine implements TablesRows {
  readonly #onError: (error: unknown) => void
  readonly #tables = new Map<string, LiveTable>()
  readonly #interests = new Interests<Following>()
  readonly #followings = new Map<string, Following>()
  readonly #openers = new Set<(table: string) => void>()
  #isRefreshing = false

  /** @param onError - Told of errors that listeners throw. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Adds a table. */
  join(table: LiveTable): void {
    this.#tables.set(table.info.name, table)
    this.#interests.join(table)
  }

  /** Calls `listener` with each table of a query that begins to be followed. @returns A function that ends it. */
  onOpened(listener: (table: string) => void): () => void {
    this.#openers.add(listener)
    return () => this.#openers.delete(listener)
  }

  /** A table that has joined. */
  of(table: string): LiveTable {
    const found = this.#tables.get(table)
    if (found === undefined) throw new Error(`There is no table ${show(table)} to query.`)
    return found
  }

  /** Follows a query of rows. @returns A function that ends it. */
  follow(compiled: CompiledPlan, listener: Listener<unknown>): () => void {
    return this.#listen(keyOfPlan(compiled.plan), compiled, () => followRows(compiled, this), listener)
  }

  /** Follows whatever else depends on a plan, and on any row of its table. @param key - The same for equal ones. @returns A function that ends it. */
  followAs(key: string, compiled: CompiledPlan, create: () => Followed, listener: Listener<unknown>): () => void {
    return this.#listen(key, compiled, create, listener, ANYTHING)
  }

  /** Follows a grouped query. @returns A function that ends it. */
  followGroups(plan: GroupPlan, listener: Listener<unknown>): () => void {
    return this.#listen(plan.key, plan.base, () => followGroups(plan), listener)
  }

  /** Says whether a table's rows are on their way, and tells those who follow it. */
  setLoading(table: string, isLoading: boolean): void {
    const live = this.of(table)
    if (live.isLoading === isLoading) return
    live.isLoading = isLoading
    for (const following of [...this.#followings.values()])
      if (following.tables.includes(live)) this.#tell(following, following.followed.refresh() ?? NO_DIFFERENCE)
  }

  /** Looks again at all that has changed, and tells listeners. */
  refresh(): void {
    if (this.#isRefreshing || this.#followings.size === 0) return
    this.#isRefreshing = true
    try {
      for (let touched = this.#interests.touch(); touched.size > 0; touched = this.#interests.touch()) {
        const told: (readonly [Following, Difference])[] = []
        for (const following of touched) {
          const difference = following.followed.refresh()
          if (difference !== undefined) told.push([following, difference])
        }
        for (const [following, difference] of told) this.#tell(following, difference)
      }
    } finally {
      this.#isRefreshing = false
    }
  }

  #listen(
    key: string,
    compiled: CompiledPlan,
    create: () => Followed,
    listener: Listener<unknown>,
    concern = compiled.plan.condition,
  ): () => void {
    if (typeof listener !== 'function')
      throw new MerrowError(
        'invalid_argument',
        `subscribe() on table "${compiled.plan.table.name}": ${show(listener)} is no function. Give one that takes the change: subscribe(({ rows }) => ...).`,
        { table: compiled.plan.table.name },
      )
    let following = this.#followings.get(key)
    if (following === undefined) {
      following = this.#start(key, compiled, create, concern)
      this.#followings.set(key, following)
    }
    const { listeners, followed, stop } = following
    const leave = listeners.add(listener)
    const { rows } = followed
    const end = (): void => {
      if (leave() && listeners.size === 0) stop()
    }
    try {
      listener(changeOf(following, { added: rows as never, changed: [], removed: [] }))
    } catch (error) {
      end()
      throw error
    }
    return end
  }

  #start(key: string, compiled: CompiledPlan, create: () => Followed, concern: Condition): Following {
    const { name } = compiled.plan.table
    const dependencies = dependenciesOf(compiled, this)
    const tables = [...new Set([name, ...dependencies.map(({ table }) => table)])].map((table) => this.of(table))
    for (const table of tables) {
      table.followers += 1
      table.mirror.activate()
    }
    const following: Following = {
      followed: create(),
      tables,
      listeners: new Listeners(this.#onError),
      stop: () => {
        this.#followings.delete(key)
        for (const table of tables) table.followers -= 1
        stop()
      },
    }
    const stop = this.#interests.add(following, name, concern, dependencies)
    for (const opener of this.#openers) for (const table of tables) opener(table.info.name)
    return following
  }

  #tell(following: Following, difference: Difference): void {
    following.listeners.tell(changeOf(following, difference))
  }
}

const NO_DIFFERENCE: Difference = { added: [], changed: [], removed: [] }

const changeOf = ({ followed, tables }: Following, { added, changed, removed }: Difference): QueryChange<unknown> => ({
  get rows() {
    return followed.rows
  },
  added,
  changed,
  removed,
  isLoading: tables.some(({ isLoading }) => isLoading),
})

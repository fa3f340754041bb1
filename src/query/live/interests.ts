// Whom a change concerns: followed queries, filed by what they need of their own rows, and by the ways on which others touch these.
import type { Condition } from '../plan/condition.ts'
import type { Dependency, RowChange } from './dependencies.ts'
import { Dispatcher } from './dispatcher.ts'
import type { LiveTable } from './live-table.ts'

/** Somebody who looks again at rows. */
export interface Interested {
  /** May be told the same change twice. */
  touch(change: RowChange): void
  touchAll(): void
}

interface Path<T> {
  readonly dependency: Dependency
  /** The table whose rows are touched. */
  readonly table: string
  readonly users: Set<T>
}

/** All who follow queries over the tables of one database. */
export class Interests<T extends { readonly followed: Interested }> {
  readonly #tables = new Map<string, LiveTable>()
  readonly #dispatchers = new Map<string, Dispatcher<T>>()
  /** By the table that changes, then by what the way is. */
  readonly #paths = new Map<string, Map<string, Path<T>>>()

  /** Adds a table. */
  join(table: LiveTable): void {
    this.#tables.set(table.info.name, table)
    this.#dispatchers.set(table.info.name, new Dispatcher(table.info))
  }

  /** Files somebody under the rows of a table that a condition can hold of, and what these depend on. @returns A function that ends it. */
  add(one: T, table: string, condition: Condition, dependencies: readonly Dependency[]): () => void {
    const stops = dependencies.map((dependency) => this.#addPath(one, table, dependency))
    stops.push(this.#dispatcher(table).add(one, condition))
    return () => {
      for (const stop of stops) stop()
    }
  }

  /** Touches the rows that the latest changes concern. @returns Those of whom some were. */
  touch(): Set<T> {
    const touched = new Set<T>()
    for (const [name, table] of this.#tables) {
      if (table.followers === 0) continue
      for (const change of table.takeChanges()) {
        const { was, is } = change
        const touch = (one: T): void => {
          one.followed.touch(change)
          touched.add(one)
        }
        const dispatcher = this.#dispatcher(name)
        if (was !== undefined) dispatcher.find(was, touch)
        if (is !== undefined) dispatcher.find(is, touch)
        for (const path of this.#paths.get(name)?.values() ?? []) this.#touchAlong(path, change, touched)
      }
    }
    return touched
  }

  #touchAlong({ dependency, table, users }: Path<T>, change: RowChange, touched: Set<T>): void {
    const rows = dependency.touched(change)
    if (rows === undefined) {
      for (const one of users) {
        one.followed.touchAll()
        touched.add(one)
      }
      return
    }
    const dispatcher = this.#dispatcher(table)
    for (const row of rows)
      dispatcher.find(row, (one) => {
        if (!users.has(one)) return
        one.followed.touch({ id: row.id, was: row, is: row, at: 0 })
        touched.add(one)
      })
  }

  #addPath(one: T, table: string, dependency: Dependency): () => void {
    const paths = this.#paths.get(dependency.table) ?? new Map<string, Path<T>>()
    const path = paths.get(dependency.key) ?? { dependency, table, users: new Set<T>() }
    const { users } = path
    this.#paths.set(dependency.table, paths.set(dependency.key, path))
    users.add(one)
    return () => {
      users.delete(one)
      if (users.size === 0) paths.delete(dependency.key)
    }
  }

  #dispatcher(table: string): Dispatcher<T> {
    return this.#dispatchers.get(table) as Dispatcher<T>
  }
}

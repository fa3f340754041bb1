// Subscriptions over several tables: what one flush changed in all of them, told once. Knows no views and no unions.
import { Listeners } from '../listeners.ts'
import type { Table } from '../query/index.ts'
import type { Columns } from '../schema/index.ts'

/** What one transaction did to a view or a union. */
export interface ViewChange<R> {
  readonly added: readonly R[]
  /** Rows as they are now that were there before. */
  readonly changed: readonly R[]
  /** Rows as they last were that are gone. */
  readonly removed: readonly R[]
}

/** What is watched: rows made of the rows of several tables. */
export interface Watched<R> {
  readonly tables: readonly Table<Columns>[]
  /** Names, among all rows, the one that a table's row `id` is part of. */
  key(table: string, id: string): string
  /** That row as it is now; the same object while it does not change. */
  read(table: string, id: string): R | undefined
  /** All rows, by key. */
  rows(): Iterable<readonly [key: string, row: R]>
  /** Told of errors that listeners throw. */
  readonly onError: (error: unknown) => void
}

/** Tells listeners once, after all tables of a flush have told of theirs. Holds subscriptions and rows only while somebody listens. */
export class Watch<R> {
  readonly #watched: Watched<R>
  readonly #listeners: Listeners<[change: ViewChange<R>]>
  readonly #told = new Map<string, R>()
  #pending = new Map<string, readonly [table: string, id: string]>()
  #stops: readonly (() => void)[] = []

  constructor(watched: Watched<R>) {
    this.#watched = watched
    this.#listeners = new Listeners(watched.onError)
  }

  /** The row as listeners last heard of it; undefined if nobody listens. */
  lastTold(key: string): R | undefined {
    return this.#told.get(key)
  }

  /** Calls `listener` after each transaction that changes rows. @returns A function that ends it. */
  subscribe(listener: (change: ViewChange<R>) => void): () => void {
    if (this.#listeners.size === 0) this.#start()
    const end = this.#listeners.add(listener)
    return () => {
      if (end() && this.#listeners.size === 0) this.#stop()
    }
  }

  #start(): void {
    for (const [key, row] of this.#watched.rows()) this.#told.set(key, row)
    this.#stops = this.#watched.tables.map((table) =>
      table.subscribe(({ added, changed, removed }) => {
        for (const rows of [added, changed, removed]) for (const { id } of rows) this.#note(table.name, id)
      }),
    )
  }

  #stop(): void {
    for (const stop of this.#stops) stop()
    this.#stops = []
    this.#pending.clear()
    this.#told.clear()
  }

  /** The tables of one flush tell one after another, with no microtask between: the next one comes after the last of them. */
  #note(table: string, id: string): void {
    if (this.#pending.size === 0) queueMicrotask(() => this.#tell())
    this.#pending.set(this.#watched.key(table, id), [table, id])
  }

  #tell(): void {
    const change = this.#takeChange()
    if (change !== undefined) this.#listeners.tell(change)
  }

  #takeChange(): ViewChange<R> | undefined {
    const pending = this.#pending
    this.#pending = new Map()
    const [added, changed, removed]: [R[], R[], R[]] = [[], [], []]
    for (const [key, [table, id]] of pending) {
      const before = this.#told.get(key)
      const after = this.#watched.read(table, id)
      if (before === after) continue
      if (after === undefined) this.#told.delete(key)
      else this.#told.set(key, after)
      if (after === undefined) removed.push(before as R)
      else if (before === undefined) added.push(after)
      else changed.push(after)
    }
    return added.length + changed.length + removed.length === 0 ? undefined : { added, changed, removed }
  }
}

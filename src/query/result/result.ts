// The result of a followed query: which rows are in it, in what order, shown as what, and what has changed since it was last told.
import type { AnyRow } from '../plan/catalog.ts'
import type { Match } from '../plan/match.ts'
import type { Compare } from '../plan/order.ts'
import { keepEqual, type Shaped } from '../plan/shape.ts'
import { RowList } from './row-list.ts'
import { Window } from './window.ts'

/** How a result differs from what was told last. */
export interface Difference {
  readonly added: readonly Shaped[]
  readonly changed: readonly Shaped[]
  readonly removed: readonly Shaped[]
}

/** What makes a result. */
export interface ResultOptions {
  readonly matches: Match
  /** The order; undefined if none was asked for. */
  readonly compare: Compare | undefined
  readonly offset: number
  /** Infinity for none. */
  readonly limit: number
  /** What a row is shown as; undefined if as it is. */
  readonly shape: ((row: AnyRow) => Shaped) | undefined
}

/** Rows that match, kept in order and cut to a window as they change one by one. */
export class Result {
  readonly #options: ResultOptions
  readonly #matching: Map<string, AnyRow>
  /** Rows in the window; the same map if there is none. */
  readonly #visible: Map<string, AnyRow>
  readonly #window: Window | undefined
  /** What rows in the window were last told as, if that is not the rows themselves. */
  readonly #shown = new Map<string, Shaped>()
  /** Rows that may differ from what was told, as they were told. */
  readonly #noted = new Map<string, { readonly row: AnyRow | undefined; readonly shown: Shaped | undefined }>()
  readonly #list: RowList

  /** @param rows - All rows to begin with that match. */
  constructor(options: ResultOptions, rows: readonly AnyRow[]) {
    const { compare, offset, limit, shape } = options
    this.#options = options
    const sorted = compare === undefined ? rows : [...rows].sort(compare)
    this.#matching = new Map(sorted.map((row) => [row.id, row]))
    const isBounded = offset > 0 || Number.isFinite(limit)
    const visible = isBounded ? sorted.slice(offset, offset + limit) : sorted
    this.#visible = isBounded ? new Map(visible.map((row) => [row.id, row])) : this.#matching
    if (compare !== undefined)
      this.#window = new Window({
        ...{ compare, offset, limit, sorted },
        onEnter: (row) => this.#enter(row),
        onLeave: (row) => this.#leave(row),
      })
    if (shape !== undefined) for (const row of visible) this.#shown.set(row.id, shape(row))
    const list = (): readonly AnyRow[] => this.#window?.toArray() ?? [...this.#visible.values()]
    this.#list = new RowList(compare, list, shape && (({ id }) => this.#shown.get(id) as Shaped))
  }

  /** All rows as they are shown, in order: the same array until one of them changes. */
  get rows(): readonly Shaped[] {
    return this.#list.read()
  }

  /** Takes in a row as it is now, or that it is gone. */
  put(id: string, row: AnyRow | undefined): void {
    const { matches, compare } = this.#options
    const is = row !== undefined && matches(row) ? row : undefined
    const was = this.#matching.get(id)
    if (was === is) {
      if (is !== undefined && this.#options.shape !== undefined && this.#visible.has(id)) this.#note(id)
      return
    }
    if (this.#visible === this.#matching) this.#note(id)
    if (is === undefined) this.#matching.delete(id)
    else this.#matching.set(id, is)
    if (compare === undefined || this.#window === undefined) return
    if (was !== undefined && is !== undefined && compare(was, is) === 0) return this.#window.replace(was, is)
    if (was !== undefined) this.#window.delete(was)
    if (is !== undefined) this.#window.add(is)
  }

  /** What has changed since this was last asked; undefined if nothing has. */
  takeDifference(): Difference | undefined {
    const added: Shaped[] = []
    const changed: Shaped[] = []
    const removed: Shaped[] = []
    let hasMoved = false
    for (const [id, { row, shown: was }] of this.#noted) {
      const now = this.#visible.get(id)
      const is = this.#show(id, now, was)
      if (row !== now || was !== is) this.#list.note(row, now, is)
      if (was === is) hasMoved ||= this.#isMoved(row, now)
      else if (is === undefined) removed.push(was as Shaped)
      else if (was === undefined) added.push(is)
      else changed.push(is)
    }
    this.#noted.clear()
    if (!hasMoved && added.length + changed.length + removed.length === 0) return undefined
    return { added, changed, removed }
  }

  /** Whether a row that shows the same stands elsewhere, by columns that are not shown. */
  #isMoved(was: AnyRow | undefined, is: AnyRow | undefined): boolean {
    const { compare } = this.#options
    return compare !== undefined && was !== undefined && is !== undefined && was !== is && compare(was, is) !== 0
  }

  #enter(row: AnyRow): void {
    this.#note(row.id)
    if (this.#visible !== this.#matching) this.#visible.set(row.id, row)
  }

  #leave(row: AnyRow): void {
    this.#note(row.id)
    if (this.#visible !== this.#matching) this.#visible.delete(row.id)
  }

  /** Remembers what a row was told as, before it changes. */
  #note(id: string): void {
    if (this.#noted.has(id)) return
    const row = this.#visible.get(id)
    this.#noted.set(id, { row, shown: this.#options.shape === undefined ? row : this.#shown.get(id) })
  }

  #show(id: string, row: AnyRow | undefined, was: Shaped | undefined): Shaped | undefined {
    const { shape } = this.#options
    if (shape === undefined) return row
    if (row === undefined) {
      this.#shown.delete(id)
      return undefined
    }
    const is = keepEqual(was, shape(row))
    this.#shown.set(id, is)
    return is
  }
}

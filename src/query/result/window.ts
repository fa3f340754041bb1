// A window on sorted rows: those from `offset` on, `limit` of them. Knows rows by their order alone.
import { SortedSet } from '../lookup/sorted-set.ts'
import type { AnyRow } from '../plan/catalog.ts'
import type { Compare } from '../plan/order.ts'

/** What a window is. */
export interface WindowOptions {
  readonly compare: Compare
  readonly offset: number
  /** Infinity for none. */
  readonly limit: number
  /** All rows to begin with, in order. */
  readonly sorted: readonly AnyRow[]
  /** Told of each row that is in the window now, or no longer; one may come and go within one call. */
  readonly onEnter: (row: AnyRow) => void
  readonly onLeave: (row: AnyRow) => void
}

/** Rows before, in, and after the window, each part sorted: a change moves at most one row over each border. */
export class Window {
  readonly #options: WindowOptions
  readonly #head: SortedSet<AnyRow>
  readonly #body: SortedSet<AnyRow>
  readonly #tail: SortedSet<AnyRow>

  constructor(options: WindowOptions) {
    const { compare, offset, limit, sorted } = options
    this.#options = options
    this.#head = new SortedSet(compare, sorted.slice(0, offset))
    this.#body = new SortedSet(compare, sorted.slice(offset, offset + limit))
    this.#tail = new SortedSet(compare, sorted.slice(offset + limit))
  }

  /** The rows in the window, in order. */
  toArray(): AnyRow[] {
    return this.#body.toArray()
  }

  /** Takes in a row. */
  add(row: AnyRow): void {
    const { compare, offset, limit, onEnter, onLeave } = this.#options
    let rest = row
    if (offset > 0 && isBelow(rest, this.#head, offset, compare)) {
      this.#head.add(rest)
      if (this.#head.size <= offset) return
      rest = take(this.#head, this.#head.last())
    }
    if (isBelow(rest, this.#body, limit, compare)) {
      this.#body.add(rest)
      onEnter(rest)
      if (this.#body.size <= limit) return
      rest = take(this.#body, this.#body.last())
      onLeave(rest)
    }
    this.#tail.add(rest)
  }

  /** Lets go of a row. */
  delete(row: AnyRow): void {
    const { onEnter, onLeave } = this.#options
    if (this.#head.delete(row)) {
      if (this.#body.size === 0) return
      const first = take(this.#body, this.#body.first())
      onLeave(first)
      this.#head.add(first)
    } else if (this.#body.delete(row)) onLeave(row)
    else {
      this.#tail.delete(row)
      return
    }
    if (this.#tail.size === 0) return
    const next = take(this.#tail, this.#tail.first())
    this.#body.add(next)
    onEnter(next)
  }

  /** Puts a row in the place of one that stands where it does. */
  replace(was: AnyRow, is: AnyRow): void {
    if (this.#head.size > 0 && this.#head.has(was)) this.#head.add(is)
    else if (this.#tail.size > 0 && !this.#body.has(was)) this.#tail.add(is)
    else {
      this.#body.add(is)
      this.#options.onEnter(is)
    }
  }
}

/** Whether a row belongs into a part that has room for so many, all of which stand below what follows it. */
const isBelow = (row: AnyRow, rows: SortedSet<AnyRow>, room: number, compare: Compare): boolean => {
  if (rows.size < room) return true
  const last = rows.last()
  return last !== undefined && compare(row, last) < 0
}

const take = (rows: SortedSet<AnyRow>, row: AnyRow | undefined): AnyRow => {
  rows.delete(row as AnyRow)
  return row as AnyRow
}

// A window on sorted items: those from `offset` on, `limit` of them. Knows them by their order alone.
import { SortedSet } from '../lookup/sorted-set.ts'

/** What a window is. */
export interface WindowOptions<T> {
  /** Tells any two items apart. An item may change as long as that changes no order. */
  readonly compare: (a: T, b: T) => number
  readonly offset: number
  /** Infinity for none. */
  readonly limit: number
  /** All items to begin with, in order. */
  readonly sorted: readonly T[]
  /** Told of each item that is in the window now, or no longer; one may come and go within one call. */
  readonly onEnter: (item: T) => void
  readonly onLeave: (item: T) => void
}

/** Items before, in, and after the window, each part sorted: a change moves at most one item over each border. */
export class Window<T> {
  readonly #options: WindowOptions<T>
  readonly #head: SortedSet<T>
  readonly #body: SortedSet<T>
  readonly #tail: SortedSet<T>

  constructor(options: WindowOptions<T>) {
    const { compare, offset, limit, sorted } = options
    this.#options = options
    this.#head = new SortedSet(compare, sorted.slice(0, offset))
    this.#body = new SortedSet(compare, sorted.slice(offset, offset + limit))
    this.#tail = new SortedSet(compare, sorted.slice(offset + limit))
  }

  /** The items in the window, in order. */
  toArray(): T[] {
    return this.#body.toArray()
  }

  /** Takes in an item. */
  add(item: T): void {
    const { compare, offset, limit, onEnter, onLeave } = this.#options
    let rest = item
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

  /** Lets go of an item. */
  delete(item: T): void {
    const { onEnter, onLeave } = this.#options
    if (this.#head.delete(item)) {
      if (this.#body.size === 0) return
      const first = take(this.#body, this.#body.first())
      onLeave(first)
      this.#head.add(first)
    } else if (this.#body.delete(item)) onLeave(item)
    else {
      this.#tail.delete(item)
      return
    }
    if (this.#tail.size === 0) return
    const next = take(this.#tail, this.#tail.first())
    this.#body.add(next)
    onEnter(next)
  }
}

/** Whether an item belongs into a part that has room for so many, all of which stand below what follows it. */
const isBelow = <T>(item: T, items: SortedSet<T>, room: number, compare: (a: T, b: T) => number): boolean => {
  if (items.size < room) return true
  const last = items.last()
  return last !== undefined && compare(item, last) < 0
}

const take = <T>(items: SortedSet<T>, item: T | undefined): T => {
  items.delete(item as T)
  return item as T
}

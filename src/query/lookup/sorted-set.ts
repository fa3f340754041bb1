// A sorted set, under the names that are needed here. Knows no columns.
import { createTree, type Tree } from './tree.ts'

/** Items in an order that tells any two apart. Adding and removing take time logarithmic in their number. */
export class SortedSet<T> {
  readonly #tree: Tree<T, undefined>

  /** @param sorted - What it holds at first, in order. */
  constructor(compare: (a: T, b: T) => number, sorted: T[] = []) {
    this.#tree = createTree(compare, sorted, new Array<undefined>(sorted.length).fill(undefined))
  }

  get size(): number {
    return this.#tree.size
  }

  /** Adds an item, in place of one that the order does not tell from it. @returns Whether there was none. */
  add(item: T): boolean {
    return this.#tree.set(item, undefined)
  }

  /** Removes an item. @returns Whether it was there. */
  delete(item: T): boolean {
    return this.#tree.delete(item)
  }

  has(item: T): boolean {
    return this.#tree.has(item)
  }

  first(): T | undefined {
    return this.#tree.minKey()
  }

  last(): T | undefined {
    return this.#tree.maxKey()
  }

  toArray(): T[] {
    return this.#tree.keysArray()
  }
}

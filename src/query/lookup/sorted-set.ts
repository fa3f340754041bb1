// A sorted set of rows: a B+ tree from npm, under the names that are needed here. Knows no columns.
import btree from 'sorted-btree'
import bulk from 'sorted-btree/extended/bulkLoad.js'

type Tree<T> = btree.default<T, undefined>
type Compare<T> = (a: T, b: T) => number

/** A CommonJS package stands behind one `default` in Node, and behind none or two elsewhere. */
const unwrap = <T>(module: unknown, name: string): T => {
  const found = (module as Record<string, unknown>)[name] ?? module
  return (typeof found === 'function' ? found : unwrap(found, name)) as T
}
const BTree = unwrap<typeof btree.default>(btree, 'default')
const bulkLoad = unwrap<typeof bulk.bulkLoad>(bulk, 'bulkLoad')

const NODE_SIZE = 32
const ENOUGH = { break: true }

/** Items in an order that tells any two apart. Adding and removing take time logarithmic in their number. */
export class SortedSet<T> {
  readonly #tree: Tree<T>
  readonly #compare: Compare<T>

  /** @param sorted - What it holds at first, in order. */
  constructor(compare: Compare<T>, sorted: T[] = []) {
    this.#compare = compare
    const values = new Array<undefined>(sorted.length).fill(undefined)
    this.#tree =
      sorted.length === 0
        ? new BTree<T, undefined>(undefined, compare, NODE_SIZE)
        : bulkLoad(sorted, values, NODE_SIZE, compare)
  }

  get size(): number {
    return this.#tree.size
  }

  /** Adds an item, in place of one that the order does not tell from it. */
  add(item: T): void {
    this.#tree.set(item, undefined)
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

  /** The items from one on, in order. */
  from(start?: T): IterableIterator<T> {
    return this.#tree.keys(start)
  }

  /** The items down from one, itself included, in reverse. */
  *downFrom(start?: T): Generator<T, void, undefined> {
    for (const [item] of this.#reversed(start)) yield item
  }

  /** The items from one to another, both included, at most so many. */
  between(low: T, high: T, most: number): T[] {
    const found: T[] = []
    if (most > 0) this.#tree.forRange(low, high, true, (item) => (found.push(item) < most ? undefined : ENOUGH))
    return found
  }

  /** The items down from one to another, both included, at most so many. */
  downBetween(high: T, low: T, most: number): T[] {
    if (!Number.isFinite(most)) return this.between(low, high, most).reverse()
    const found: T[] = []
    if (most <= 0) return found
    for (const [item] of this.#reversed(high)) {
      if (this.#compare(item, low) < 0 || found.push(item) >= most) break
    }
    return found
  }

  toArray(): T[] {
    return this.#tree.keysArray()
  }

  /** One array for all entries: making one for each takes more time than finding them. */
  #reversed(start: T | undefined): IterableIterator<[T, undefined]> {
    return this.#tree.entriesReversed(start, []) as IterableIterator<[T, undefined]>
  }
}

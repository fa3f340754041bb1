// An ordered index: rows sorted by some columns, then id. Knows no conditions, only bounds.
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { compareValues, HIGHEST, LOWEST } from '../plan/values.ts'
import type { Slot } from './slot.ts'
import { sortPlaces } from './sort.ts'
import { createTree, type Tree } from './tree.ts'

/** A place between rows: the values of the first columns, and which side of the rows that have them. */
export interface Bound {
  readonly values: readonly unknown[]
  readonly side: 'before' | 'after'
  /** The row itself, if all values are given. */
  readonly id?: string | undefined
}

/** Where a row stands. Its values are apart from the row: to fetch rows takes longer than to compare them. */
interface Key {
  /** The value of the first column. */
  readonly value: unknown
  /** Those of the others. */
  readonly others: readonly unknown[]
  readonly id: string
}

const NO_OTHERS: readonly unknown[] = []
const ENOUGH = { break: true }
/** Above every id, none of which is longer than 256 characters. */
const LAST_ID = '\uffff'.repeat(257)

/** Rows sorted by columns, ascending, missing values last, ties by id. */
export class OrderedIndex {
  readonly columns: readonly QueryColumn[]
  readonly #first: QueryColumn
  readonly #others: readonly QueryColumn[]
  #tree: Tree<Key, Slot> = createTree(compareKeys)

  constructor(columns: readonly QueryColumn[]) {
    const [first, ...others] = columns
    this.columns = columns
    this.#first = first as QueryColumn
    this.#others = others
  }

  /** Takes in all rows of a table. */
  build(slots: readonly Slot[]): void {
    const keys = slots.map(({ row }) => this.#keyOf(row))
    const places = sortPlaces(slots.length, [
      (at) => (keys[at] as Key).value,
      ...this.#others.map((_, column) => (at: number) => (keys[at] as Key).others[column]),
      (at) => (keys[at] as Key).id,
    ])
    this.#tree = createTree(compareKeys, pick(keys, places), pick(slots, places))
  }

  /** Takes in a row. */
  add(slot: Slot): void {
    this.#tree.set(this.#keyOf(slot.row), slot)
  }

  /** Takes in that a row became another. */
  change(slot: Slot, was: AnyRow): void {
    if (this.columns.every(({ read }) => read(was) === read(slot.row))) return
    this.delete(slot, was)
    this.add(slot)
  }

  /** Lets go of a row. @param row - As it is known. */
  delete(slot: Slot, row = slot.row): void {
    this.#tree.delete(this.#keyOf(row))
  }

  /** The rows between two bounds, in order or in reverse. @param most - No more than so many are wanted. */
  range(low: Bound, high: Bound, isReverse: boolean, most = Number.POSITIVE_INFINITY): AnyRow[] {
    if (most <= 0) return []
    if (!isReverse) return this.#between(low, high, most)
    if (!Number.isFinite(most)) return this.#between(low, high, most).reverse()
    const found: AnyRow[] = []
    const bottom = isOpen(low) ? undefined : probe(low, this.columns.length)
    for (const [key, { row }] of this.#reversed(high)) {
      if (bottom !== undefined && compareKeys(key, bottom) < 0) break
      if (found.push(row) >= most) break
    }
    return found
  }

  /** The rows between two bounds, in order or in reverse, one by one: nobody knows how many will be wanted. */
  *walk(low: Bound, high: Bound, isReverse: boolean): Generator<AnyRow, void, undefined> {
    const count = this.columns.length
    const end = probe(isReverse ? low : high, count)
    const entries = isReverse ? this.#reversed(high) : this.#tree.entries(probe(low, count))
    for (const [key, { row }] of entries) {
      if (isReverse ? compareKeys(key, end) < 0 : compareKeys(key, end) > 0) return
      yield row
    }
  }

  #between(low: Bound, high: Bound, most: number): AnyRow[] {
    const found: AnyRow[] = []
    const take = Number.isFinite(most)
      ? (_key: Key, { row }: Slot) => (found.push(row) < most ? undefined : ENOUGH)
      : (_key: Key, { row }: Slot) => void found.push(row)
    const count = this.columns.length
    this.#tree.forRange(probe(low, count), probe(high, count), true, take)
    return found
  }

  /** One array for all entries: making one for each takes more time than finding them. */
  #reversed(high: Bound): IterableIterator<[Key, Slot]> {
    const top = isOpen(high) ? undefined : probe(high, this.columns.length)
    return this.#tree.entriesReversed(top, []) as IterableIterator<[Key, Slot]>
  }

  #keyOf(row: AnyRow): Key {
    const others = this.#others.length === 0 ? NO_OTHERS : this.#others.map(({ read }) => read(row))
    return { value: this.#first.read(row), others, id: row.id }
  }
}

/** The items at some places, in their order. */
const pick = <T>(items: readonly T[], places: Uint32Array): T[] => {
  const picked = new Array<T>(places.length)
  for (let at = 0; at < places.length; at++) picked[at] = items[places[at] as number] as T
  return picked
}

/** Whether a bound is beyond all rows. */
const isOpen = ({ values }: Bound): boolean => values.length === 0

/** The key that stands where a bound is: no row has such an id. */
const probe = ({ values, side, id = side === 'before' ? '' : LAST_ID }: Bound, columns: number): Key => {
  const rest = side === 'before' ? LOWEST : HIGHEST
  const value = values.length > 0 ? values[0] : rest
  if (columns === 1) return { value, others: NO_OTHERS, id }
  return {
    value,
    others: Array.from({ length: columns - 1 }, (_, at) => (at + 1 < values.length ? values[at + 1] : rest)),
    id,
  }
}

const compareKeys = (a: Key, b: Key): number => {
  const order = compareValues(a.value, b.value)
  if (order !== 0) return order
  for (let at = 0; at < a.others.length; at++) {
    const order = compareValues(a.others[at], b.others[at])
    if (order !== 0) return order
  }
  return a.id === b.id ? 0 : a.id < b.id ? -1 : 1
}

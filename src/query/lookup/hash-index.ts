// A hash index: rows by the values of some columns. Knows no order.
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { keyOfValues } from '../plan/values.ts'
import { rowsIn, type Slot } from './slot.ts'

const NONE: ReadonlySet<Slot> = new Set()

/** Rows by the values of one column or several. */
export class HashIndex {
  readonly columns: readonly QueryColumn[]
  readonly #slots = new Map<unknown, Set<Slot>>()
  /** Those of more than one row. */
  readonly #shared = new Map<unknown, Set<Slot>>()
  readonly #keyOf: (row: AnyRow) => unknown

  constructor(columns: readonly QueryColumn[]) {
    this.columns = columns
    const [first] = columns as [QueryColumn]
    this.#keyOf = columns.length === 1 ? first.read : (row) => keyOfValues(columns.map(({ read }) => read(row)))
  }

  /** Where the rows with these values are, one a column. */
  get(values: readonly unknown[]): ReadonlySet<Slot> {
    return this.#slots.get(values.length === 1 ? values[0] : keyOfValues(values)) ?? NONE
  }

  /** The rows that have the same values as one. */
  like(row: AnyRow): readonly AnyRow[] {
    return rowsIn(this.#slots.get(this.#keyOf(row)) ?? NONE)
  }

  /** The rows that have the same values as others, those together. */
  shared(): readonly (readonly AnyRow[])[] {
    return Array.from(this.#shared.values(), rowsIn)
  }

  /** Takes in all rows of a table. */
  build(slots: readonly Slot[]): void {
    for (const slot of slots) this.add(slot)
  }

  /** Takes in a row. */
  add(slot: Slot): void {
    const key = this.#keyOf(slot.row)
    const slots = this.#slots.get(key)
    if (slots === undefined) this.#slots.set(key, new Set([slot]))
    else if (slots.add(slot).size === 2) this.#shared.set(key, slots)
  }

  /** Takes in that a row became another. */
  change(slot: Slot, was: AnyRow): void {
    if (this.#keyOf(was) === this.#keyOf(slot.row)) return
    this.delete(slot, was)
    this.add(slot)
  }

  /** Lets go of a row. @param row - As it is known. */
  delete(slot: Slot, row = slot.row): void {
    const key = this.#keyOf(row)
    const slots = this.#slots.get(key)
    if (!slots?.delete(slot)) return
    if (slots.size === 1) this.#shared.delete(key)
    if (slots.size === 0) this.#slots.delete(key)
  }
}

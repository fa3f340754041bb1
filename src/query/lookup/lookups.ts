// The indexes of one table, each built when first asked for and kept from then on. Knows rows and their changes; not how rows are stored.
import type { AnyRow, QueryColumn, TableInfo } from '../plan/catalog.ts'
import { HashIndex } from './hash-index.ts'
import { OrderedIndex } from './ordered-index.ts'
import type { Slot } from './slot.ts'

type Face = HashIndex | OrderedIndex

/** The indexes of one table. Rows that are soft-deleted are in none. */
export class Lookups {
  readonly #info: TableInfo
  readonly #rows: () => Iterable<AnyRow>
  /** By id; none before there is an index. */
  #slots: Map<string, Slot> | undefined
  readonly #hashes = new Map<string, HashIndex>()
  readonly #ordered = new Map<string, OrderedIndex>()

  /** @param rows - All rows, as the changes told from now on will build upon. */
  constructor(info: TableInfo, rows: () => Iterable<AnyRow>) {
    this.#info = info
    this.#rows = rows
  }

  /** Rows by the values of columns. */
  hash(columns: readonly string[]): HashIndex {
    return this.#find(this.#hashes, columns, (found) => new HashIndex(found))
  }

  /** Rows in the order of columns. */
  ordered(columns: readonly string[]): OrderedIndex {
    return this.#find(this.#ordered, columns, (found) => new OrderedIndex(found))
  }

  /** Takes in that a row became another, came, or went. */
  change(was: AnyRow | undefined, is: AnyRow | undefined): void {
    const [before, after] = [shown(was), shown(is)]
    if (before === after || this.#slots === undefined) return
    const known = before && this.#slots.get(before.id)
    if (known === undefined) {
      if (after !== undefined) this.#add(after, this.#slots)
    } else if (after === undefined) this.#remove(known, this.#slots)
    else {
      const former = known.row
      known.row = after
      for (const face of this.#hashes.values()) face.change(known, former)
      for (const face of this.#ordered.values()) face.change(known, former)
    }
  }

  #add(row: AnyRow, slots: Map<string, Slot>): void {
    const slot = { row }
    slots.set(row.id, slot)
    for (const face of this.#hashes.values()) face.add(slot)
    for (const face of this.#ordered.values()) face.add(slot)
  }

  #remove(slot: Slot, slots: Map<string, Slot>): void {
    slots.delete(slot.row.id)
    for (const face of this.#hashes.values()) face.delete(slot)
    for (const face of this.#ordered.values()) face.delete(slot)
  }

  #find<F extends Face>(
    faces: Map<string, F>,
    columns: readonly string[],
    create: (columns: readonly QueryColumn[]) => F,
  ): F {
    const name = columns.join(',')
    let face = faces.get(name)
    if (face === undefined) {
      face = create(columns.map((column) => this.#info.columns.get(column) as QueryColumn))
      this.#slots ??= slotsOf(this.#rows())
      face.build([...this.#slots.values()])
      faces.set(name, face)
    }
    return face
  }
}

const slotsOf = (rows: Iterable<AnyRow>): Map<string, Slot> => {
  const slots = new Map<string, Slot>()
  for (const row of rows) slots.set(row.id, { row })
  return slots
}

/** A row unless it is soft-deleted. */
export const shown = (row: AnyRow | undefined): AnyRow | undefined => (row?.deletedAt === undefined ? row : undefined)

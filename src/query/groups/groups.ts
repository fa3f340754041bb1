// Groups of rows and figures over them, kept as rows come and go. Knows columns; not which rows, nor who asks.
import { SortedSet } from '../lookup/sorted-set.ts'
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { isEqual, type Shaped } from '../plan/shape.ts'
import { compareValues, isMissing, keyOfValues, toComparable } from '../plan/values.ts'
import { ExactSum } from './exact-sum.ts'

/** One figure of a group. */
export interface Figure {
  readonly name: string
  readonly kind: 'count' | 'sum' | 'avg' | 'min' | 'max'
  /** What it is over; undefined for a count. */
  readonly column: QueryColumn | undefined
}

interface Group {
  readonly id: string
  readonly key: unknown
  readonly columns: Readonly<Record<string, unknown>>
  readonly figures: readonly Accumulator[]
  size: number
  row: Shaped | undefined
  /** Whether it has changed since that was last asked. */
  isChanged: boolean
}

interface Accumulator {
  add(value: unknown): void
  remove(value: unknown): void
  value(size: number): unknown
}

/** Rows grouped by columns; by none, all rows are one group, which is there even without any. */
export class Groups {
  readonly #columns: readonly QueryColumn[]
  readonly #figures: readonly Figure[]
  /** Columns that figures are over, and the places of these. */
  readonly #measured: readonly (readonly [at: number, read: QueryColumn['read']])[]
  readonly #keyOf: (row: AnyRow) => unknown
  readonly #groups = new Map<unknown, Group>()
  #changed: Group[] = []

  constructor(columns: readonly QueryColumn[], figures: readonly Figure[]) {
    this.#columns = columns
    this.#figures = figures
    this.#measured = figures.flatMap(({ column }, at) => (column === undefined ? [] : [[at, column.read] as const]))
    const [first] = columns
    this.#keyOf =
      first !== undefined && columns.length === 1
        ? first.read
        : (row) => keyOfValues(columns.map(({ read }) => read(row)))
    if (columns.length === 0) this.#note(this.#open(''))
  }

  /** Takes in that a row became another, came, or went. */
  change(was: AnyRow | undefined, is: AnyRow | undefined): void {
    if (was !== undefined && is !== undefined && this.#countsAlike(was, is)) return
    if (was !== undefined) this.#count(was, -1)
    if (is !== undefined) this.#count(is, 1)
  }

  /** The groups that changed since this was last asked, with their rows now; undefined for those that are gone. */
  takeChanged(): readonly { readonly id: string; readonly row: Shaped | undefined }[] {
    const changed = this.#changed
    this.#changed = []
    for (const group of changed) {
      group.isChanged = false
      const isThere = group.size > 0 || this.#columns.length === 0
      if (!isThere) this.#groups.delete(group.key)
      group.row = isThere ? this.#show(group) : undefined
    }
    return changed
  }

  /** Whether no figure tells two rows apart. */
  #countsAlike(was: AnyRow, is: AnyRow): boolean {
    if (this.#keyOf(was) !== this.#keyOf(is)) return false
    for (const [, read] of this.#measured) if (read(was) !== read(is)) return false
    return true
  }

  #count(row: AnyRow, by: 1 | -1): void {
    const key = this.#keyOf(row)
    const group = this.#groups.get(key) ?? this.#open(key, row)
    group.size += by
    this.#note(group)
    for (const [at, read] of this.#measured) {
      const value = read(row)
      if (!isMissing(value)) group.figures[at]?.[by === 1 ? 'add' : 'remove'](value)
    }
  }

  #note(group: Group): void {
    if (group.isChanged) return
    group.isChanged = true
    this.#changed.push(group)
  }

  #open(key: unknown, row?: AnyRow): Group {
    const columns = Object.fromEntries(this.#columns.map(({ name }) => [name, row?.[name]]))
    const figures = this.#figures.map(createAccumulator)
    const id = JSON.stringify(this.#columns.map(({ read }) => (row === undefined ? undefined : read(row)) ?? null))
    const group = { id, key, columns, figures, size: 0, row: undefined, isChanged: false }
    this.#groups.set(key, group)
    return group
  }

  /** The row of a group: the same as before if it shows the same. */
  #show({ id, columns, figures, size, row }: Group): Shaped {
    const shown: Record<string, unknown> & { id: string } = { id, ...columns }
    let isSame = row !== undefined
    for (let at = 0; at < figures.length; at++) {
      const { name } = this.#figures[at] as Figure
      shown[name] = figures[at]?.value(size)
      isSame &&= isEqual(row?.[name], shown[name])
    }
    if (isSame) return row as Shaped
    return Object.freeze(shown)
  }
}

const createAccumulator = ({ kind, column }: Figure): Accumulator => {
  if (kind === 'count') return { add() {}, remove() {}, value: (size) => size }
  if (kind === 'min' || kind === 'max') return extremum(kind, column?.holds === 'date')
  const sum = new ExactSum()
  let count = 0
  return {
    add(value) {
      if (typeof value !== 'number') return
      sum.add(value)
      count += 1
    },
    remove(value) {
      if (typeof value !== 'number') return
      sum.add(-value)
      count -= 1
    },
    value: () => (kind === 'sum' ? sum.value : count === 0 ? undefined : sum.value / count),
  }
}

const extremum = (kind: 'min' | 'max', isDate: boolean): Accumulator => {
  const counts = new Map<unknown, number>()
  const values = new SortedSet<unknown>(compareValues)
  return {
    add(value) {
      const count = counts.get(value) ?? 0
      counts.set(value, count + 1)
      if (count === 0) values.add(value)
    },
    remove(value) {
      const count = (counts.get(value) ?? 0) - 1
      if (count > 0) counts.set(value, count)
      else {
        counts.delete(value)
        values.delete(value)
      }
    },
    value() {
      const found = kind === 'min' ? values.first() : values.last()
      return isDate && typeof found === 'number' ? new Date(found) : found
    },
  }
}

/** A group's column as rows of groups show it. */
export const groupColumn = (name: string, holds: QueryColumn['holds'], refuse: QueryColumn['refuse']): QueryColumn => ({
  name,
  holds,
  refuse,
  read: (row) => toComparable(row[name]),
})

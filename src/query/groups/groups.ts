// Groups of rows and figures over them, kept as rows come and go. Knows columns; not which rows, nor who asks.
import { SortedSet } from '../lookup/sorted-set.ts'
import type { AnyRow, QueryColumn } from '../plan/catalog.ts'
import { keepEqual, type Shaped } from '../plan/shape.ts'
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
  readonly key: string
  readonly columns: Readonly<Record<string, unknown>>
  readonly figures: readonly Accumulator[]
  size: number
  row: Shaped | undefined
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
  readonly #groups = new Map<string, Group>()
  #changed = new Set<Group>()

  constructor(columns: readonly QueryColumn[], figures: readonly Figure[]) {
    this.#columns = columns
    this.#figures = figures
    if (columns.length === 0) this.#changed.add(this.#open('', []))
  }

  /** Takes in that a row became another, came, or went. */
  change(was: AnyRow | undefined, is: AnyRow | undefined): void {
    if (was !== undefined) this.#count(was, -1)
    if (is !== undefined) this.#count(is, 1)
  }

  /** Ids of the groups that changed since this was last asked, and their rows now; undefined for those that are gone. */
  *takeChanged(): Generator<readonly [id: string, row: Shaped | undefined], void, undefined> {
    const changed = this.#changed
    this.#changed = new Set()
    for (const group of changed) {
      const isThere = group.size > 0 || this.#columns.length === 0
      if (!isThere) this.#groups.delete(group.key)
      group.row = isThere ? keepEqual(group.row, this.#show(group)) : undefined
      yield [group.id, group.row]
    }
  }

  #count(row: AnyRow, by: 1 | -1): void {
    const values = this.#columns.map(({ read }) => read(row))
    const key = keyOfValues(values)
    const group = this.#groups.get(key) ?? this.#open(key, values, row)
    group.size += by
    this.#changed.add(group)
    this.#figures.forEach(({ column }, at) => {
      const value = column?.read(row)
      if (!isMissing(value)) group.figures[at]?.[by === 1 ? 'add' : 'remove'](value)
    })
  }

  #open(key: string, values: readonly unknown[], row?: AnyRow): Group {
    const columns = Object.fromEntries(this.#columns.map(({ name }) => [name, row?.[name]]))
    const figures = this.#figures.map(createAccumulator)
    const id = JSON.stringify(values.map((value) => value ?? null))
    const group = { id, key, columns, figures, size: 0, row: undefined }
    this.#groups.set(key, group)
    return group
  }

  #show({ id, columns, figures, size }: Group): Shaped {
    const shown: Record<string, unknown> & { id: string } = { id, ...columns }
    this.#figures.forEach(({ name }, at) => {
      shown[name] = figures[at]?.value(size)
    })
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

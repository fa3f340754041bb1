// Who is interested in a row: followed queries, filed under the values that their rows must have. Knows no queries.

import type { AnyRow, QueryColumn, TableInfo } from '../plan/catalog.ts'
import type { Condition } from '../plan/condition.ts'
import { alternatives, equalities } from '../plan/known.ts'
import { keyOfValues } from '../plan/values.ts'

interface File<T> {
  readonly keyOf: (row: AnyRow) => unknown
  readonly byValues: Map<unknown, Set<T>>
}

/** Finds those interested in a row in time that does not grow with the number of those who are not. */
export class Dispatcher<T> {
  readonly #info: TableInfo
  readonly #files = new Map<string, File<T>>()

  constructor(info: TableInfo) {
    this.#info = info
  }

  /** Files somebody under the rows that a condition can hold of. @returns A function that takes it out again. */
  add(one: T, condition: Condition): () => void {
    const { columns, keys } = placesOf(condition)
    const name = columns.join(',')
    let file = this.#files.get(name)
    if (file === undefined) {
      file = { keyOf: this.#keyOf(columns), byValues: new Map() }
      this.#files.set(name, file)
    }
    const { byValues } = file
    for (const key of keys) byValues.set(key, (byValues.get(key) ?? new Set()).add(one))
    return () => {
      for (const key of keys) {
        const filed = byValues.get(key)
        if (filed?.delete(one) && filed.size === 0) byValues.delete(key)
      }
      if (byValues.size === 0) this.#files.delete(name)
    }
  }

  /** Calls `visit` with each one interested in a row. */
  find(row: AnyRow, visit: (one: T) => void): void {
    for (const { keyOf, byValues } of this.#files.values()) for (const one of byValues.get(keyOf(row)) ?? []) visit(one)
  }

  #keyOf(names: readonly string[]): (row: AnyRow) => unknown {
    const columns = names.map((name) => this.#info.columns.get(name) as QueryColumn)
    const [only] = columns
    if (only === undefined) return () => undefined
    return columns.length === 1 ? only.read : (row) => keyOfValues(columns.map(({ read }) => read(row)))
  }
}

/** Under which values of which columns to file: all that must be equal to something, or else one that must be among some values. */
const placesOf = (condition: Condition): { readonly columns: readonly string[]; readonly keys: readonly unknown[] } => {
  const equal = [...equalities(condition)].sort(([a], [b]) => (a < b ? -1 : 1))
  const values = equal.map(([, value]) => value)
  if (equal.length > 0)
    return { columns: equal.map(([column]) => column), keys: [values.length === 1 ? values[0] : keyOfValues(values)] }
  const [among] = alternatives(condition)
  if (among === undefined) return { columns: [], keys: [undefined] }
  return { columns: [among[0]], keys: among[1] }
}

// Lenses of one table: fields that columns were called formerly, and columns whose type has changed. Knows columns; no rows.
import { type AnyFormer, type Column, Misfit, readFormer, type TableSchema } from '../schema/index.ts'

/** A column seen through one of its former names. */
export interface Lens {
  /** The column's place among the table's. */
  readonly place: number
  readonly column: string
  /** Stored form of what stands under the former name; a `Misfit` if it cannot be made. */
  read(old: unknown): unknown
}

/** The lenses of a table, by former name. */
export const lensesOf = ({ columns, columnNames }: TableSchema): ReadonlyMap<string, readonly Lens[]> => {
  const lenses = new Map<string, Lens[]>()
  columnNames.forEach((column, place) => {
    const { formers, type } = columns[column] as Column
    for (const former of formers) {
      if (former.name === undefined || former.name === column) continue
      const lens = { place, column, read: (old: unknown) => readFormer(former, type, old) }
      lenses.set(former.name, [...(lenses.get(former.name) ?? []), lens])
    }
  })
  return lenses
}

/** How a column's stored value is shown; undefined if it cannot be. */
export const readerOf = (name: string, { type, formers, missing }: Column): ((stored: unknown) => unknown) => {
  const fallback = missing === undefined ? undefined : type.read(missing)
  const retyped = formers.find((former) => former.name === undefined || former.name === name)
  if (formers.length === 0) return (stored) => (stored === undefined ? fallback : type.read(stored))
  const read = retyped === undefined ? type.read : (stored: unknown) => readRetyped(stored, type, retyped)
  return (stored) => (stored === undefined ? fallback : stored instanceof Misfit ? undefined : read(stored))
}

const readRetyped = (stored: unknown, type: Column['type'], former: AnyFormer): unknown => {
  const value = former.write === undefined ? type.read(stored) : undefined
  if (value !== undefined) return value
  const made = readFormer(former, type, stored)
  return made === undefined || made instanceof Misfit ? undefined : type.read(made)
}

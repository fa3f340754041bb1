// Who has which values in columns that no two rows may share, as the rows of an import would leave it, one after the other. Knows stored
// values; no rows and no file.
import type { TableSchema } from '../../../src/schema/index.ts'
import type { RefusedColumn } from './refused.ts'

/** A row's stored values, by column. */
export type StoredValues = Readonly<Record<string, unknown>>

interface Owners {
  readonly columns: readonly string[]
  /** By the values: rows of the table and lines of the file, as they are called in messages. */
  readonly byValues: Map<string, Set<string>>
}

/** The unique columns of one table. Those that only the table itself can tell, like the time of a write, are left to it. */
export class UniqueValues {
  readonly #unique: readonly Owners[]

  constructor({ lookups, columns }: TableSchema) {
    this.#unique = lookups.indexes
      .filter((index) => index.isUnique && index.columns.every((name) => Object.hasOwn(columns, name)))
      .map((index) => ({ columns: index.columns, byValues: new Map() }))
  }

  /** Whether there are such columns. */
  get isAsked(): boolean {
    return this.#unique.length > 0
  }

  /** What is wrong with values that somebody is to have: somebody else has them. @param before - What the one has so far. */
  faults(values: StoredValues, before?: StoredValues): readonly RefusedColumn[] {
    return this.#unique.flatMap(({ columns, byValues }): RefusedColumn[] => {
      const key = keyOf(columns, values)
      const [owner] = key === undefined ? [] : (byValues.get(key) ?? [])
      if (owner === undefined || (before !== undefined && key === keyOf(columns, before))) return []
      const cure =
        columns.length === 1 ? `Give another value, or --key ${columns[0]} to change that row.` : 'Change one of them.'
      return [
        { column: columns.join(', '), reason: `No two rows may have the same, and ${owner} has it already. ${cure}` },
      ]
    })
  }

  /** Takes note that somebody has values. */
  add(owner: string, values: StoredValues): void {
    for (const { columns, byValues } of this.#unique) {
      const key = keyOf(columns, values)
      if (key !== undefined) byValues.set(key, (byValues.get(key) ?? new Set()).add(owner))
    }
  }

  /** Takes note that somebody has them no more. */
  remove(owner: string, values: StoredValues): void {
    for (const { columns, byValues } of this.#unique) {
      const key = keyOf(columns, values)
      const owners = key === undefined ? undefined : byValues.get(key)
      if (key !== undefined && owners?.delete(owner) && owners.size === 0) byValues.delete(key)
    }
  }
}

/** The values as one text; undefined if one is missing, which nobody has to have alone. */
const keyOf = (columns: readonly string[], values: StoredValues): string | undefined => {
  const given = columns.map((name) => values[name] ?? undefined)
  return given.includes(undefined) ? undefined : JSON.stringify(given)
}

// Uniqueness: refuses local writes that would break it, and lists the rows that have come to share values by merging.
import { MerrowError, show } from '../../errors.ts'
import { Listeners } from '../../listeners.ts'
import type { RowChange } from '../live/dependencies.ts'
import type { AnyRow, TableInfo } from '../plan/catalog.ts'
import { isMissing } from '../plan/values.ts'
import type { HashIndex } from './hash-index.ts'
import { type Lookups, shown } from './lookups.ts'

/** Rows that have the same values in columns that were declared unique. */
export interface Duplicate {
  readonly table: string
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
  /** Two rows or more, the earliest inserted first. */
  readonly rows: readonly AnyRow[]
}

/** What is looked at: one table's rows. */
export interface WatchedRows {
  readonly info: TableInfo
  readonly lookups: Lookups
  onChange(listener: (change: RowChange) => void): () => void
}

/** The unique columns of one table: `db.<table>.duplicates`. */
export class Uniqueness {
  readonly #rows: WatchedRows
  readonly #unique: readonly (readonly string[])[]
  readonly #listeners: Listeners<[duplicates: readonly Duplicate[]]>
  #told = ''

  /** @internal */
  constructor(rows: WatchedRows, onError: (error: unknown) => void) {
    this.#rows = rows
    this.#listeners = new Listeners(onError)
    this.#unique = rows.info.lookups.indexes.filter(({ isUnique }) => isUnique).map(({ columns }) => columns)
  }

  /** @internal Whether there are such columns. */
  get isAsked(): boolean {
    return this.#unique.length > 0
  }

  /** The rows that share values, as they are now. */
  list(): readonly Duplicate[] {
    return this.#unique.flatMap((columns) => {
      const hash = this.#hash(columns)
      return hash.shared().flatMap((rows) => {
        const [first] = rows
        return first === undefined || lacksValue(first, hash) ? [] : [this.#describe(columns, rows)]
      })
    })
  }

  /** Calls `listener` with all of them whenever a transaction has changed which there are. @returns A function that ends it. */
  subscribe(listener: (duplicates: readonly Duplicate[]) => void): () => void {
    if (this.#listeners.size === 0) this.#told = keyOf(this.list())
    return this.#listeners.add(listener)
  }

  /** @internal Runs a write. @throws {@link MerrowError} `not_unique` if a row that it wrote shares values with another. */
  check<T>(write: () => T): T {
    for (const columns of this.#unique) this.#hash(columns)
    const written: AnyRow[] = []
    const stop = this.#rows.onChange(({ was, is }) => {
      if (is !== undefined && this.#isConcerned(was, is)) written.push(is)
    })
    try {
      const result = write()
      for (const columns of this.#unique) {
        const hash = this.#hash(columns)
        const row = written.find((row) => isShared(hash.like(row), row) && !lacksValue(row, hash))
        if (row !== undefined) throw this.#refuse(columns, row, hash)
      }
      return result
    } finally {
      stop()
    }
  }

  /** @internal Tells listeners if there are other duplicates than last time. */
  tell(): void {
    if (this.#listeners.size === 0) return
    const duplicates = this.list()
    const key = keyOf(duplicates)
    if (key === this.#told) return
    this.#told = key
    this.#listeners.tell(duplicates)
  }

  #hash(columns: readonly string[]): HashIndex {
    return this.#rows.lookups.hash(columns)
  }

  /** Whether a write gave a row other unique values, or brought it back. */
  #isConcerned(was: AnyRow | undefined, is: AnyRow): boolean {
    const before = shown(was)
    if (before === undefined) return true
    const { columns } = this.#rows.info
    return this.#unique.flat().some((name) => columns.get(name)?.read(before) !== columns.get(name)?.read(is))
  }

  #describe(columns: readonly string[], rows: readonly AnyRow[]): Duplicate {
    const sorted = [...rows].sort((a, b) => Number(a['createdAt']) - Number(b['createdAt']) || (a.id < b.id ? -1 : 1))
    const values = columns.map((column) => sorted[0]?.[column])
    return { table: this.#rows.info.name, columns, values, rows: sorted }
  }

  #refuse(columns: readonly string[], row: AnyRow, hash: HashIndex): MerrowError {
    const table = this.#rows.info.name
    const other = hash.like(row).find(({ id }) => id !== row.id)
    const named = columns.map((column) => `${column} = ${show(row[column])}`).join(', ')
    return new MerrowError(
      'not_unique',
      `Table "${table}" has a row "${other?.id}" with ${named} already. Nothing was written: update that row, or give another value.`,
      { table, id: row.id },
    )
  }
}

/** Whether a row is among several; it may be another one by now. */
const isShared = (rows: readonly AnyRow[], row: AnyRow): boolean => rows.length > 1 && rows.includes(row)

const lacksValue = (row: AnyRow, { columns }: HashIndex): boolean => columns.some(({ read }) => isMissing(read(row)))

const keyOf = (duplicates: readonly Duplicate[]): string =>
  JSON.stringify(duplicates.map(({ columns, rows }) => [columns, rows.map(({ id }) => id)]))

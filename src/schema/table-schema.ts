// One table's columns, and how a caller's row or patch becomes stored values. Knows nothing of logs or storage.
import { type Fault, MerrowError, show } from '../errors.ts'
import type { Column } from './column.ts'
import { isColumnName, RESERVED, TABLE_RECORD, VERSION_FIELD } from './names.ts'
import { Refusal } from './plain.ts'
import { checkFormers, type WrittenFormer, writeFormers, writtenFormers } from './table-formers.ts'
import { checkIndex, checkSearched, type Lookups, NO_LOOKUPS } from './table-lookups.ts'
import type { Columns, KeyRow, RowMeta } from './types.ts'

/** Columns that a write names, and their stored values, in the same order. */
export interface StoredFields {
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
}

/** How many writes of a row are kept after later ones have replaced them. Both bounds hold. */
export interface HistoryRetention {
  /** Most of them in a row. */
  readonly maxWrites: number
  /** How long at most, in milliseconds. */
  readonly maxAgeMs: number
}

/** How a partitioned table is kept. */
export interface PartitionOptions {
  /** How long a partition stays open that nobody holds and nobody here writes to, in milliseconds; 60,000 unless given. */
  readonly idleMs?: number
}

/** How a table's rows are spread over documents. */
export interface Partitioning {
  /** The key of the document that a row belongs in. */
  readonly key: (row: object) => unknown
  readonly idleMs: number
}

/** A table whose rows are spread over several documents; made by `table({ ... }).partitionBy(...)`. */
export type PartitionedSchema<C extends Columns> = TableSchema<C> & { readonly partition: Partitioning }

/** What a table is beside its columns. */
interface TableTraits {
  readonly history?: HistoryRetention | undefined
  readonly partition?: Partitioning | undefined
  readonly lookups?: Lookups
}

/** The columns of one table; made by {@link table}. */
export class TableSchema<C extends Columns = Columns> {
  readonly columns: C
  readonly columnNames: readonly string[]
  /** What an insert stores: the columns, what they were called formerly, and the version of the schema if it is not the first. */
  readonly insertFields: readonly string[]
  /** What is kept of replaced writes; nothing if undefined. */
  readonly history: HistoryRetention | undefined
  /** How its rows are spread over documents; one document holds them all if undefined. */
  readonly partition: Partitioning | undefined
  /** How its rows are looked up: indexes, and the columns of the full-text search. */
  readonly lookups: Lookups
  readonly #names: ReadonlySet<string>
  readonly #version: number
  readonly #entries: readonly (readonly [string, Column])[]
  /** Former names that are written along with their columns. */
  readonly #written: readonly WrittenFormer[]

  /** @internal */
  constructor(columns: C, version = 1, { history, partition, lookups = NO_LOOKUPS }: TableTraits = {}) {
    this.columns = columns
    this.history = history
    this.partition = partition
    this.lookups = lookups
    this.#version = version
    this.#entries = Object.entries(columns)
    this.columnNames = Object.freeze(Object.keys(columns))
    this.#names = new Set(this.columnNames)
    this.#written = this.#entries.flatMap(([column, definition]) => writtenFormers(column, definition))
    const formers = this.#written.filter(({ column, field }) => field !== column).map(({ field }) => field)
    const more = version === 1 ? formers : [...formers, VERSION_FIELD]
    this.insertFields = more.length === 0 ? this.columnNames : Object.freeze([...this.columnNames, ...more])
  }

  /** @internal Whether a column has former names, so that writes under several names count for it. */
  get hasFormers(): boolean {
    return Object.values(this.columns as Columns).some(({ formers }) => formers.length > 0)
  }

  /** @internal The table in a schema of this version. */
  at(version: number): TableSchema<C> {
    return version === this.#version ? this : new TableSchema(this.columns, version, this)
  }

  /**
   * Keeps writes that later ones have replaced, for `history(id)`. They cost their bytes until they are too old or too many, which is
   * looked at when their row is written or the table is opened.
   *
   * @param retention - At least one bound; the other is none if left out.
   * @throws {@link MerrowError} `invalid_schema` without a bound, or with one that is no positive number.
   */
  keepHistory(retention: Partial<HistoryRetention>): this {
    const { maxWrites = Number.POSITIVE_INFINITY, maxAgeMs = Number.POSITIVE_INFINITY } = retention
    const isBounded = Number.isFinite(maxWrites) || Number.isFinite(maxAgeMs)
    if (!isBounded || !(maxWrites > 0) || !(maxAgeMs > 0))
      throw new MerrowError(
        'invalid_schema',
        `keepHistory(${show(retention)}) needs a bound that is a positive number: maxWrites, maxAgeMs or both.`,
      )
    return this.#with({ history: { maxWrites, maxAgeMs } })
  }

  /**
   * Spreads the rows over several documents, one a key, which are opened on demand: `await db.tasks.open('2026-11')`. Reads and queries
   * see the rows of those that are open.
   *
   * @param key - Pure: the key of a row, 1 to 100 characters, from its columns, `id` and `createdAt`. A row that gets another key moves.
   * What it gives for rows there are must not change: they lie where it said when they were written.
   * @throws {@link MerrowError} `invalid_schema` for what is no function, or a time that is no positive number.
   *
   * @example table({ title: c.string(), dueAt: c.date() }).partitionBy((row) => row.dueAt.toISOString().slice(0, 7))
   */
  partitionBy(
    key: (row: KeyRow<C>) => string,
    { idleMs = 60_000 }: PartitionOptions = {},
  ): this & PartitionedSchema<C> {
    if (typeof key !== 'function' || !(idleMs > 0))
      throw new MerrowError(
        'invalid_schema',
        `partitionBy(${show(key)}, { idleMs: ${show(idleMs)} }) needs a function of a row that gives its key, and a positive number of milliseconds.`,
      )
    return this.#with({ partition: { key: key as Partitioning['key'], idleMs } }) as this & PartitionedSchema<C>
  }

  /**
   * Adds an index: queries that compare its first columns for equality, the next one by a range, or order by them, read it instead of
   * every row. It is built when first used, and kept as rows change.
   *
   * @param columns - One or several, in the order they are compared in.
   * @throws {@link MerrowError} `invalid_schema` for an unknown column or one that has no order (sets, JSON).
   * @example table({ projectId: c.ref('projects'), done: c.boolean() }).index('projectId').index('done', 'createdAt')
   */
  index(...columns: readonly (keyof (C & RowMeta) & string)[]): this {
    return this.#withIndex(columns, false)
  }

  /**
   * Says that no two rows may have the same values in these columns. A write here that would make a second one is refused; rows that
   * meet by merging are both kept, and listed by `db.<table>.duplicates`. Rows that lack one of the values, and soft-deleted ones,
   * do not count.
   *
   * @throws {@link MerrowError} `invalid_schema` as for {@link index}.
   */
  unique(...columns: readonly (keyof (C & RowMeta) & string)[]): this {
    return this.#withIndex(columns, true)
  }

  /**
   * Makes columns searchable by words: `db.<table>.search('words')`. The index is built at the first search.
   *
   * @param columns - Columns that hold text, or sets of it.
   * @throws {@link MerrowError} `invalid_schema` for an unknown column, or one that holds no text.
   */
  search(...columns: readonly (keyof C & string)[]): this {
    return this.#with({ lookups: { ...this.lookups, searched: checkSearched(this.columns, columns) } })
  }

  #withIndex(columns: readonly (keyof (C & RowMeta) & string)[], isUnique: boolean): this {
    const indexes = checkIndex(this.lookups.indexes, this.columns, columns, isUnique)
    return this.#with({ lookups: { ...this.lookups, indexes } })
  }

  /** The table with other traits; what it is partitioned by stays its type. */
  #with(traits: Partial<TableTraits>): this {
    const { history, partition, lookups } = this
    return new TableSchema(this.columns, this.#version, { history, partition, lookups, ...traits }) as this
  }

  /** The stored fields of a new row: every column, `undefined` where an optional one is left out. @throws `invalid_value` */
  storeInsert(name: string, row: Readonly<Record<string, unknown>>): StoredFields {
    const faults = this.#unknownColumns(row, 'id')
    const given: unknown[] = []
    for (const column of this.columnNames) given.push(row[column])
    return this.#storeAll(name, row, given, faults)
  }

  /**
   * As {@link storeInsert}, of what a caller gives for each column, in the order of `columnNames`; quicker for many rows alike.
   *
   * @param given - `undefined` for what is left out. It is taken over, and holds what is stored then.
   */
  storeInOrder(name: string, given: unknown[]): StoredFields {
    return this.#storeAll(name, {}, given, [])
  }

  /** A plain loop: this runs once a row of every import. */
  #storeAll(name: string, row: Readonly<Record<string, unknown>>, values: unknown[], faults: Fault[]): StoredFields {
    for (let at = 0; at < this.#entries.length; at++) {
      const [column, definition] = this.#entries[at] as readonly [string, Column]
      const given = values[at]
      values[at] = store(column, definition, given === undefined ? definition.makeDefault() : given, faults)
    }
    if (this.#written.length > 0) values.push(...writeFormers(this.#written, this.columnNames, values, faults).values)
    if (row?.['id'] === TABLE_RECORD) faults.push({ column: 'id', value: row['id'], reason: 'It is reserved.' })
    if (faults.length > 0) throw refuseWrite(name, 'insert', row, faults)
    if (this.#version > 1) values.push(this.#version)
    return { columns: this.insertFields, values }
  }

  /** The stored fields of a patch: the columns that it names. @throws `invalid_value` */
  storePatch(name: string, id: string, patch: Readonly<Record<string, unknown>>): StoredFields {
    const named = typeof patch === 'object' && patch !== null ? Object.keys(patch) : []
    const isKnown = named.length > 0 && named.every(this.#isColumn)
    const faults = isKnown ? [] : this.#unknownColumns(patch)
    const columns = this.#inOrder(isKnown ? named : named.filter(this.#isColumn))
    const values = columns.map((column) => store(column, this.columns[column] as Column, patch[column], faults))
    if (this.#written.length > 0) {
      const former = writeFormers(this.#written, columns, values, faults)
      columns.push(...former.columns)
      values.push(...former.values)
    }
    if (faults.length > 0) throw refuseWrite(name, `update of row "${id}"`, patch, faults)
    return { columns, values }
  }

  readonly #isColumn = (name: string): boolean => this.#names.has(name)

  /** Columns in the order of the schema: of two patches with the same ones, the shape is the same. */
  #inOrder(named: string[]): string[] {
    return named.length < 2 ? named : this.columnNames.filter((name) => named.includes(name))
  }

  #unknownColumns(fields: Readonly<Record<string, unknown>>, allowed?: string): Fault[] {
    if (typeof fields !== 'object' || fields === null)
      return [{ column: '(row)', value: fields, reason: 'Give an object of column names and values.' }]
    const faults: Fault[] = []
    for (const column of Object.keys(fields))
      if (column !== allowed && !this.#names.has(column))
        faults.push({ column, value: fields[column], reason: this.#explainUnknown(column) })
    return faults
  }

  #explainUnknown(column: string): string {
    if (RESERVED.includes(column)) return 'Merrow sets this itself. Leave it out.'
    return `There is no such column; the columns are ${this.columnNames.join(', ')}. Correct the name, or add it to the schema.`
  }
}

const store = (name: string, column: Column, value: unknown, faults: Fault[]): unknown => {
  if (value === undefined) {
    if (column.presence !== 'optional')
      faults.push({ column: name, value, reason: `It is required: give ${column.type.label}.` })
    return undefined
  }
  const stored = column.type.write(value)
  if (stored instanceof Refusal) faults.push({ column: name, value, reason: stored.reason })
  return stored
}

const refuseWrite = (table: string, what: string, given: object, faults: readonly Fault[]): MerrowError => {
  const details = faults.map(({ column, value, reason }) => `column "${column}" = ${show(value)}: ${reason}`)
  const id =
    given !== null && typeof given === 'object' && 'id' in given && typeof given.id === 'string' ? { id: given.id } : {}
  return new MerrowError('invalid_value', `Table "${table}", ${what}, nothing written: ${details.join(' ')}`, {
    table,
    ...id,
    faults,
  })
}

/**
 * Declares a table.
 *
 * @param columns - Its columns by name; names are `[A-Za-z_][A-Za-z0-9_]*`, at most 64 characters.
 * @throws {@link MerrowError} `invalid_schema` for a name that is reserved or malformed.
 */
export const table = <C extends Columns>(columns: C): TableSchema<C> => {
  for (const name of Object.keys(columns)) {
    if (RESERVED.includes(name))
      throw new MerrowError(
        'invalid_schema',
        `A column cannot be called "${name}": every row has that of its own. Rename it.`,
      )
    if (!isColumnName(name))
      throw new MerrowError(
        'invalid_schema',
        `A column cannot be called ${show(name)}: use letters, digits and _, at most 64, no digit first.`,
      )
  }
  checkFormers(columns)
  return new TableSchema({ ...columns })
}

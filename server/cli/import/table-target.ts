// Rows into an open table: new ones, and changes of those that a key finds; on disk or at a relay. Knows the database; no file.
import { show } from '../../../src/errors.ts'
import type { Database, Schema } from '../../../src/index.ts'
import { type StoredFields, type TableSchema, toStored } from '../../../src/schema/index.ts'
import { refusedBy } from './bulk-target.ts'
import type { RefusedColumn } from './refused.ts'
import type { NewRow } from './row-mapper.ts'
import type { RowTarget, Written } from './target.ts'
import { UniqueValues } from './unique-values.ts'

type Values = Record<string, unknown>
type Row = Readonly<Record<string, unknown>> & { readonly id: string; readonly deletedAt: number | undefined }

/** The part of a table that is needed here, whatever its columns. */
interface LooseTable {
  readonly name: string
  get(id: string, options: { readonly withDeleted: true }): Row | undefined
  rows(options: { readonly withDeleted: true }): Iterable<Row>
  insert(row: Values): string
  update(id: string, patch: Values): void
  delete(id: string): void
  restore(id: string): void
}

/** What a {@link TableTarget} is given to work with. */
export interface TableTargetOptions {
  readonly db: Database
  readonly schema: Schema
  readonly table: string
  /** Column whose value finds the row to change; all rows are new without one. */
  readonly key: string | undefined
  /** Whether all is written in one transaction, whatever its size. */
  readonly isOneTransaction: boolean
  /** Resolves once what was written so far is durable where it goes to. */
  readonly written: () => Promise<void>
}

type Operation =
  | { readonly kind: 'insert'; readonly row: Values; readonly isDeleted: boolean }
  | { readonly kind: 'change'; readonly id: string; readonly patch: Values; readonly isDeleted: boolean }

/** Rows of one transaction where several are needed: its update must stay well below what a relay takes. */
const BATCH_ROWS = 10_000
const SEVERAL = Symbol('several rows')
const NONE: readonly RefusedColumn[] = []

/** Gathers operations, each checked against the table as it is. */
export class TableTarget implements RowTarget {
  readonly #options: TableTargetOptions
  readonly #table: LooseTable
  readonly #schema: TableSchema
  readonly #operations: Operation[] = []
  /** Lines of the file by the key, or the id, that they gave. */
  readonly #lines = new Map<string, number>()
  readonly #byKey: ReadonlyMap<string, string | typeof SEVERAL>
  readonly #unique: UniqueValues
  #unchanged = 0

  constructor(options: TableTargetOptions) {
    const { db, schema, table, key } = options
    this.#options = options
    this.#table = db.table(table) as unknown as LooseTable
    this.#schema = schema.tables[table] as TableSchema
    this.#byKey = key === undefined ? new Map() : rowsByKey(this.#table, key)
    this.#unique = new UniqueValues(this.#schema)
    if (this.#unique.isAsked)
      for (const row of this.#table.rows({ withDeleted: true }))
        if (row.deletedAt === undefined) this.#unique.add(nameOf(row), this.#storedOf(row))
  }

  take({ columns, values }: NewRow, line: number): readonly RefusedColumn[] {
    const { deletedAt, ...row }: Values = Object.fromEntries(columns.map((name, at) => [name, values[at]]))
    const isDeleted = deletedAt !== undefined
    const { key } = this.#options
    const named = key ?? 'id'
    const value = row[named]
    if (key !== undefined && value === undefined)
      return [{ column: key, reason: 'It is the key, so every row needs one.' }]
    if (value !== undefined) {
      const text = keyText(value)
      const other = this.#lines.get(text)
      if (other !== undefined) return [{ column: named, reason: `Line ${other} has ${show(value)} already.` }]
      this.#lines.set(text, line)
    }
    try {
      return key === undefined ? this.#takeNew(row, isDeleted, line) : this.#takeKeyed(row, { key, isDeleted, line })
    } catch (error) {
      return refusedBy(error)
    }
  }

  async commit(): Promise<Written> {
    const { db, isOneTransaction, written } = this.#options
    const batch = isOneTransaction ? this.#operations.length : BATCH_ROWS
    for (let at = 0; at < this.#operations.length; at += batch) {
      db.transact(() => this.#operations.slice(at, at + batch).forEach((operation) => this.#write(operation)))
      await written()
    }
    return this.count()
  }

  count(): Written {
    const inserted = this.#operations.filter(({ kind }) => kind === 'insert').length
    return { inserted, changed: this.#operations.length - inserted, unchanged: this.#unchanged }
  }

  async close(): Promise<void> {
    await this.#options.db.close()
  }

  #takeNew(row: Values, isDeleted: boolean, line: number): readonly RefusedColumn[] {
    const stored = byColumn(this.#schema.storeInsert(this.#table.name, row))
    if (typeof row['id'] === 'string' && this.#table.get(row['id'], { withDeleted: true }) !== undefined)
      return [{ column: 'id', reason: `The table has row ${show(row['id'])} already. Give --key id to change it.` }]
    const faults = this.#unique.faults(stored)
    if (faults.length > 0) return faults
    if (!isDeleted) this.#unique.add(`line ${line}`, stored)
    this.#operations.push({ kind: 'insert', row, isDeleted })
    return NONE
  }

  #takeKeyed(
    row: Values,
    { key, isDeleted, line }: { readonly key: string; readonly isDeleted: boolean; readonly line: number },
  ): readonly RefusedColumn[] {
    const id = this.#byKey.get(keyText(row[key]))
    if (id === undefined) return this.#takeNew(row, isDeleted, line)
    if (id === SEVERAL)
      return [
        { column: key, reason: `Several rows of the table have ${show(row[key])}, so it is no key. Give --key id.` },
      ]
    const { id: _, ...given } = row
    const patch = withoutEmptyDefaults(given, this.#schema)
    const stored = this.#schema.storePatch(this.#table.name, id, patch)
    const known = this.#table.get(id, { withDeleted: true }) as Row
    const differs = (column: string, at: number): boolean => !isEqual(toStored(known[column]), stored.values[at])
    const changed = new Set(stored.columns.filter(differs))
    const faults = this.#claim(known, byColumn(stored), { isDeleted, line })
    if (faults.length > 0) return faults
    if (changed.size === 0 && isDeleted === (known.deletedAt !== undefined)) this.#unchanged += 1
    else {
      const columns = Object.entries(patch).filter(([column]) => changed.has(column))
      this.#operations.push({ kind: 'change', id, patch: Object.fromEntries(columns), isDeleted })
    }
    return NONE
  }

  /** Has a row give up its unique values for those that it will have. @returns What is wrong with these; it keeps its own then. */
  #claim(
    row: Row,
    patch: Values,
    { isDeleted, line }: { readonly isDeleted: boolean; readonly line: number },
  ): readonly RefusedColumn[] {
    if (!this.#unique.isAsked) return NONE
    const before = this.#storedOf(row)
    const after = { ...before, ...patch }
    const isShown = row.deletedAt === undefined
    // What is written to a deleted row that stays so is nobody's business.
    const faults = isShown || !isDeleted ? this.#unique.faults(after, isShown ? before : undefined) : NONE
    if (faults.length > 0) return faults
    if (isShown) this.#unique.remove(nameOf(row), before)
    if (!isDeleted) this.#unique.add(`line ${line}`, after)
    return NONE
  }

  #storedOf(row: Row): Values {
    return Object.fromEntries(this.#schema.columnNames.map((name) => [name, toStored(row[name])]))
  }

  #write(operation: Operation): void {
    const id = operation.kind === 'insert' ? this.#table.insert(operation.row) : operation.id
    if (operation.kind === 'change' && Object.keys(operation.patch).length > 0) this.#table.update(id, operation.patch)
    if (operation.isDeleted) this.#table.delete(id)
    else if (operation.kind === 'change') this.#table.restore(id)
  }
}

const rowsByKey = (table: LooseTable, key: string): Map<string, string | typeof SEVERAL> => {
  const found = new Map<string, string | typeof SEVERAL>()
  for (const row of table.rows({ withDeleted: true })) {
    if (row[key] === undefined) continue
    const text = keyText(row[key])
    found.set(text, found.has(text) ? SEVERAL : row.id)
  }
  return found
}

const nameOf = ({ id }: Row): string => `row ${show(id)}`
const byColumn = ({ columns, values }: StoredFields): Values =>
  Object.fromEntries(columns.map((name, at) => [name, values[at]]))
const keyText = (value: unknown): string => JSON.stringify(value) ?? String(value)
const isEqual = (a: unknown, b: unknown): boolean => a === b || JSON.stringify(a) === JSON.stringify(b)

/** Nothing where an insert would take the default leaves a row that is there as it is. */
const withoutEmptyDefaults = (row: Values, { columns }: TableSchema): Values =>
  Object.fromEntries(
    Object.entries(row).filter(([name, value]) => value !== undefined || columns[name]?.presence === 'optional'),
  )

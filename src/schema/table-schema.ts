// One table's columns, and how a caller's row or patch becomes stored values. Knows nothing of logs or storage.
import { type Fault, MerrowError, show } from '../errors.ts'
import type { Column } from './column.ts'
import { Refusal } from './plain.ts'
import type { Columns } from './types.ts'

/** Names that every row has of its own. */
const RESERVED = ['id', 'createdAt', 'updatedAt', 'deletedAt', 'updatedBy']
const COLUMN_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,63}$/

/** Columns that a write names, and their stored values, in the same order. */
export interface StoredFields {
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
}

/** The columns of one table; made by {@link table}. */
export class TableSchema<C extends Columns = Columns> {
  readonly columns: C
  readonly columnNames: readonly string[]
  readonly #entries: readonly (readonly [string, Column])[]

  /** @internal */
  constructor(columns: C) {
    this.columns = columns
    this.#entries = Object.entries(columns)
    this.columnNames = Object.freeze(Object.keys(columns))
  }

  /** The stored fields of a new row: every column, `undefined` where an optional one is left out. @throws `invalid_value` */
  storeInsert(name: string, row: Readonly<Record<string, unknown>>): StoredFields {
    const faults = this.#unknownColumns(row, 'id')
    const values = this.#entries.map(([column, definition]) => {
      const given = row[column]
      return store(column, definition, given === undefined ? definition.makeDefault() : given, faults)
    })
    if (faults.length > 0) throw refuseWrite(name, 'insert', row, faults)
    return { columns: this.columnNames, values }
  }

  /** The stored fields of a patch: the columns that it names. @throws `invalid_value` */
  storePatch(name: string, id: string, patch: Readonly<Record<string, unknown>>): StoredFields {
    const faults = this.#unknownColumns(patch)
    const columns: string[] = []
    const values: unknown[] = []
    for (const [column, definition] of this.#entries) {
      if (!Object.hasOwn(patch, column)) continue
      columns.push(column)
      values.push(store(column, definition, patch[column], faults))
    }
    if (faults.length > 0) throw refuseWrite(name, `update of row "${id}"`, patch, faults)
    return { columns, values }
  }

  #unknownColumns(fields: Readonly<Record<string, unknown>>, allowed?: string): Fault[] {
    if (typeof fields !== 'object' || fields === null)
      return [{ column: '(row)', value: fields, reason: 'Give an object of column names and values.' }]
    const unknown = Object.keys(fields).filter((name) => name !== allowed && !Object.hasOwn(this.columns, name))
    return unknown.map((column) => ({ column, value: fields[column], reason: this.#explainUnknown(column) }))
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
    if (!COLUMN_NAME.test(name) || name === '__proto__')
      throw new MerrowError(
        'invalid_schema',
        `A column cannot be called ${show(name)}: use letters, digits and _, at most 64, no digit first.`,
      )
  }
  return new TableSchema({ ...columns })
}

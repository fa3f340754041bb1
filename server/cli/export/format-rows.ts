// Rows as text, in the forms that `merrow import` reads back to equal rows. Knows columns; no file.
import { type TableSchema, toStored } from '../../../src/schema/index.ts'
import type { Format } from '../import/importer.ts'

/** How rows are written. */
export interface FormatOptions {
  readonly format: Format
  readonly schema: TableSchema
  /** Between the cells of CSV. */
  readonly delimiter: string
  /** Whether there is a column `deletedAt`. */
  readonly withDeleted: boolean
  /** Whether cells that a spreadsheet would run as formulas get a `'` before them. */
  readonly isFormulaSafe: boolean
}

type Row = Readonly<Record<string, unknown>>

/** The text of a file: what it begins with, a piece a row, and what it ends with. */
export function* formatRows(rows: Iterable<Row>, options: FormatOptions): Generator<string, void, undefined> {
  const { format, schema, withDeleted } = options
  const names = ['id', ...schema.columnNames, ...(withDeleted ? ['deletedAt'] : [])]
  if (format === 'csv') {
    const line = (cells: readonly string[]): string => `${cells.join(options.delimiter)}\n`
    yield line(names.map((name) => quoted(name, options)))
    for (const row of rows) yield line(names.map((name) => cellOf(row, name, options)))
    yield ''
    return
  }
  yield format === 'json' ? '[' : ''
  let separator = format === 'json' ? '\n' : ''
  for (const row of rows) {
    yield `${separator}${JSON.stringify(Object.fromEntries(names.map((name) => [name, jsonOf(row, name, options)])))}${format === 'json' ? '' : '\n'}`
    if (format === 'json') separator = ',\n'
  }
  yield format === 'json' ? '\n]\n' : ''
}

const DATES = ['deletedAt']

/** Dates as ISO text, which people can read; the rest as it is stored. */
const jsonOf = (row: Row, name: string, { schema }: FormatOptions): unknown => {
  const stored = toStored(row[name])
  const isDate = DATES.includes(name) || schema.columns[name]?.type.holds === 'date'
  return isDate && typeof stored === 'number' ? new Date(stored).toISOString() : stored
}

const cellOf = (row: Row, name: string, options: FormatOptions): string => {
  const value = jsonOf(row, name, options)
  if (value === undefined) return ''
  const isJson = options.schema.columns[name]?.type.holds === 'json'
  return quoted(isJson || typeof value !== 'string' ? JSON.stringify(value) : value, options, typeof value === 'string')
}

const FORMULA = /^[=+\-@\t\r]/

/** Quotes what needs it; empty text too, which would otherwise be no text, and what a report's notes begin with. */
const quoted = (text: string, { delimiter, isFormulaSafe }: FormatOptions, isText = true): string => {
  const safe = isFormulaSafe && isText && FORMULA.test(text) ? `'${text}` : text
  const isPlain = safe !== '' && !/["\r\n]/.test(safe) && !safe.includes(delimiter) && safe.trim() === safe
  return isPlain ? safe : `"${safe.replaceAll('"', '""')}"`
}

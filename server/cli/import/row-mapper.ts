// Records to rows: which column of the file is which of the table, and what each value is there. Knows the table's columns; no format
// and no store.
import { type Fault, MerrowError, show } from '../../../src/errors.ts'
import type { Column, TableSchema } from '../../../src/schema/index.ts'
import { CellFault, jsonCell, type ReadCell, textCell } from './cells.ts'
import { hasBadBytes } from './decode.ts'
import { type Cell, textOf } from './record.ts'

/** A row to be: columns, `id` and, if soft-deleted rows are asked for, `deletedAt` among them, and what `insert` takes for each. */
export interface NewRow {
  /** The same array for records alike. */
  readonly columns: readonly string[]
  /** For whoever takes the row to keep. */
  readonly values: unknown[]
}

/** How a file's columns become a table's. */
export interface MappingOptions {
  /** Columns that are called otherwise in the file: name there -> name here. */
  readonly renamed: ReadonlyMap<string, string>
  /** Columns of the file to leave out. */
  readonly ignored: ReadonlySet<string>
  /** Whether to leave out all that the table does not have. */
  readonly ignoresUnknown: boolean
  /** Whether a column `deletedAt` says which rows are soft-deleted. */
  readonly withDeleted: boolean
  /** Whether rows may lack required columns, since they change rows that have them. */
  readonly isPartial: boolean
}

interface Mapped {
  readonly at: number
  readonly name: string
  readonly read: ReadCell<Cell>
}

/** Turns the records of one file into rows. */
export class RowMapper {
  readonly #table: string
  readonly #schema: TableSchema
  readonly #options: MappingOptions
  readonly #columns: ReadonlyMap<string, Column>
  readonly #json = new Map<string, ReadCell<unknown>>()
  #mapped: readonly Mapped[] = []
  #names: readonly string[] = []

  constructor(table: string, schema: TableSchema, options: MappingOptions) {
    this.#table = table
    this.#schema = schema
    this.#options = options
    this.#columns = new Map(Object.entries(schema.columns))
    for (const name of options.renamed.values()) this.#assertColumn(name, '--map')
  }

  /** Takes the names of a file's columns. @throws {@link MerrowError} `invalid_file` naming all that do not fit. */
  columns(names: readonly string[]): void {
    const faults = [...this.#faultsOf(names)]
    if (faults.length > 0)
      throw new MerrowError(
        'invalid_file',
        `${faults.join('\n')}\nTable "${this.#table}" has ${this.#schema.columnNames.join(', ')}. Nothing was imported.`,
      )
    const mapped = names.flatMap((given, at): Mapped[] => {
      const name = this.#nameOf(given)
      return name === undefined ? [] : [{ at, name, read: this.#textReader(name) }]
    })
    // In the table's order, which spares whoever stores them from sorting each row.
    const rank = ({ name }: Mapped): number => this.#schema.columnNames.indexOf(name)
    this.#mapped = mapped.sort((a, b) => rank(a) - rank(b))
    this.#names = this.#mapped.map(({ name }) => name)
  }

  /** The row of a record of text. @param faults - Gets what is wrong with it. */
  ofCells(cells: readonly Cell[], faults: Fault[]): NewRow {
    const values: unknown[] = []
    for (const { at, name, read } of this.#mapped) {
      const value = read(cells[at] as Cell)
      if (value instanceof CellFault) faults.push({ column: name, value: textOf(cells[at]), reason: value.reason })
      values.push(value)
    }
    return { columns: this.#names, values }
  }

  /** The row of a JSON object. @param faults - Gets what is wrong with it. */
  ofObject(object: Readonly<Record<string, unknown>>, faults: Fault[]): NewRow {
    const columns: string[] = []
    const values: unknown[] = []
    for (const [given, found] of Object.entries(object)) {
      const name = this.#nameOf(given)
      if (name === undefined) {
        if (!this.#isIgnored(given)) faults.push({ column: given, value: found, reason: this.#unknown(given) })
        continue
      }
      const value = this.#jsonReader(name)(found)
      if (value instanceof CellFault) faults.push({ column: name, value: found, reason: value.reason })
      else if (columns.includes(name)) faults.push({ column: name, value: found, reason: 'It is given twice.' })
      columns.push(name)
      values.push(value)
    }
    return { columns, values }
  }

  /** Names the cells whose bytes are no UTF-8. */
  badCells(cells: readonly Cell[]): Fault[] {
    return this.#mapped
      .filter(({ at }) => hasBadBytes(textOf(cells[at])))
      .map(({ at, name }) => ({ column: name, value: textOf(cells[at]), reason: BAD_BYTES }))
  }

  *#faultsOf(names: readonly string[]): Generator<string> {
    const seen = new Map<string, string>()
    for (const [at, given] of names.entries()) {
      const name = this.#nameOf(given)
      if (given === '') yield `Column ${at + 1} of the file has no name.`
      else if (name === undefined && !this.#isIgnored(given)) yield `Column ${show(given)}: ${this.#unknown(given)}`
      if (name === undefined) continue
      const other = seen.get(name)
      if (other !== undefined) yield `Columns ${show(other)} and ${show(given)} of the file are both "${name}".`
      seen.set(name, given)
    }
    for (const given of [...this.#options.renamed.keys(), ...this.#options.ignored])
      if (!names.includes(given)) yield `The file has no column ${show(given)}, which --map or --ignore names.`
    for (const [name, { presence }] of this.#options.isPartial ? [] : this.#columns)
      if (presence === 'required' && !seen.has(name))
        yield `Column "${name}" is required, and the file does not have it.`
  }

  /** What a column of the file is called in the table; undefined if it is left out or unknown. */
  #nameOf(given: string): string | undefined {
    if (this.#options.ignored.has(given)) return undefined
    const name = this.#options.renamed.get(given) ?? given
    return this.#isColumn(name) ? name : undefined
  }

  #isColumn(name: string): boolean {
    return this.#columns.has(name) || name === 'id' || (name === 'deletedAt' && this.#options.withDeleted)
  }

  #isIgnored(given: string): boolean {
    return this.#options.ignored.has(given) || this.#options.ignoresUnknown
  }

  #unknown(given: string): string {
    if (given === 'deletedAt') return 'Give --with-deleted to import soft-deleted rows, or --ignore deletedAt.'
    return `The table has no such column. Give --map ${show(`${given}=<column>`)} or --ignore ${show(given)}.`
  }

  #textReader(name: string): ReadCell<Cell> {
    const column = this.#columns.get(name)
    if (column !== undefined) return textCell(column)
    return (cell) => textOf(cell) || undefined
  }

  #jsonReader(name: string): ReadCell<unknown> {
    const known = this.#json.get(name)
    if (known !== undefined) return known
    const column = this.#columns.get(name)
    const reader: ReadCell<unknown> = column === undefined ? (value) => value ?? undefined : jsonCell(column)
    this.#json.set(name, reader)
    return reader
  }

  #assertColumn(name: string, option: string): void {
    if (this.#isColumn(name)) return
    throw new MerrowError(
      'invalid_config',
      `Option ${option}: table "${this.#table}" has no column ${show(name)}; it has id, ${this.#schema.columnNames.join(', ')}.`,
    )
  }
}

/** Why a record is refused whose bytes are no UTF-8. */
export const BAD_BYTES = 'Its bytes are no UTF-8. Save the file as UTF-8, or give its encoding with --encoding.'

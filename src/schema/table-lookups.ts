// How a table's rows are looked up: declared indexes and searchable columns, checked. Knows columns; builds nothing.
import { MerrowError, show } from '../errors.ts'
import type { ValueKind } from './column-type.ts'
import { RESERVED } from './names.ts'
import type { Columns } from './types.ts'

/** A declared index. */
export interface TableIndex {
  readonly columns: readonly string[]
  /** Whether no two rows may have the same values in it. */
  readonly isUnique: boolean
}

/** All that a table declares for queries. */
export interface Lookups {
  readonly indexes: readonly TableIndex[]
  /** Columns that the full-text search reads. */
  readonly searched: readonly string[]
}

/** Of a table that declares nothing. */
export const NO_LOOKUPS: Lookups = { indexes: [], searched: [] }

const UNORDERED: readonly (ValueKind | undefined)[] = ['set', 'json']

/** The indexes with one more. @throws {@link MerrowError} `invalid_schema` */
export const checkIndex = (
  indexes: readonly TableIndex[],
  columns: Columns,
  names: readonly string[],
  isUnique: boolean,
): readonly TableIndex[] => {
  const call = `${isUnique ? 'unique' : 'index'}(${names.map(show).join(', ')})`
  if (names.length === 0 || new Set(names).size !== names.length)
    throw refuse(call, 'name one column or more, each once.')
  for (const name of names) {
    assertColumn(call, columns, name, RESERVED)
    if (UNORDERED.includes(columns[name]?.type.holds))
      throw refuse(
        call,
        `column "${name}" holds ${columns[name]?.type.label}, which has no order. Index another column.`,
      )
  }
  return [...indexes, { columns: Object.freeze([...names]), isUnique }]
}

/** The searchable columns. @throws {@link MerrowError} `invalid_schema` */
export const checkSearched = (columns: Columns, names: readonly string[]): readonly string[] => {
  const call = `search(${names.map(show).join(', ')})`
  if (names.length === 0) throw refuse(call, 'name one column or more.')
  for (const name of names) {
    assertColumn(call, columns, name, [])
    if (!SEARCHABLE.includes(columns[name]?.type.holds))
      throw refuse(call, `column "${name}" holds ${columns[name]?.type.label}, no text. Search columns of text.`)
  }
  return Object.freeze([...new Set(names)])
}

const SEARCHABLE: readonly (ValueKind | undefined)[] = ['string', 'set', undefined]

const assertColumn = (call: string, columns: Columns, name: string, others: readonly string[]): void => {
  if (!Object.hasOwn(columns, name) && !others.includes(name))
    throw refuse(
      call,
      `there is no column ${show(name)}; the columns are ${[...others, ...Object.keys(columns)].join(', ')}.`,
    )
}

const refuse = (call: string, reason: string): MerrowError =>
  new MerrowError('invalid_schema', `A table was declared with ${call}: ${reason}`)

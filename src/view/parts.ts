// A view's tables and the columns it takes from each, checked. Knows no rows.
import { MerrowError, show } from '../errors.ts'
import type { Table } from '../query/index.ts'
import type { Columns } from '../schema/index.ts'
import { assertRecord } from './merge.ts'
import type { TableSource } from './types.ts'

/** One table's share in a view. */
export interface Part {
  readonly table: Table<Columns>
  /** Each column under the name that the view gives it. */
  readonly columns: readonly (readonly [name: string, column: string])[]
}

/**
 * Reads what a view is declared with.
 *
 * @param parts - Table name -> its columns, as a list or as new names for them.
 * @throws {@link MerrowError} `unknown_table`; `invalid_argument` for a column that is unknown or shown twice, or a name that is taken.
 */
export const readParts = (source: TableSource, parts: Readonly<Record<string, unknown>>): readonly Part[] => {
  assertRecord(parts, 'view()')
  const names = Object.keys(parts)
  if (names.length === 0)
    throw new MerrowError('invalid_argument', `view({}) shows nothing: name its tables, view({ tasks: ['title'] }).`)
  const result = names.map((name) => ({ table: source.table(name), columns: readSelection(name, parts[name]) }))
  for (const { table, columns } of result)
    checkColumns(table.name, source.schema.tables[table.name]?.columnNames ?? [], columns)
  checkNames(result)
  return result
}

const readSelection = (table: string, selection: unknown): Part['columns'] => {
  const pairs: readonly (readonly [string, unknown])[] = Array.isArray(selection)
    ? selection.map((column) => [column, column])
    : Object.entries(typeof selection === 'object' && selection !== null ? selection : {})
  if (typeof selection === 'object' && selection !== null && pairs.every(([, column]) => typeof column === 'string'))
    return pairs as Part['columns']
  throw new MerrowError(
    'invalid_argument',
    `view(): table "${table}" was given ${show(selection)}: list its columns, ['title'], or name them anew, { detailTitle: 'title' }.`,
    { table },
  )
}

const checkColumns = (table: string, known: readonly string[], columns: Part['columns']): void => {
  const taken = new Set<string>()
  for (const [, column] of columns) {
    if (!known.includes(column))
      throw new MerrowError(
        'invalid_argument',
        `view(): table "${table}" has no column ${show(column)}; its columns are ${known.join(', ')}. Correct the name.`,
        { table },
      )
    if (taken.has(column))
      throw new MerrowError(
        'invalid_argument',
        `view() shows column "${column}" of table "${table}" twice, so a write could not tell which counts. Remove one.`,
        { table },
      )
    taken.add(column)
  }
}

const checkNames = (parts: readonly Part[]): void => {
  const owners = new Map([
    ['id', 'every row'],
    ['__proto__', 'every object'],
  ])
  for (const { table, columns } of parts)
    for (const [name, column] of columns) {
      const owner = owners.get(name)
      if (owner !== undefined)
        throw new MerrowError(
          'invalid_argument',
          `view(): ${owner} has a column "${name}" already. Give that of table "${table.name}" another name: { ${table.name}: { newName: '${column}' } }.`,
          { table: table.name },
        )
      owners.set(name, `table "${table.name}"`)
    }
}

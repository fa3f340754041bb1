// The former names of a table's columns: whether they are clear, and what is written under them. Knows columns; no rows.
import { type Fault, MerrowError, show } from '../errors.ts'
import type { Column } from './column.ts'
import { type AnyFormer, writeFormer } from './former.ts'
import { isColumnName } from './names.ts'
import { Refusal } from './plain.ts'
import type { Columns } from './types.ts'

/** A former name or type of a column that is written along with it. */
export interface WrittenFormer {
  readonly column: string
  readonly field: string
  readonly definition: Column
  readonly write: NonNullable<AnyFormer['write']>
}

/** The former names and types of a column that it is also written under. */
export const writtenFormers = (column: string, definition: Column): readonly WrittenFormer[] =>
  definition.formers.flatMap(({ name: field = column, write }) =>
    write === undefined ? [] : [{ column, field, definition, write }],
  )

/**
 * What columns that are written were formerly. One of which the type alone has changed is put in its place among `values`.
 *
 * @param columns - Names of the columns that are written; `values` are theirs, in stored form.
 * @returns The fields to write beside them.
 */
export const writeFormers = (
  written: readonly WrittenFormer[],
  columns: readonly string[],
  values: unknown[],
  faults: Fault[],
): { readonly columns: readonly string[]; readonly values: readonly unknown[] } => {
  const own = [...values]
  const added: { readonly columns: string[]; readonly values: unknown[] } = { columns: [], values: [] }
  for (const { column, field, definition, write } of written) {
    const at = columns.indexOf(column)
    if (at < 0 || own[at] instanceof Refusal) continue
    const former = writeFormer(write, definition.type, own[at])
    if (former instanceof Refusal) faults.push({ column, value: own[at], reason: former.reason })
    if (field === column) values[at] = former
    else {
      added.columns.push(field)
      added.values.push(former)
    }
  }
  return added
}

/** @throws {@link MerrowError} `invalid_schema` for a former name that is malformed, or that another column has or writes. */
export const checkFormers = (columns: Columns): void => {
  const writers = new Map<string, string>()
  for (const [column, { formers }] of Object.entries(columns))
    for (const { name = column, write } of formers) {
      const isOwn = name === column
      const owner = !isOwn && Object.hasOwn(columns, name) ? name : writers.get(name)
      const isTaken = owner !== undefined && (isOwn || write !== undefined || Object.hasOwn(columns, name))
      if (!isColumnName(name) || isTaken)
        throw new MerrowError(
          'invalid_schema',
          `formerly({ name: ${show(name)} }) of column "${column}": ${isTaken ? `column "${owner}" has or writes that` : 'no column can be called so'}. Correct the name, or leave out one "write".`,
        )
      if (isOwn || write !== undefined) writers.set(name, column)
    }
}

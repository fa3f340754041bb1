// Shares: what a record holds for each table of a view, and writing it there. Knows parts and their tables; no subscriptions.
import { type Fault, MerrowError, show } from '../errors.ts'
import { has, valueIn } from './merge.ts'
import type { AnyRow } from './objects.ts'
import type { Part } from './parts.ts'

type Fields = Readonly<Record<string, unknown>>

/** What a record holds of a part, under the table's own column names; with `withGaps`, the columns that it has but leaves undefined, too. */
export const shareOf = ({ columns }: Part, record: object, { withGaps = false } = {}): Fields => {
  const own = columns.filter(([name]) => (withGaps ? has(record, name) : valueIn(record, name) !== undefined))
  return Object.fromEntries(own.map(([name, column]) => [column, valueIn(record, name)]))
}

/**
 * Inserts an object's row into each table of which it holds something, and into the anchor's.
 *
 * @param how - `upsert` takes over rows that are there without an anchor row.
 * @returns Their id.
 */
export const insertShares = (
  parts: readonly Part[],
  anchor: Part,
  object: object,
  how: 'insert' | 'upsert',
): string => {
  const given = valueIn(object, 'id')
  const id = anchor.table.insert({ ...shareOf(anchor, object), ...(given === undefined ? {} : { id: given }) } as never)
  for (const part of parts) {
    const share = shareOf(part, object)
    if (part !== anchor && Object.keys(share).length > 0) part.table[how]({ ...share, id } as never)
  }
  return id
}

/** Writes a patch's share to a part of the object of this anchor row, making or restoring the part's row if the share has a value for it. */
export const writeShare = (part: Part, anchor: AnyRow, patch: object): void => {
  const { id } = anchor
  const share = shareOf(part, patch, { withGaps: true })
  const row = part.table.get(id, { withDeleted: true })
  const isHidden = row === undefined || (row.deletedAt !== undefined && anchor.deletedAt === undefined)
  if (isHidden && Object.values(share).every((value) => value === undefined)) return
  if (row === undefined) return makeRow(part, anchor, share)
  if (Object.keys(share).length > 0) part.table.update(id, share as never)
  if (isHidden) part.table.restore(id)
}

const makeRow = ({ table }: Part, { id, deletedAt }: AnyRow, share: Fields): void => {
  try {
    table.insert({ ...share, id } as never)
  } catch (cause) {
    if (!(cause instanceof MerrowError) || cause.code !== 'invalid_value') throw cause
    throw new MerrowError(
      'invalid_value',
      `Table "${table.name}" has no row "${id}" yet, so the update has to make it and must give all that it needs. ${cause.message}`,
      { cause, table: table.name, id, faults: cause.faults },
    )
  }
  if (deletedAt !== undefined) table.delete(id)
}

/**
 * @param label - The view, and what was tried.
 * @throws {@link MerrowError} `invalid_value` if `given` is no object or has a property that is none of these columns.
 */
export const assertColumns = (label: string, columns: readonly string[], given: object): void => {
  const faults = faultsOf(columns, given)
  if (faults.length === 0) return
  const details = faults.map(({ column, value, reason }) => `column "${column}" = ${show(value)}: ${reason}`)
  throw new MerrowError('invalid_value', `${label}, nothing written: ${details.join(' ')}`, { faults })
}

const faultsOf = (columns: readonly string[], given: object): readonly Fault[] => {
  if (typeof given !== 'object' || given === null)
    return [{ column: '(row)', value: given, reason: 'Give an object of column names and values.' }]
  const reason = `There is no such column here; give ${columns.join(', ')}. Correct the name, or add it to the view.`
  const unknown = Object.keys(given).filter((name) => !columns.includes(name))
  return unknown.map((column) => ({ column, value: (given as Fields)[column], reason }))
}

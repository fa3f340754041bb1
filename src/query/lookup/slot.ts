// Where a row is found in all indexes of its table, as it is now. Knows no index.
import type { AnyRow } from '../plan/catalog.ts'

/** One row's: so that indexes which look at nothing that has changed need not be told. */
export interface Slot {
  row: AnyRow
}

/** The rows in some slots. */
export const rowsIn = (slots: Iterable<Slot>): AnyRow[] => {
  const rows: AnyRow[] = []
  for (const { row } of slots) rows.push(row)
  return rows
}

// The port through which plans reach rows. Types only.
import type { Lookups } from './lookup/lookups.ts'
import type { Answers } from './plan/answers.ts'
import type { AnyRow, TableInfo } from './plan/catalog.ts'

/** One table's rows, as they are now: writes that are not committed yet included. */
export interface TableRows {
  readonly info: TableInfo
  /** Its indexes, in step with its rows. */
  readonly lookups: Lookups
  /** What plans gave last, in step with its rows. */
  readonly answers: Answers
  /** How many changes of its rows have been told to those who follow it, those that the rows have now included. */
  readonly changes: number
  /** A row, soft-deleted or not. */
  row(id: string): AnyRow | undefined
  /** All rows; soft-deleted ones only if asked for. */
  all(withDeleted: boolean): Iterable<AnyRow>
}

/** The tables of one database. */
export interface TablesRows {
  of(table: string): TableRows
}

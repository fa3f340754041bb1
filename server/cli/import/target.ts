// Where an import's rows go: gathered while the file is read, written together at its end. Knows no file.
import type { RefusedColumn } from './refused.ts'
import type { NewRow } from './row-mapper.ts'

/** What became of the rows. */
export interface Written {
  readonly inserted: number
  readonly changed: number
  /** Rows that were as the file says already. */
  readonly unchanged: number
}

/** Takes rows, and writes them when told to. */
export interface RowTarget {
  /**
   * Takes one row.
   *
   * @param line - Where it stands in the file.
   * @returns What is wrong with it; it is then not taken.
   */
  take(row: NewRow, line: number): readonly RefusedColumn[]
  /** Writes what was taken. Durable, at the relay if it goes to one, when it resolves. */
  commit(): Promise<Written>
  /** Says what `commit` would do. */
  count(): Written
  /** Lets go of the place; what was not committed is gone. */
  close(): Promise<void>
}

// Records: what a reader finds in a file, before anybody asks whether it fits a table. Knows no format and no table.

/** Where a record stands. */
export interface Place {
  /** Its first line in the file, from 1. */
  readonly line: number
  /** It, as it stands there, without its line end. */
  readonly raw: string
}

/** Stands for a cell that holds nothing between quotes: empty text, where an empty cell is no text at all. */
export const QUOTED_EMPTY = Symbol('""')

/** A cell of a format that knows text alone. */
export type Cell = string | typeof QUOTED_EMPTY

/** What a cell holds. */
export const textOf = (cell: Cell | undefined): string => (typeof cell === 'string' ? cell : '')

/** Whom a reader tells of what it finds. */
export interface RecordSink {
  /** The names of the columns, in order: once, before any record, if the format has them. */
  columns(names: readonly string[], place: Place): void
  /** A record of text, one cell a column. */
  cells(cells: readonly Cell[], place: Place): void
  /** A record of JSON values. */
  object(value: Readonly<Record<string, unknown>>, place: Place): void
  /** A record that cannot be read, and why, as a sentence with the cure. */
  broken(reason: string, place: Place): void
}

/** Splits text into records. */
export interface RecordReader {
  /** Takes the next piece of the text. @throws {@link MerrowError} `invalid_file` if nothing can be made of it. */
  feed(text: string): void
  /** The text is at its end. @throws as {@link feed} */
  end(): void
}

/** Most characters of one record. */
export const MAX_RECORD_LENGTH = 16 * 1024 * 1024

/** Begins lines that readers pass over: what the report of refused lines says of the line below. */
export const NOTE = '#merrow: line '

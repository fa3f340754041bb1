// One import: bytes to text to records to rows to their target, and what was refused on the way. Knows the parts; no arguments and
// no place.
import type { Fault } from '../../../src/errors.ts'
import { CsvReader } from './csv-reader.ts'
import { FileDecoder, hasBadBytes } from './decode.ts'
import { JsonArrayReader, NdjsonReader } from './json-reader.ts'
import type { Progress } from './progress.ts'
import type { Cell, Place, RecordReader, RecordSink } from './record.ts'
import type { RefusedColumn, RefusedRecords } from './refused.ts'
import { BAD_BYTES, type NewRow, type RowMapper } from './row-mapper.ts'
import type { RowTarget } from './target.ts'

/** The formats that can be read. */
export const FORMATS = ['csv', 'ndjson', 'json'] as const
/** One of {@link FORMATS}. */
export type Format = (typeof FORMATS)[number]

/** What an import is made of. */
export interface ImportParts {
  readonly format: Format
  readonly encoding: string | undefined
  readonly delimiter: string | undefined
  readonly mapper: RowMapper
  readonly target: RowTarget
  readonly refused: RefusedRecords
  readonly progress: Progress
}

/**
 * Reads a file, and gives its rows to the target; nothing is written yet.
 *
 * @param source - The file's bytes, piece by piece.
 * @returns How many records there were.
 * @throws {@link MerrowError} `invalid_file` if the file cannot be read on.
 */
export const readRows = async (source: AsyncIterable<Buffer>, parts: ImportParts): Promise<number> => {
  const { encoding, refused, progress } = parts
  const decoder = new FileDecoder(encoding)
  const sink = new RowSink(parts, decoder)
  const reader = readerOf(parts, sink)
  let bytes = 0
  try {
    for await (const piece of source) {
      bytes += piece.length
      reader.feed(decoder.decode(piece))
      progress.show(bytes, sink.records, refused.count)
    }
    reader.feed(decoder.end())
    reader.end()
  } finally {
    progress.clear()
  }
  return sink.records
}

const readerOf = ({ format, delimiter }: ImportParts, sink: RecordSink): RecordReader => {
  switch (format) {
    case 'csv':
      return new CsvReader(sink, { delimiter })
    case 'ndjson':
      return new NdjsonReader(sink)
    case 'json':
      return new JsonArrayReader(sink)
  }
}

class RowSink implements RecordSink {
  records = 0
  readonly #mapper: RowMapper
  readonly #target: RowTarget
  readonly #refused: RefusedRecords
  readonly #decoder: FileDecoder
  /** What is wrong with the record at hand; one list for all, since nearly all are empty. */
  readonly #faults: Fault[] = []

  constructor({ mapper, target, refused }: ImportParts, decoder: FileDecoder) {
    this.#mapper = mapper
    this.#target = target
    this.#refused = refused
    this.#decoder = decoder
  }

  columns(names: readonly string[], { raw }: Place): void {
    this.#refused.begin(raw)
    this.#mapper.columns(names)
  }

  cells(cells: readonly Cell[], place: Place): void {
    if (this.#hasBadBytes(place)) return this.#refuse(place, this.#mapper.badCells(cells))
    this.#take(this.#mapper.ofCells(cells, this.#faults), place)
  }

  object(value: Readonly<Record<string, unknown>>, place: Place): void {
    if (this.#hasBadBytes(place)) return this.#refuse(place, [{ reason: BAD_BYTES }])
    this.#take(this.#mapper.ofObject(value, this.#faults), place)
  }

  broken(reason: string, place: Place): void {
    this.#refuse(place, [{ reason }])
  }

  #take(row: NewRow, place: Place): void {
    const wrong = this.#faults.length > 0 ? this.#faults.splice(0) : this.#target.take(row, place.line)
    if (wrong.length > 0) this.#refuse(place, wrong)
    else this.records += 1
  }

  #refuse(place: Place, columns: readonly RefusedColumn[]): void {
    this.records += 1
    this.#refused.add(place, columns.length > 0 ? columns : [{ reason: BAD_BYTES }])
  }

  #hasBadBytes({ raw }: Place): boolean {
    return this.#decoder.sawBadBytes && hasBadBytes(raw)
  }
}

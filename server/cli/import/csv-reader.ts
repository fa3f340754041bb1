// CSV (RFC 4180) to records, each with its line and its own text. A broken quote costs the line that it stands in, not the rest of
// the file: what follows is read afresh. Ours, since no library does that, nor tells lines at the speed needed (docs/import-export.md).
import { MerrowError, show } from '../../../src/errors.ts'
import {
  type Cell,
  MAX_RECORD_LENGTH,
  NOTE,
  QUOTED_EMPTY,
  type RecordReader,
  type RecordSink,
  textOf,
} from './record.ts'

/** How a CSV file is written. */
export interface CsvOptions {
  /** One character between cells; found in the first line if left out. */
  readonly delimiter?: string | undefined
  /** Most characters of one record. */
  readonly maxRecordLength?: number
}

const QUOTE = 34
const CARRIAGE_RETURN = 13
const LINE_FEED = 10
const NOTE_START = NOTE.charCodeAt(0)
const DELIMITERS = [',', ';', '\t', '|']

/** What one attempt to read a record came to: it ends before `next`, or more text is needed. */
type Attempt = { readonly kind: 'read'; readonly next: number } | { readonly kind: 'more' }
const MORE: Attempt = { kind: 'more' }

/** Reads CSV whose first record names the columns. */
export class CsvReader implements RecordReader {
  readonly #sink: RecordSink
  readonly #maxLength: number
  #delimiter: string | undefined
  #width: number | undefined
  #rest = ''
  #line = 1
  /** Where the next quote stands in the text at hand; its length if there is none. */
  #quoteAt = 0

  constructor(sink: RecordSink, { delimiter, maxRecordLength = MAX_RECORD_LENGTH }: CsvOptions = {}) {
    this.#sink = sink
    this.#delimiter = delimiter
    this.#maxLength = maxRecordLength
  }

  feed(text: string): void {
    this.#read(this.#rest + text, false)
  }

  end(): void {
    this.#read(this.#rest, true)
    if (this.#width === undefined)
      throw new MerrowError('invalid_file', 'The file is empty: its first line must name the columns.')
  }

  #read(text: string, isLast: boolean): void {
    let at = 0
    this.#quoteAt = -1
    for (;;) {
      const attempt = at < text.length ? this.#record(text, at, isLast) : MORE
      if (attempt.kind === 'read') at = attempt.next
      else if (text.length - at > this.#maxLength) at = this.#skipOpenQuote(text, at)
      else break
    }
    this.#rest = text.slice(at)
  }

  #record(text: string, start: number, isLast: boolean): Attempt {
    const feed = text.indexOf('\n', start)
    if (feed < 0 && !isLast) return MORE
    const lineEnd = feed < 0 ? text.length : feed
    if (text.charCodeAt(start) === NOTE_START && text.startsWith(NOTE, start)) return this.#next(lineEnd, 1)
    this.#delimiter ??= delimiterOf(text.slice(start, lineEnd))
    if (this.#quoteAt < start) {
      const found = text.indexOf('"', start)
      this.#quoteAt = found < 0 ? text.length : found
    }
    return this.#quoteAt < lineEnd
      ? this.#quoted(text, start, isLast)
      : this.#plain(text, start, lineEnd, this.#delimiter)
  }

  /** A record without quotes: a line. */
  #plain(text: string, start: number, lineEnd: number, delimiter: string): Attempt {
    const end = withoutReturn(text, start, lineEnd)
    const raw = text.slice(start, end)
    if (raw !== '') this.#tell(raw.split(delimiter), raw)
    return this.#next(lineEnd, 1)
  }

  /** A record with a quote somewhere in its first line. */
  #quoted(text: string, start: number, isLast: boolean): Attempt {
    const delimiter = (this.#delimiter as string).charCodeAt(0)
    const cells: Cell[] = []
    let at = start
    for (;;) {
      const cell = text.charCodeAt(at) === QUOTE ? quotedCell(text, at) : plainCell(text, at, delimiter)
      // A closing quote at the very end may be the first of two, or a line end be cut in two.
      if (cell.end >= text.length - 1 && !isLast && text.charCodeAt(cell.end) !== LINE_FEED) return MORE
      if ('fault' in cell) return this.#broken(text, start, cells.length, cell.fault)
      cells.push(cell.value)
      at = cell.end
      if (text.charCodeAt(at) === delimiter) at += 1
      else {
        const isEnd = at >= text.length || text.charCodeAt(at) === LINE_FEED
        if (!isEnd && !text.startsWith('\r\n', at))
          return this.#broken(
            text,
            start,
            cells.length - 1,
            'goes on after its closing quote. Double quotes within a cell',
          )
        break
      }
    }
    const raw = text.slice(start, at)
    const lineEnd = text.charCodeAt(at) === CARRIAGE_RETURN ? at + 1 : at
    // A spreadsheet may have put quotes around it.
    if (!textOf(cells[0]).startsWith(NOTE)) this.#tell(cells, raw)
    return this.#next(lineEnd, raw.split('\n').length)
  }

  #tell(cells: readonly Cell[], raw: string): void {
    const place = { line: this.#line, raw }
    if (this.#width === undefined) {
      this.#width = cells.length
      this.#sink.columns(
        cells.map((cell) => textOf(cell).trim()),
        place,
      )
    } else if (cells.length === this.#width) this.#sink.cells(cells, place)
    else
      this.#sink.broken(
        `It has ${cells.length} cells, and the first line names ${this.#width} columns. Quote cells that contain ${show(this.#delimiter)}.`,
        place,
      )
  }

  /** Refuses the line where the record begins; the next one is read as if nothing had been. */
  #broken(text: string, start: number, cell: number, fault: string): Attempt {
    const feed = text.indexOf('\n', start)
    const lineEnd = feed < 0 ? text.length : feed
    const reason = `Cell ${cell + 1} ${fault}.`
    if (this.#width === undefined)
      throw new MerrowError('invalid_file', `Line ${this.#line} must name the columns. ${reason}`)
    this.#sink.broken(reason, { line: this.#line, raw: text.slice(start, withoutReturn(text, start, lineEnd)) })
    return this.#next(lineEnd, 1)
  }

  /** A record that does not end: its line is refused if it is a line; else there is nothing to go on with. */
  #skipOpenQuote(text: string, start: number): number {
    const feed = text.indexOf('\n', start)
    if (feed < 0 || feed - start > this.#maxLength)
      throw new MerrowError(
        'invalid_file',
        `Line ${this.#line} is longer than ${this.#maxLength} characters. Is this a CSV file, with lines that end in LF or CRLF? Nothing was imported.`,
      )
    const attempt = this.#broken(
      text,
      start,
      0,
      `or a later one opens a quote that is not closed within ${this.#maxLength} characters`,
    )
    return attempt.kind === 'read' ? attempt.next : feed + 1
  }

  #next(lineEnd: number, lines: number): Attempt {
    this.#line += lines
    return { kind: 'read', next: lineEnd + 1 }
  }
}

/** A cell, or why it is none. It ends at or after the text's end if it may go on. */
type FoundCell = { readonly value: Cell; readonly end: number } | { readonly fault: string; readonly end: number }

const quotedCell = (text: string, start: number): FoundCell => {
  let value = ''
  let from = start + 1
  for (;;) {
    const close = text.indexOf('"', from)
    if (close < 0)
      return {
        fault: 'opens a quote that is not closed. Close it, or double it if it belongs to the text',
        end: text.length,
      }
    value += text.slice(from, close)
    if (text.charCodeAt(close + 1) !== QUOTE) return { value: value === '' ? QUOTED_EMPTY : value, end: close + 1 }
    value += '"'
    from = close + 2
  }
}

const plainCell = (text: string, start: number, delimiter: number): FoundCell => {
  for (let at = start; ; at++) {
    const code = text.charCodeAt(at)
    const isEnd = at >= text.length || code === delimiter || code === LINE_FEED
    if (isEnd || (code === CARRIAGE_RETURN && text.charCodeAt(at + 1) === LINE_FEED))
      return { value: text.slice(start, at), end: at }
    if (code === QUOTE)
      return { fault: 'has a quote in its middle. Quote the whole cell, and double the quotes within', end: at }
  }
}

const withoutReturn = (text: string, start: number, lineEnd: number): number =>
  lineEnd > start && text.charCodeAt(lineEnd - 1) === CARRIAGE_RETURN ? lineEnd - 1 : lineEnd

/** The delimiter that the first line has most of, quoted cells aside. */
const delimiterOf = (header: string): string => {
  const open = header.replace(/"[^"]*"/g, '')
  const counts = DELIMITERS.map((delimiter) => open.split(delimiter).length)
  return DELIMITERS[counts.indexOf(Math.max(...counts))] as string
}

// JSON to records: lines of it (NDJSON), or one array, element by element. Finds where each begins and ends; JSON.parse does the rest.
import { MerrowError } from '../../../src/errors.ts'
import { MAX_RECORD_LENGTH, NOTE, type RecordReader, type RecordSink } from './record.ts'

/** Bounds of a JSON reader. */
export interface JsonOptions {
  /** Most characters of one record. */
  readonly maxRecordLength?: number
}

/** Reads one JSON object a line. */
export class NdjsonReader implements RecordReader {
  readonly #sink: RecordSink
  readonly #maxLength: number
  #rest = ''
  #line = 0

  constructor(sink: RecordSink, { maxRecordLength = MAX_RECORD_LENGTH }: JsonOptions = {}) {
    this.#sink = sink
    this.#maxLength = maxRecordLength
  }

  feed(text: string): void {
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#read(line)
    if (this.#rest.length > this.#maxLength) throw tooLong(this.#line + 1, this.#maxLength)
  }

  end(): void {
    this.#read(this.#rest)
    this.#rest = ''
  }

  #read(raw: string): void {
    this.#line += 1
    if (raw.length > this.#maxLength) throw tooLong(this.#line, this.#maxLength)
    if (raw.trim() !== '' && !raw.startsWith(NOTE)) tellValue(this.#sink, raw.trim(), this.#line)
  }
}

const OPEN = new Set(['{', '['])
/** All that matters between the ends of an element. */
const MARKS = /["\\{}[\],\n]/g

/** Reads one array of JSON objects. */
export class JsonArrayReader implements RecordReader {
  readonly #sink: RecordSink
  readonly #maxLength: number
  #text = ''
  /** Where the search for the element's end goes on. */
  #at = 0
  #line = 1
  #elementLine = 1
  #depth = 0
  #isInString = false

  constructor(sink: RecordSink, { maxRecordLength = MAX_RECORD_LENGTH }: JsonOptions = {}) {
    this.#sink = sink
    this.#maxLength = maxRecordLength
  }

  feed(text: string): void {
    this.#text += text
    this.#read()
    if (this.#text.length > this.#maxLength) throw tooLong(this.#elementLine, this.#maxLength)
  }

  end(): void {
    this.#read()
    if (this.#depth >= 0 || this.#text.trim() !== '')
      throw new MerrowError(
        'invalid_file',
        `The JSON array does not end well: see the record of line ${this.#elementLine}. Mend it there; nothing was imported.`,
      )
  }

  /** At depth 0 the array has not begun, at 1 between elements' parts, at -1 it has ended. */
  #read(): void {
    let start = 0
    for (;;) {
      MARKS.lastIndex = this.#at
      const mark = MARKS.exec(this.#text)
      if (mark === null) break
      const { index } = mark
      const [sign] = mark
      if (sign === '\\' && index + 1 === this.#text.length) {
        this.#at = index
        break
      }
      this.#at = sign === '\\' ? index + 2 : index + 1
      if (sign === '\n') this.#line += 1
      else if (sign === '"') this.#isInString = !this.#isInString
      else if (!this.#isInString && sign !== '\\') start = this.#structure(sign, start, index)
    }
    if (this.#at < this.#text.length && this.#text.charCodeAt(this.#at) !== 92) this.#at = this.#text.length
    this.#text = this.#text.slice(start)
    this.#at -= start
  }

  /** @returns Where the element begins that is being read. */
  #structure(sign: string, start: number, index: number): number {
    if (this.#depth <= 0) return this.#outside(sign, start, index)
    const isEnd = this.#depth === 1 && (sign === ']' || sign === ',')
    if (isEnd) {
      this.#tell(this.#text.slice(start, index), sign)
      if (sign === ']') this.#depth = -1
      return index + 1
    }
    if (OPEN.has(sign)) {
      if (this.#depth === 1) this.#elementLine = this.#line
      this.#depth += 1
    } else if (sign !== ',') this.#depth -= 1
    return start
  }

  #outside(sign: string, start: number, index: number): number {
    if (this.#depth < 0 || sign !== '[' || this.#text.slice(start, index).trim() !== '')
      throw new MerrowError(
        'invalid_file',
        `Line ${this.#line}: this is no JSON array of objects. Give [{ ... }, ...], or one object a line and --format ndjson.`,
      )
    this.#depth = 1
    return index + 1
  }

  #tell(text: string, sign: string): void {
    const raw = text.trim()
    if (raw === '' && sign === ']') return
    const isOpen = raw.startsWith('{') || raw.startsWith('[')
    tellValue(this.#sink, raw, isOpen ? this.#elementLine : this.#line)
  }
}

const tellValue = (sink: RecordSink, raw: string, line: number): void => {
  const place = { line, raw }
  let value: unknown
  try {
    value = JSON.parse(raw)
  } catch (error) {
    return sink.broken(`It is no JSON: ${error instanceof Error ? error.message : String(error)}.`, place)
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value))
    return sink.object(value as Readonly<Record<string, unknown>>, place)
  sink.broken('It is no JSON object. Give { "column": value, ... }.', place)
}

const tooLong = (line: number, maxLength: number): MerrowError =>
  new MerrowError(
    'invalid_file',
    `The record of line ${line} is longer than ${maxLength} characters. Is the format right (--format)? Nothing was imported.`,
  )

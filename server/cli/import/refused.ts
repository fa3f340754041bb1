// Refused records: counted, shown, and written to a report that can be mended and imported. Knows no format but its lines.
import { closeSync, openSync, writeSync } from 'node:fs'
import { MerrowError, show } from '../../../src/errors.ts'
import { encodeText } from './decode.ts'
import { NOTE, type Place } from './record.ts'

/** What is wrong with one column of a record, or, without one, with the record. */
export interface RefusedColumn {
  readonly column?: string
  /** What and how to put it right, as a sentence. */
  readonly reason: string
}

/** How many refused records are kept for showing; the report has them all. */
const SHOWN = 20

/** The refused records of one import. */
export class RefusedRecords {
  readonly #report: number | undefined
  readonly #shown: string[] = []
  #header: string | undefined
  #count = 0

  /** @param path - File of the report, emptied now; none if undefined. @throws {@link MerrowError} `invalid_config` if it cannot be written. */
  constructor(path?: string) {
    try {
      this.#report = path === undefined ? undefined : openSync(path, 'w')
    } catch (cause) {
      const message = `The report ${show(path)} cannot be written: ${cause instanceof Error ? cause.message : String(cause)}.`
      throw new MerrowError('invalid_config', message, { cause })
    }
  }

  /** How many there are. */
  get count(): number {
    return this.#count
  }

  /** The first of them, a line each. */
  get shown(): readonly string[] {
    return this.#shown
  }

  /** Takes the line that a report must begin with, so that it can be imported. */
  begin(header: string): void {
    this.#header = header
  }

  /** Takes one record. */
  add({ line, raw }: Place, columns: readonly RefusedColumn[]): void {
    this.#count += 1
    const sentences = columns.map((column) => sentenceOf(line, column))
    if (this.#shown.length < SHOWN) this.#shown.push(...sentences.map((sentence) => `line ${sentence}`))
    if (this.#report === undefined) return
    const header = this.#count === 1 && this.#header !== undefined ? `${this.#header}\n` : ''
    const notes = sentences.map((sentence) => `${NOTE}${sentence}\n`).join('')
    writeSync(this.#report, encodeText(`${header}${notes}${raw}\n`))
  }

  /** Ends the report. */
  close(): void {
    if (this.#report !== undefined) closeSync(this.#report)
  }
}

const sentenceOf = (line: number, { column, reason }: RefusedColumn): string =>
  `${line}${column === undefined ? '' : `, column ${show(column)}`}: ${reason.replaceAll(/\s*\n\s*/g, ' ')}`

// Bytes of a file to text. UTF-8 that is broken costs the records it stands in, not the file: bad bytes become lone surrogates, as in
// Python's "surrogateescape", which no column takes. Knows no format.
import { isUtf8 } from 'node:buffer'
import { MerrowError, show } from '../../../src/errors.ts'

const BOMS: readonly (readonly [string, readonly number[]])[] = [
  ['utf-8', [0xef, 0xbb, 0xbf]],
  ['utf-16le', [0xff, 0xfe]],
  ['utf-16be', [0xfe, 0xff]],
]
const ESCAPE = 0xdc00
const ESCAPED = /(?<![\uD800-\uDBFF])[\uDC80-\uDCFF]/
const LINE_FEED = 10

/** Whether text came from bytes that are no UTF-8. */
export const hasBadBytes = (text: string): boolean => ESCAPED.test(text)

/** Text as UTF-8; what came from bad bytes becomes those bytes again. */
export const encodeText = (text: string): Buffer =>
  hasBadBytes(text)
    ? Buffer.concat(
        text
          .split(/((?<![\uD800-\uDBFF])[\uDC80-\uDCFF])/)
          .map((part) => (ESCAPED.test(part) ? Buffer.of(part.charCodeAt(0) - ESCAPE) : Buffer.from(part))),
      )
    : Buffer.from(text)

/** Decodes one file, piece by piece. A byte order mark says how, unless the caller does; else it is UTF-8. */
export class FileDecoder {
  #encoding: string | undefined
  #strict: TextDecoder | undefined
  #rest: Buffer = Buffer.alloc(0)
  #isBegun = false
  /** Whether anything was decoded that is no UTF-8. */
  sawBadBytes = false

  /** @param encoding - Any that `TextDecoder` knows. @throws {@link MerrowError} `invalid_config` for another. */
  constructor(encoding?: string) {
    this.#encoding = encoding === undefined ? undefined : nameOf(encoding)
  }

  /** Decodes the next piece. @throws {@link MerrowError} `invalid_file` for bytes that the encoding does not have, UTF-8 aside. */
  decode(bytes: Buffer): string {
    const all = this.#rest.length === 0 ? bytes : Buffer.concat([this.#rest, bytes])
    this.#rest = Buffer.alloc(0)
    if (!this.#isBegun && all.length < 3) return this.#keep(all, 0)
    const start = this.#isBegun ? 0 : this.#begin(all)
    if (this.#strict !== undefined) return this.#decodeStrictly(all.subarray(start), true)
    const whole = all.length - unfinished(all)
    const text = this.#decodeUtf8(all.subarray(start, whole))
    this.#keep(all, whole)
    return text
  }

  /** What is left at the end of the file. @throws as {@link decode} */
  end(): string {
    const rest = this.#isBegun ? this.#rest : this.#rest.subarray(this.#begin(this.#rest))
    return this.#strict === undefined ? this.#decodeUtf8(rest) : this.#decodeStrictly(rest, false)
  }

  #keep(bytes: Buffer, from: number): string {
    this.#rest = bytes.subarray(from)
    return ''
  }

  /** @returns How many bytes the mark has. */
  #begin(bytes: Buffer): number {
    this.#isBegun = true
    const mark = BOMS.find(([, signs]) => signs.every((sign, at) => bytes[at] === sign))
    this.#encoding ??= mark?.[0] ?? 'utf-8'
    if (this.#encoding !== 'utf-8') this.#strict = new TextDecoder(this.#encoding, { fatal: true })
    else if (bytes.subarray(0, 64).includes(0))
      throw new MerrowError(
        'invalid_file',
        'The file holds zero bytes, so it is no UTF-8 text. If it is UTF-16 without a byte order mark, give --encoding utf-16le. Nothing was imported.',
      )
    return mark !== undefined && mark[0] === this.#encoding ? mark[1].length : 0
  }

  #decodeStrictly(bytes: Buffer, stream: boolean): string {
    try {
      return (this.#strict as TextDecoder).decode(bytes, { stream })
    } catch (cause) {
      const message = `The file has bytes that ${this.#encoding} does not. Give its real encoding with --encoding, or save it as UTF-8. Nothing was imported.`
      throw new MerrowError('invalid_file', message, { cause })
    }
  }

  #decodeUtf8(bytes: Buffer): string {
    if (isUtf8(bytes)) return bytes.toString('utf8')
    this.sawBadBytes = true
    let text = ''
    for (let at = 0; at < bytes.length; ) {
      const feed = bytes.indexOf(LINE_FEED, at)
      const line = bytes.subarray(at, feed < 0 ? bytes.length : feed + 1)
      text += isUtf8(line) ? line.toString('utf8') : escapeBadBytes(line)
      at += line.length
    }
    return text
  }
}

const nameOf = (encoding: string): string => {
  try {
    return new TextDecoder(encoding).encoding
  } catch (cause) {
    const message = `Encoding ${show(encoding)} is unknown. Give one like utf-8, utf-16le, windows-1252 or shift_jis.`
    throw new MerrowError('invalid_config', message, { cause })
  }
}

/** How many bytes of a character stand at the end whose others are yet to come. */
const unfinished = (bytes: Buffer): number => {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] as number
    if (byte < 0x80) return 0
    if (byte >= 0xc0) return lengthOf(byte) > back ? back : 0
  }
  return 0
}

const lengthOf = (lead: number): number => (lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc0 ? 2 : 1)

const escapeBadBytes = (line: Buffer): string => {
  let text = ''
  for (let at = 0; at < line.length; ) {
    const lead = line[at] as number
    const character = line.subarray(at, at + lengthOf(lead))
    const isGood = isUtf8(character)
    text += isGood ? character.toString('utf8') : String.fromCharCode(ESCAPE + lead)
    at += isGood ? character.length : 1
  }
  return text
}

// Values of a file to values of columns: what a cell of text, or a JSON value, means for a column. Knows column types by what they
// hold; whether the value is good is the column's own affair.
import { show } from '../../../src/errors.ts'
import { type Column, type ColumnType, Refusal, type ValueKind } from '../../../src/schema/index.ts'
import { type Cell, textOf } from './record.ts'

/** Why a cell is no value for its column, as a sentence with the cure. */
export class CellFault {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Makes a caller's value, or a {@link CellFault}; `undefined` for none. */
export type ReadCell<T> = (given: T) => unknown

/** How the cells of one column of text are read. */
export const textCell = ({ type, presence }: Column): ReadCell<Cell> => {
  const read = READERS[type.holds ?? 'any'](type)
  // An empty cell is no text where a column can do without, and empty text where it cannot; quoted, it is always text.
  const empty = type.holds === 'string' && presence === 'required' ? '' : undefined
  return (cell) => (cell === '' ? empty : read(textOf(cell)))
}

/** How the JSON values of one column are read: dates are text or milliseconds, and null is none but for JSON columns. */
export const jsonCell = ({ type }: Column): ReadCell<unknown> => {
  if (type.holds === 'json') return (value) => value
  if (type.holds !== 'date') return (value) => value ?? undefined
  return (value) => {
    if (value === null) return undefined
    return typeof value === 'string' ? dateOf(value) : typeof value === 'number' ? new Date(value) : value
  }
}

/** Powers of ten that a number can be divided by without an error of its own. */
const POWERS = Array.from({ length: 16 }, (_, power) => 10 ** power)

/** A number of at most 15 digits, a point among them perhaps, which are what most cells hold; NaN for all others. Quicker than `Number`. */
const plainNumberOf = (text: string): number => {
  const isNegative = text.charCodeAt(0) === 45
  const first = isNegative ? 1 : 0
  let [digits, decimals, at] = [0, -1, first]
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at)
    if (code >= 48 && code < 58) {
      digits = digits * 10 + code - 48
      if (decimals >= 0) decimals += 1
    } else if (code === 46 && decimals < 0 && at > first) decimals = 0
    else return Number.NaN
  }
  if (at === first || at - first > 15 || decimals === 0) return Number.NaN
  // Whole numbers below 2 ** 53 and powers of ten are exact, so that their quotient is rounded once, as `Number` does.
  const size = decimals > 0 ? digits / (POWERS[decimals] as number) : digits
  return isNegative ? -size : size
}

// Number('') is 0 and Number('0x1f') is 31: neither is what a table of numbers means.
const NO_NUMBER = /^\s*(?:0[xob]|$)/i
const numberOf = (text: string): unknown => {
  const plain = plainNumberOf(text)
  if (!Number.isNaN(plain)) return plain
  const value = Number(text)
  return Number.isFinite(value) && !NO_NUMBER.test(text)
    ? value
    : new CellFault(`Give a number like 1234.5, not ${show(text)}.`)
}

const BOOLEANS = new Map<string, boolean>([
  ...['true', 't', 'yes', 'y', '1'].map((word): [string, boolean] => [word, true]),
  ...['false', 'f', 'no', 'n', '0'].map((word): [string, boolean] => [word, false]),
])
const booleanOf = (text: string): unknown =>
  BOOLEANS.get(text.trim().toLowerCase()) ?? new CellFault(`Give true or false, yes or no, 1 or 0, not ${show(text)}.`)

const DATE = /^(\d{4})-(\d{2})-(\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?) ?(Z|[+-]\d{2}:?\d{2})?)?$/
const EPOCH = /^-?\d{1,16}$/
const badDate = (text: string): CellFault =>
  new CellFault(`Give a date like 2026-03-01, 2026-03-01T12:30:00Z or milliseconds since 1970, not ${show(text)}.`)

/** ISO 8601, UTC unless it says otherwise, or milliseconds since the epoch. */
const dateOf = (given: string): unknown => {
  const text = given.trim()
  if (EPOCH.test(text)) return new Date(Number(text))
  const [, year, month, day, time = '00:00', zone = 'Z'] = DATE.exec(text) ?? []
  const isDay = new Date(`${year}-${month}-${day}T00:00:00Z`).getUTCDate() === Number(day)
  const date = new Date(`${year}-${month}-${day}T${time}${zone}`)
  return isDay && !Number.isNaN(date.getTime()) ? date : badDate(given)
}

const jsonOf = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return new CellFault(`Give JSON, not ${show(text)}. Text needs quotes in JSON.`)
  }
}

/** Text if the column takes it, else what it is as JSON: validators do not say what they want. */
const anyOf =
  (type: ColumnType<unknown>) =>
  (text: string): unknown => {
    const takes = (value: unknown): boolean => !isRefusal(type.write(value))
    if (takes(text)) return text
    const value = jsonOf(text)
    return value instanceof CellFault || !takes(value) ? text : value
  }

/** A JSON array, or elements between semicolons; elements are text if the column takes them so, else JSON. */
const setOf =
  (type: ColumnType<unknown>) =>
  (text: string): unknown => {
    if (text.trimStart().startsWith('[')) return jsonOf(text)
    const words = text.split(';').map((word) => word.trim())
    if (!isRefusal(type.write(words))) return words
    const values = words.map(jsonOf)
    return values.some((value) => value instanceof CellFault) ? words : values
  }

const isRefusal = (written: unknown): boolean => written instanceof Refusal

const READERS: Readonly<Record<ValueKind | 'any', (type: ColumnType<unknown>) => ReadCell<string>>> = {
  string: () => (text) => text,
  number: () => numberOf,
  boolean: () => booleanOf,
  date: () => dateOf,
  json: () => jsonOf,
  set: setOf,
  any: anyOf,
}

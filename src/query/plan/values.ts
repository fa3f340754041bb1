// Values as queries compare them: an order over everything that a column can hold. Knows no columns.

/** Stands below every value, in probes of ordered indexes. */
export const LOWEST: unknown = Symbol('lowest')
/** Stands above every value, missing ones too. */
export const HIGHEST: unknown = Symbol('highest')

/** Whether a row lacks a value: `undefined`, or JSON's `null`. */
export const isMissing = (value: unknown): value is null | undefined => value === undefined || value === null

/** A value that can be compared with `===`: dates as milliseconds, missing ones as `undefined`. */
export const toComparable = (value: unknown): unknown =>
  value instanceof Date ? value.getTime() : value === null ? undefined : value

/** Orders two comparable values: false, true, numbers, strings by code units, others as equal, missing ones. */
export const compareValues = (a: unknown, b: unknown): number => {
  if (a === b) return 0
  if (typeof a === 'number' && typeof b === 'number') return a - b
  if (typeof a === 'string' && typeof b === 'string') return a < b ? -1 : 1
  return rank(a) - rank(b)
}

const rank = (value: unknown): number => {
  switch (typeof value) {
    case 'boolean':
      return value ? 2 : 1
    case 'number':
      return 3
    case 'string':
      return 4
    default:
      return value === LOWEST ? 0 : value === HIGHEST ? 7 : isMissing(value) ? 6 : 5
  }
}

/** One text for several comparable values; different ones for different values. */
export const keyOfValues = (values: readonly unknown[]): string => {
  let key = ''
  for (const value of values) key += typeof value === 'string' ? `s${value.length}:${value}` : `${String(value)};`
  return key
}

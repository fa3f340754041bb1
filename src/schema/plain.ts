// Plain values: what may be stored in a column, copied and frozen. Knows no columns.
import { MerrowError, show } from '../errors.ts'

/** A JSON value, read-only all the way down. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json }

/** Why a value cannot be stored, as a sentence with the cure. Returned, not thrown: several may go into one error. */
export class Refusal {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Deepest nesting of a stored value. */
export const MAX_DEPTH = 64
/** Most characters and items of one stored value. */
export const MAX_VALUE_SIZE = 1_000_000

const wellFormed: (text: string) => boolean =
  'isWellFormed' in String.prototype
    ? (text) => (text as string & { isWellFormed(): boolean }).isWellFormed()
    : (text) => !/[\uD800-\uDBFF](?![\uDC00-\uDFFF])|(?<![\uD800-\uDBFF])[\uDC00-\uDFFF]/.test(text)

/** Why a string cannot be stored, or undefined if it can. */
export const refuseText = (text: string): Refusal | undefined => {
  if (text.length > MAX_VALUE_SIZE)
    return new Refusal(
      `It has ${text.length} characters; at most ${MAX_VALUE_SIZE} fit a column. Store large content elsewhere.`,
    )
  return wellFormed(text)
    ? undefined
    : new Refusal('It has half of a surrogate pair, which UTF-8 cannot hold. Clean it with toWellFormed().')
}

/** Copies a JSON value, frozen all the way down; a {@link Refusal} if it is none. */
export const toPlain = (value: unknown): Json | Refusal => {
  const budget = { left: MAX_VALUE_SIZE }
  try {
    return copy(value, MAX_DEPTH, budget)
  } catch (refusal) {
    if (refusal instanceof Refusal) return refusal
    throw refusal
  }
}

const copy = (value: unknown, depth: number, budget: { left: number }): Json => {
  budget.left -= typeof value === 'string' ? value.length + 1 : 1
  if (budget.left < 0)
    throw new Refusal(`It is larger than ${MAX_VALUE_SIZE} characters and items. Store large content elsewhere.`)
  if (depth < 0) throw new Refusal(`It is nested more than ${MAX_DEPTH} deep, or contains itself. Flatten it.`)
  switch (typeof value) {
    case 'string': {
      const refusal = refuseText(value)
      if (refusal) throw refusal
      return value
    }
    case 'boolean':
      return value
    case 'number':
      if (!Number.isFinite(value)) throw new Refusal(`It contains ${value}, which JSON cannot hold. Use null instead.`)
      return value
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return Object.freeze(Array.from(value, (item) => copy(item, depth - 1, budget)))
      return copyObject(value, depth, budget)
    default:
      throw new Refusal(`It contains a ${typeof value}, which JSON cannot hold. Leave it out or convert it.`)
  }
}

const copyObject = (value: object, depth: number, budget: { left: number }): Json => {
  const prototype: unknown = Object.getPrototypeOf(value)
  if (prototype !== null && Object.getPrototypeOf(prototype) !== null)
    throw new Refusal(
      `It contains a ${value.constructor?.name ?? 'class instance'}, not a plain object. Convert it to plain JSON.`,
    )
  const result: Record<string, Json> = {}
  for (const [key, item] of Object.entries(value)) {
    if (item === undefined) continue
    if (key === '__proto__') throw new Refusal('It has a key "__proto__". Rename it.')
    const refusal = refuseText(key)
    if (refusal) throw refusal
    budget.left -= key.length
    result[key] = copy(item, depth - 1, budget)
  }
  return Object.freeze(result)
}

/** The stored form of a value that no column checks: dates as milliseconds, sets as arrays, the rest as it is if it is JSON. */
export const toStored = (value: unknown): Json | undefined => {
  if (value === undefined) return undefined
  const stored = toPlain(value instanceof Date ? value.getTime() : value instanceof Set ? [...value] : value)
  if (stored instanceof Refusal) throw new MerrowError('invalid_value', `${show(value)}: ${stored.reason}`)
  return stored
}

/** Freezes a decoded JSON value all the way down and returns it. */
export const deepFreeze = (value: unknown): unknown => {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const item of Object.values(value)) deepFreeze(item)
  }
  return value
}

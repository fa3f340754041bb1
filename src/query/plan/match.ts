// Conditions as functions over rows. Knows how related rows are found only by the port it is given.
import type { AnyRow, Relation } from './catalog.ts'
import type { Condition, Operator } from './condition.ts'
import { compareValues } from './values.ts'

/** Whether a row matches. */
export type Match = (row: AnyRow) => boolean

/** The rows that a row is related to. */
export type FindRelated = (relation: Relation, row: AnyRow) => Iterable<AnyRow>

/** Makes a condition a function. */
export const compileMatch = (condition: Condition, related: FindRelated): Match => {
  switch (condition.kind) {
    case 'and': {
      const parts = condition.parts.map((part) => compileMatch(part, related))
      const [first, second] = parts
      if (first === undefined) return () => true
      if (second === undefined) return first
      return parts.length === 2 ? (row) => first(row) && second(row) : (row) => parts.every((part) => part(row))
    }
    case 'or': {
      const parts = condition.parts.map((part) => compileMatch(part, related))
      return (row) => parts.some((part) => part(row))
    }
    case 'not': {
      const part = compileMatch(condition.part, related)
      return (row) => !part(row)
    }
    case 'compare':
      return compileComparison(condition.column.read, condition.operator, condition.value)
    case 'related': {
      const part = compileMatch(condition.part, related)
      return (row) => {
        for (const other of related(condition.relation, row)) if (part(other)) return true
        return false
      }
    }
  }
}

const compileComparison = (read: (row: AnyRow) => unknown, operator: Operator, value: unknown): Match => {
  switch (operator) {
    case 'eq':
      return (row) => read(row) === value
    case 'ne':
      return (row) => read(row) !== value
    case 'lt':
      return (row) => isBeside(read(row), value) && compareValues(read(row), value) < 0
    case 'lte':
      return (row) => isBeside(read(row), value) && compareValues(read(row), value) <= 0
    case 'gt':
      return (row) => isBeside(read(row), value) && compareValues(read(row), value) > 0
    case 'gte':
      return (row) => isBeside(read(row), value) && compareValues(read(row), value) >= 0
    case 'in': {
      const values = new Set(value as readonly unknown[])
      return (row) => values.has(read(row))
    }
    case 'notIn': {
      const values = new Set(value as readonly unknown[])
      return (row) => !values.has(read(row))
    }
    case 'contains':
      return (row) => holdsElement(read(row), value)
    case 'startsWith':
      return (row) => startsWith(read(row), value as string)
    case 'like':
      return (row) => {
        const text = read(row)
        return typeof text === 'string' && isLike(text, value as string)
      }
  }
}

/** Values of different kinds are in no order that a comparison could mean. */
const isBeside = (a: unknown, b: unknown): boolean => typeof a === typeof b

const holdsElement = (held: unknown, value: unknown): boolean =>
  typeof held === 'string'
    ? typeof value === 'string' && held.includes(value)
    : Array.isArray(held) && held.includes(value)

const startsWith = (text: unknown, start: string): boolean => typeof text === 'string' && text.startsWith(start)

/** Whether text is like a pattern of `%` (anything) and `_` (one character): time at most their lengths multiplied. */
export const isLike = (text: string, pattern: string): boolean => {
  let [at, place, star, resume] = [0, 0, -1, 0]
  while (at < text.length) {
    const wanted = pattern[place]
    if (wanted === '%') {
      star = place++
      resume = at
    } else if (wanted === '_' || wanted === text[at]) {
      place++
      at++
    } else if (star >= 0) {
      place = star + 1
      at = ++resume
    } else return false
  }
  while (pattern[place] === '%') place++
  return place === pattern.length
}

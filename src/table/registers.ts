// Registers: how columns with merge rules of their own spread over the fields of patches. Knows columns and entries; writes nothing.
//
//   latest        title            the value
//   ask, merge    title, title~    the value; what it was before, and which earlier writes of it the writer knew
//   counter       votes            what the row was inserted with
//                 votes:<replica>  what that replica has added in all
//   set           labels           what the row was inserted with
//                 labels:"x"       whether element "x" is in
//
// Each field merges as any other, the later write winning; so increments of different replicas, and different elements, never meet.
import { DELETED, type Entry, FIRST_VALUE, fieldOf, KNEW, type LogPatch, winnerOf } from '../rowlog/index.ts'
import { elementKey, type MergeRule, type StoredFields, sortElements, type TableSchema } from '../schema/index.ts'
import type { FieldRecord } from './undo.ts'

const PART = ':'
const KNEW_NOTHING: readonly unknown[] = Object.freeze([])

/** A field of a patch, as a column and what part of it the field is. */
export interface FieldName {
  readonly column: string
  /** The replica of a counter, or the key of a set's element. */
  readonly part: string | undefined
}

/** Tells a field's column and part. */
export const parseField = (field: string): FieldName => {
  const at = field.indexOf(PART)
  return at < 0 ? { column: field, part: undefined } : { column: field.slice(0, at), part: field.slice(at + 1) }
}

/** Spreads the columns of one table over fields. */
export class Registers {
  readonly #rules: ReadonlyMap<string, MergeRule>
  readonly #replica: string
  readonly #insertFields: readonly string[]
  readonly #asked: number
  /** Whether each column is one field, the later write winning. */
  readonly #isPlain: boolean

  constructor({ columns, columnNames, insertFields }: TableSchema, replica: string) {
    this.#rules = new Map(columnNames.map((name) => [name, columns[name]?.rule ?? { kind: 'latest' }]))
    this.#replica = replica
    this.#isPlain = [...this.#rules.values()].every(({ kind }) => kind === 'latest')
    const asked = columnNames.filter((name) => isAsked(this.#rules.get(name)))
    this.#asked = asked.length
    this.#insertFields = Object.freeze([...insertFields, ...asked.map((name) => `${name}${KNEW}`)])
  }

  /** The fields of an insert: its columns, and that it knew no earlier write of those that ask. */
  ofInsert({ values }: StoredFields): StoredFields {
    if (this.#asked === 0) return { columns: this.#insertFields, values }
    return { columns: this.#insertFields, values: [...values, ...new Array<unknown>(this.#asked).fill(KNEW_NOTHING)] }
  }

  /** The fields of an update: for counters and sets, what differs from the row as it is read here. */
  ofUpdate(fields: StoredFields, entry: Entry): StoredFields {
    if (this.#isPlain || fields.columns.every((column) => this.#rules.get(column)?.kind === 'latest')) return fields
    const columns: string[] = []
    const values: unknown[] = []
    fields.columns.forEach((column, at) => {
      for (const [field, value] of this.#spread(column, fields.values[at], entry)) {
        columns.push(field)
        values.push(value)
      }
    })
    return { columns, values }
  }

  /** What an update is about to change, so that it can be taken back. */
  describe(columns: readonly string[], values: readonly unknown[], entry: Entry): readonly FieldRecord[] {
    const own = this.#asked === 0 ? columns : columns.filter((field) => !field.endsWith(KNEW))
    return own.map((field) => this.#describeField(field, values[columns.indexOf(field)], entry))
  }

  #describeField(field: string, value: unknown, entry: Entry): FieldRecord {
    const replaced = winnerOf(entry, field)
    const before = replaced?.value(field)
    if (this.#isPlain || this.#rules.get(field)?.kind === 'latest') return { kind: 'value', field, before, replaced }
    const { column, part } = parseField(field)
    const kind = part === undefined ? undefined : this.#rules.get(column)?.kind
    if (kind === 'counter') return { kind: 'count', field, by: numberOf(value) - numberOf(before) }
    if (kind !== 'set') return { kind: 'value', field, before, replaced }
    const wasIn = elementsOf(entry, column).some((element) => elementKey(element) === part)
    return { kind: 'value', field, before: wasIn, replaced }
  }

  /** The fields that put back what was described. */
  ofRevert(fields: readonly FieldRecord[], entry: Entry): StoredFields {
    const columns: string[] = []
    const values: unknown[] = []
    for (const record of fields) {
      columns.push(record.field)
      values.push(
        record.kind === 'count'
          ? numberOf(fieldOf(entry, record.field)) - record.by
          : (record.before ?? nothing(record.field)),
      )
      if (!isAsked(this.#rules.get(record.field))) continue
      columns.push(`${record.field}${KNEW}`)
      values.push(knownWrites(entry, record.field))
    }
    return { columns, values }
  }

  #spread(column: string, value: unknown, entry: Entry): readonly (readonly [string, unknown])[] {
    switch (this.#rules.get(column)?.kind) {
      case 'counter': {
        const own = `${column}${PART}${this.#replica}`
        const difference = (value as number) - countOf(entry, column)
        return difference === 0 ? [] : [[own, numberOf(fieldOf(entry, own)) + difference]]
      }
      case 'set':
        return this.#spreadSet(column, value as readonly unknown[], entry)
      case 'ask':
      case 'merge':
        return [
          [column, value],
          [`${column}${KNEW}`, knownWrites(entry, column)],
        ]
      default:
        return [[column, value]]
    }
  }

  #spreadSet(column: string, value: readonly unknown[], entry: Entry): readonly (readonly [string, boolean])[] {
    const before = new Set(elementsByKey(entry, column).keys())
    const after = new Set(value.map(elementKey))
    const changed = [...after].filter((key) => !before.has(key)).concat([...before].filter((key) => !after.has(key)))
    return changed.map((key) => [`${column}${PART}${key}`, after.has(key)])
  }
}

/** Whether a rule keeps concurrent writes apart. */
export const isAsked = (rule: MergeRule | undefined): boolean => rule?.kind === 'ask' || rule?.kind === 'merge'

/** What a field holds that was never written: a row that was not deleted says null. */
const nothing = (field: string): null | undefined => (field === DELETED ? null : undefined)

const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** A counter's value: what the row began with, and what each replica added. */
export const countOf = (entry: Entry, column: string): number => {
  let count = numberOf(fieldOf(entry, column))
  for (const [, value] of partsOf(entry, column)) count += numberOf(value.value)
  return count
}

/** A set's elements, in their order. */
export const elementsOf = (entry: Entry, column: string): readonly unknown[] =>
  sortElements(elementsByKey(entry, column))

const elementsByKey = (entry: Entry, column: string): ReadonlyMap<string, unknown> => {
  const begun = lastWith(entry, column)
  const initial = begun?.patch.raw[FIRST_VALUE + begun.at]
  const elements = new Map<string, unknown>()
  if (Array.isArray(initial)) for (const element of initial) elements.set(elementKey(element), element)
  for (const [key, { value, rank }] of partsOf(entry, column)) {
    const isOlder = begun !== undefined && rank < begun.rank
    if (value === true) elements.set(key, elementOf(key))
    else if (!isOlder) elements.delete(key)
  }
  return elements
}

/** The element of a key; of one that is none, which a broken peer may write, a value that no set shows, so that it is set aside. */
const elementOf = (key: string): unknown => {
  try {
    const element: unknown = JSON.parse(key)
    if (elementKey(element) === key) return element
  } catch {
    // As below.
  }
  return { unreadable: key }
}

/** The last write of each part of a column, by part. `rank` is its place among the row's patches. */
const partsOf = (
  entry: Entry,
  column: string,
): ReadonlyMap<string, { readonly value: unknown; readonly rank: number }> => {
  const parts = new Map<string, { value: unknown; rank: number }>()
  entry.valid.forEach(({ shape, raw }, rank) =>
    shape.columns.forEach((field, at) => {
      if (field.startsWith(`${column}${PART}`))
        parts.set(field.slice(column.length + 1), { value: raw[FIRST_VALUE + at], rank })
    }),
  )
  return parts
}

const lastWith = (
  { valid }: Entry,
  field: string,
): { readonly patch: LogPatch; readonly at: number; readonly rank: number } | undefined => {
  for (let rank = valid.length - 1; rank >= 0; rank--) {
    const patch = valid[rank] as LogPatch
    const at = patch.shape.columns.indexOf(field)
    if (at >= 0) return { patch, at, rank }
  }
  return undefined
}

/** What a column held before a write, and the writes of it that are known here, `[before, stamp, replica, ...]`. */
const knownWrites = (entry: Entry, column: string): readonly unknown[] => [
  fieldOf(entry, column),
  ...entry.valid
    .filter(({ shape }) => shape.columns.includes(column))
    .flatMap(({ stamp, replica }) => [stamp, replica]),
]

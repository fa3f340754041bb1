// Columns: a field's type, its validation, and its stored form. Knows nothing of tables but the name that a ref points to.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MerrowError, show } from '../errors.ts'
import type { ColumnType } from './column-type.ts'
import type { AnyFormer, Former } from './former.ts'
import { deepFreeze, type Json, Refusal, refuseText, toPlain } from './plain.ts'
import { ReadOnlyDate } from './read-only-date.ts'
import { standardType } from './standard.ts'

/** Whether a row always has the column, may lack it, or gets it from a default. */
export type Presence = 'required' | 'optional' | 'default'

/** Makes one value of two that were written without knowledge of each other: pure, and the same in whatever order they come. */
export type MergeFunction<T> = (a: T, b: T) => T

/**
 * How concurrent writes to a column become one value.
 *
 * - `latest`: the later write wins.
 * - `ask`: the later one shows, and both are kept in `db.conflicts` until somebody resolves them.
 * - `merge`: a function makes one of them.
 * - `counter`: what each added adds up. - `set`: elements are added and removed independently; of a concurrent add and remove of one
 *   element, the later wins.
 */
export type MergeRule =
  | { readonly kind: 'latest' }
  | { readonly kind: 'ask' }
  | { readonly kind: 'merge'; readonly merge: MergeFunction<unknown> }
  | { readonly kind: 'counter' }
  | { readonly kind: 'set' }

/** What concurrent writes of a column lead to, where `latest` is not enough: a question to the user, or a function. */
export type ConflictOptions<T> = { readonly conflict: 'ask' } | { readonly merge: MergeFunction<T> }

/** What a column is made of. */
export interface ColumnOptions<Out, P extends Presence> {
  readonly type: ColumnType<Out>
  readonly presence: P
  readonly rule?: MergeRule
  readonly target?: string | undefined
  readonly makeDefault?: (() => unknown) | undefined
  readonly missing?: unknown
  readonly formers?: readonly AnyFormer[]
}

/** Table that a `ref` points to, as the compiler knows it. */
type Target = string | undefined

const LATEST: MergeRule = { kind: 'latest' }

/**
 * A field of a row: `c.string()`, `c.number().default(0)`, `c.ref('projects').optional()`.
 *
 * Immutable; each method returns a new column.
 */
export class Column<Out = unknown, In = Out, P extends Presence = Presence, T extends Target = Target> {
  declare readonly $types: { readonly out: Out; readonly in: In; readonly presence: P; readonly target: T }
  readonly type: ColumnType<Out>
  readonly presence: P
  /** How concurrent writes become one value. */
  readonly rule: MergeRule
  /** Table that a `ref` points to. */
  readonly target: string | undefined
  /** What a row shows that was inserted before there was such a column, in stored form: a fixed default, or undefined. */
  readonly missing: unknown
  /** Its former names and types. */
  readonly formers: readonly AnyFormer[]
  readonly #makeDefault: (() => unknown) | undefined

  /** @internal */
  constructor({ type, presence, rule = LATEST, target, makeDefault, missing, formers = [] }: ColumnOptions<Out, P>) {
    this.type = type
    this.presence = presence
    this.rule = rule
    this.target = target
    this.missing = missing
    this.formers = formers
    this.#makeDefault = makeDefault
  }

  /** A column that a row may lack: it reads `undefined`, and writing `undefined` clears it. */
  optional(this: Column<Out, In, 'required', T>): Column<Out, In, 'optional', T> {
    this.#onlyOnce('optional()')
    return new Column({ ...this.#options(), presence: 'optional' })
  }

  /**
   * A column that an insert may leave out.
   *
   * @param value - Value to insert then, or a function that makes one each time.
   * @throws {@link MerrowError} `invalid_schema` if the column itself refuses the value.
   */
  default(this: Column<Out, In, 'required', T>, value: In | (() => In)): Column<Out, In, 'default', T> {
    this.#onlyOnce('default()')
    if (typeof value === 'function')
      return new Column({ ...this.#options(), presence: 'default', makeDefault: value as () => unknown })
    const stored = this.type.write(value)
    if (stored instanceof Refusal)
      throw new MerrowError('invalid_schema', `default(${show(value)}) is not ${this.type.label}. ${stored.reason}`)
    return new Column({ ...this.#options(), presence: 'default', makeDefault: () => value, missing: stored })
  }

  /**
   * A column that older apps, which share the data, know under another name or with another type.
   *
   * A row shows the latest write of either, made new by `read`; a write of the column also writes the former one, by `write`. Without a
   * `name` the column has only changed its type: `read` is given the values that the new type refuses; or, if there is a `write`,
   * every value, and what is stored stays of the old type. Of several former names, call this once for each.
   *
   * @throws {@link MerrowError} `invalid_schema` for a column that merges by parts or asks.
   *
   * @example
   * title: c.string().formerly({ name: 'titel', read: (old: string) => old, write: (title) => title })
   */
  formerly<Old>(former: Former<Old, Out, In>): Column<Out, In, P, T> {
    if (this.rule.kind !== 'latest')
      throw new MerrowError(
        'invalid_schema',
        `formerly() on a column that merges by the rule "${this.rule.kind}": only columns of which the latest write counts have it. Migrate it by a step.`,
      )
    return new Column({
      ...this.#options(),
      presence: this.presence,
      makeDefault: this.#makeDefault,
      missing: this.missing,
      formers: [...this.formers, former],
    })
  }

  /** The value for an insert that leaves this column out; undefined if it has no default. */
  makeDefault(): unknown {
    return this.#makeDefault?.()
  }

  #options(): ColumnOptions<Out, P> {
    const { type, presence, rule, target, formers } = this
    return { type, presence, rule, target, formers }
  }

  #onlyOnce(call: string): void {
    if (this.presence !== 'required')
      throw new MerrowError(
        'invalid_schema',
        `${call} on a column that is already ${this.presence}: a column is optional or has a default, not both. Remove one.`,
      )
  }
}

type Required<Out, In = Out> = Column<Out, In, 'required'>
const required = <Out, In = Out>(type: ColumnType<Out>, options?: ConflictOptions<Out>): Required<Out, In> =>
  new Column<Out, In, 'required'>({ type, presence: 'required', rule: ruleOf(options) })

const ruleOf = <T>(options: ConflictOptions<T> | undefined): MergeRule => {
  if (options === undefined) return LATEST
  if ('merge' in options) return { kind: 'merge', merge: options.merge as MergeFunction<unknown> }
  if (options.conflict === 'ask') return { kind: 'ask' }
  throw new MerrowError(
    'invalid_schema',
    `A column was declared with ${show(options)}. Give { conflict: 'ask' }, { merge: (a, b) => ... } or nothing.`,
  )
}

const isString = (value: unknown): value is string => typeof value === 'string'
const MAX_TIME_MS = 8.64e15

const stringType = (label: string): ColumnType<string> => ({
  label,
  holds: 'string',
  write: (value) => (isString(value) ? (refuseText(value) ?? value) : new Refusal(`Give ${label}.`)),
  read: (stored) => (isString(stored) ? stored : undefined),
})

const numberType: ColumnType<number> = {
  label: 'a number',
  holds: 'number',
  write: (value) =>
    typeof value === 'number' && Number.isFinite(value) ? value : new Refusal('Give a finite number.'),
  read: (stored) => (typeof stored === 'number' ? stored : undefined),
}

const booleanType: ColumnType<boolean> = {
  label: 'a boolean',
  holds: 'boolean',
  write: (value) => (typeof value === 'boolean' ? value : new Refusal('Give true or false.')),
  read: (stored) => (typeof stored === 'boolean' ? stored : undefined),
}

const dateType: ColumnType<Date> = {
  label: 'a date',
  holds: 'date',
  write: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime())
      ? value.getTime()
      : new Refusal('Give a valid Date: new Date(...).'),
  read: (stored) =>
    typeof stored === 'number' && Math.abs(stored) <= MAX_TIME_MS ? new ReadOnlyDate(stored) : undefined,
}

const jsonType: ColumnType<Json> = {
  label: 'JSON',
  holds: 'json',
  write: (value) => (value === undefined ? new Refusal('Give a JSON value; null for none.') : toPlain(value)),
  read: (stored) => deepFreeze(stored) as Json,
}

const enumType = <V extends string>(values: readonly V[]): ColumnType<V> => {
  const label = `one of ${values.map((value) => show(value)).join(', ')}`
  const known = new Set<unknown>(values)
  return {
    label,
    holds: 'string',
    write: (value) => (known.has(value) ? value : new Refusal(`Give ${label}.`)),
    read: (stored) => (known.has(stored) ? (stored as V) : undefined),
  }
}

const refType = (table: string): ColumnType<string> => {
  const { read } = stringType('')
  const label = `the id of a row of "${table}"`
  return {
    label,
    holds: 'string',
    write: (value) => (isString(value) && value !== '' ? (refuseText(value) ?? value) : new Refusal(`Give ${label}.`)),
    read,
  }
}

const setType = <T>(element: ColumnType<T>): ColumnType<readonly T[]> => ({
  label: `a set, each element ${element.label}`,
  holds: 'set',
  write(value) {
    const isIterable = typeof value === 'object' && value !== null && Symbol.iterator in value
    if (!isIterable) return new Refusal(`Give an array or a Set, each element ${element.label}.`)
    const elements = new Map<string, unknown>()
    for (const item of value as Iterable<unknown>) {
      const stored = element.write(item)
      if (stored instanceof Refusal) return new Refusal(`Element ${show(item)}: ${stored.reason}`)
      const key = elementKey(stored)
      if (key.length > MAX_ELEMENT_LENGTH)
        return new Refusal(
          `Element ${show(item)} is longer than ${MAX_ELEMENT_LENGTH} characters. Refer to a row instead.`,
        )
      elements.set(key, stored)
    }
    return sortElements(elements)
  },
  read: (stored) =>
    Array.isArray(stored) ? (Object.freeze(readElements(stored, element)) as readonly T[]) : undefined,
  explain: (stored) =>
    Array.isArray(stored) ? `An element is not ${element.label}.` : `It is not a set, each element ${element.label}.`,
})

const readElements = <T>(stored: readonly unknown[], element: ColumnType<T>): readonly (T | undefined)[] => {
  const elements = stored.map((item) => element.read(item))
  return elements.includes(undefined) ? elements.filter((item) => item !== undefined) : elements
}

/** Names an element of a set among a row's fields. */
export const elementKey = (stored: unknown): string => JSON.stringify(stored)

/** A set's elements in the order that all replicas show them in: by their keys. */
export const sortElements = (elements: ReadonlyMap<string, unknown>): readonly unknown[] =>
  Object.freeze([...elements].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, stored]) => stored))

const MAX_ELEMENT_LENGTH = 200
const NO_ELEMENTS: readonly unknown[] = Object.freeze([])

/**
 * The types of column.
 *
 * @example
 * table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() })
 */
export const column = {
  /** Text, at most 1,000,000 characters. */
  string: (options?: ConflictOptions<string>): Required<string> => required(stringType('a string'), options),
  /** A finite number. */
  number: (options?: ConflictOptions<number>): Required<number> => required(numberType, options),
  /** True or false. */
  boolean: (options?: ConflictOptions<boolean>): Required<boolean> => required(booleanType, options),
  /** A point in time with millisecond precision; read as a read-only `Date`. */
  date: (options?: ConflictOptions<Date>): Required<Date> => required(dateType, options),
  /** Any JSON value up to 64 levels deep; read frozen, replaced as a whole. `T` is taken on trust. */
  json: <T = Json>(options?: ConflictOptions<T>): Required<T> => required(jsonType as ColumnType<T>, options),
  /** One of a fixed list of strings. */
  enum: <const V extends string>(values: readonly V[], options?: ConflictOptions<V>): Required<V> => {
    if (values.length === 0 || new Set(values).size !== values.length)
      throw new MerrowError(
        'invalid_schema',
        `enum(${show(values)}) needs at least one value and no value twice. Mend the list.`,
      )
    return required(enumType(values), options)
  },
  /** The id of a row of another table. The row need not be there: it may come later, or have been deleted. */
  ref: <const T extends string>(table: T, options?: ConflictOptions<string>): Column<string, string, 'required', T> =>
    new Column({ type: refType(table), presence: 'required', rule: ruleOf(options), target: table }),
  /**
   * A number that concurrent increments add up in. Write the new total, `update(id, { votes: votes + 1 })` or
   * `update(id, (draft) => { draft.votes++ })`: what is kept is the difference to what was read.
   */
  counter: (): Column<number, number, 'default'> =>
    new Column({ type: numberType, presence: 'default', rule: { kind: 'counter' }, makeDefault: () => 0, missing: 0 }),
  /**
   * A set of strings, numbers or booleans, read as a sorted array. Write the whole set: what is kept is which elements were added
   * and which removed, so that concurrent changes of different elements are independent.
   */
  set: <T extends string | number | boolean>(
    element: Column<T, T, 'required'>,
  ): Column<readonly T[], Iterable<T>, 'default'> =>
    new Column({
      type: setType(element.type),
      presence: 'default',
      rule: { kind: 'set' },
      makeDefault: () => [],
      missing: NO_ELEMENTS,
    }),
  /**
   * Whatever a synchronous Standard Schema validator (zod, valibot, arktype) takes, if its output is JSON. What is stored is checked by
   * it too, when a row is read.
   *
   * @param options.stored - Checks what is stored instead, for a validator that would refuse its own output.
   */
  from: <In, Out>(
    schema: StandardSchemaV1<In, Out>,
    {
      stored,
      ...options
    }: { readonly stored?: StandardSchemaV1<unknown, unknown> } & Partial<ConflictOptions<Out>> = {},
  ): Required<Out, In> =>
    required<Out, In>(
      standardType(schema as StandardSchemaV1<unknown, Out>, stored),
      Object.keys(options).length === 0 ? undefined : (options as ConflictOptions<Out>),
    ),
}

// Columns: a field's type, its validation, and its stored form. Knows nothing of tables but the name that a ref points to.
import type { StandardSchemaV1 } from '@standard-schema/spec'
import { MerrowError, show } from '../errors.ts'
import { deepFreeze, type Json, Refusal, refuseText, toPlain } from './plain.ts'
import { ReadOnlyDate } from './read-only-date.ts'

/** Whether a row always has the column, may lack it, or gets it from a default. */
export type Presence = 'required' | 'optional' | 'default'

/** How one type of column checks, stores and shows a value. */
export interface ColumnType<Out> {
  /** The type in words, for messages: `a string`. */
  readonly label: string
  /** Checks a caller's value. @returns its stored form (plain JSON), or a {@link Refusal}. */
  write(value: unknown): unknown
  /** Shows a stored value. @returns undefined if no such column could have stored it. */
  read(stored: unknown): Out | undefined
}

/**
 * A field of a row: `c.string()`, `c.number().default(0)`, `c.ref('projects').optional()`.
 *
 * Immutable; each method returns a new column.
 */
export class Column<Out = unknown, In = Out, P extends Presence = Presence> {
  declare readonly $types: { readonly out: Out; readonly in: In; readonly presence: P }
  readonly type: ColumnType<Out>
  readonly presence: P
  /** Table that a `ref` points to. */
  readonly target: string | undefined
  readonly #makeDefault: (() => unknown) | undefined

  /** @internal */
  constructor(type: ColumnType<Out>, presence: P, target?: string, makeDefault?: () => unknown) {
    this.type = type
    this.presence = presence
    this.target = target
    this.#makeDefault = makeDefault
  }

  /** A column that a row may lack: it reads `undefined`, and writing `undefined` clears it. */
  optional(this: Column<Out, In, 'required'>): Column<Out, In, 'optional'> {
    this.#onlyOnce('optional()')
    return new Column(this.type, 'optional', this.target)
  }

  /**
   * A column that an insert may leave out.
   *
   * @param value - Value to insert then, or a function that makes one each time.
   * @throws {@link MerrowError} `invalid_schema` if the column itself refuses the value.
   */
  default(this: Column<Out, In, 'required'>, value: In | (() => In)): Column<Out, In, 'default'> {
    this.#onlyOnce('default()')
    if (typeof value === 'function') return new Column(this.type, 'default', this.target, value as () => unknown)
    const stored = this.type.write(value)
    if (stored instanceof Refusal)
      throw new MerrowError('invalid_schema', `default(${show(value)}) is not ${this.type.label}. ${stored.reason}`)
    return new Column(this.type, 'default', this.target, () => value)
  }

  /** The value for an insert that leaves this column out; undefined if it has no default. */
  makeDefault(): unknown {
    return this.#makeDefault?.()
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
const required = <Out, In = Out>(type: ColumnType<Out>, target?: string): Required<Out, In> =>
  new Column<Out, In, 'required'>(type, 'required', target)

const isString = (value: unknown): value is string => typeof value === 'string'
const MAX_TIME_MS = 8.64e15

const stringType = (label: string): ColumnType<string> => ({
  label,
  write: (value) => (isString(value) ? (refuseText(value) ?? value) : new Refusal(`Give ${label}.`)),
  read: (stored) => (isString(stored) ? stored : undefined),
})

const numberType: ColumnType<number> = {
  label: 'a number',
  write: (value) =>
    typeof value === 'number' && Number.isFinite(value) ? value : new Refusal('Give a finite number.'),
  read: (stored) => (typeof stored === 'number' ? stored : undefined),
}

const booleanType: ColumnType<boolean> = {
  label: 'a boolean',
  write: (value) => (typeof value === 'boolean' ? value : new Refusal('Give true or false.')),
  read: (stored) => (typeof stored === 'boolean' ? stored : undefined),
}

const dateType: ColumnType<Date> = {
  label: 'a date',
  write: (value) =>
    value instanceof Date && !Number.isNaN(value.getTime())
      ? value.getTime()
      : new Refusal('Give a valid Date: new Date(...).'),
  read: (stored) =>
    typeof stored === 'number' && Math.abs(stored) <= MAX_TIME_MS ? new ReadOnlyDate(stored) : undefined,
}

const jsonType: ColumnType<Json> = {
  label: 'JSON',
  write: (value) => (value === undefined ? new Refusal('Give a JSON value; null for none.') : toPlain(value)),
  read: (stored) => deepFreeze(stored) as Json,
}

const enumType = <V extends string>(values: readonly V[]): ColumnType<V> => {
  const label = `one of ${values.map((value) => show(value)).join(', ')}`
  const known = new Set<unknown>(values)
  return {
    label,
    write: (value) => (known.has(value) ? value : new Refusal(`Give ${label}.`)),
    read: (stored) => (known.has(stored) ? (stored as V) : undefined),
  }
}

const refType = (table: string): ColumnType<string> => {
  const { read } = stringType('')
  const label = `the id of a row of "${table}"`
  return {
    label,
    write: (value) => (isString(value) && value !== '' ? (refuseText(value) ?? value) : new Refusal(`Give ${label}.`)),
    read,
  }
}

const standardType = <Out>(schema: StandardSchemaV1<unknown, Out>): ColumnType<Out> => ({
  label: `what its ${schema['~standard'].vendor} schema takes`,
  write(value) {
    const result = schema['~standard'].validate(value)
    if (result instanceof Promise)
      return new Refusal('Its schema validates asynchronously; writes are synchronous. Use a synchronous schema.')
    if (result.issues) return new Refusal(`${result.issues.map((issue) => issue.message).join('; ')}.`)
    return toPlain(result.value)
  },
  read: (stored) => deepFreeze(stored) as Out,
})

/**
 * The types of column.
 *
 * @example
 * table({ title: c.string(), done: c.boolean().default(false), projectId: c.ref('projects').optional() })
 */
export const column = {
  /** Text, at most 1,000,000 characters. */
  string: (): Required<string> => required(stringType('a string')),
  /** A finite number. */
  number: (): Required<number> => required(numberType),
  /** True or false. */
  boolean: (): Required<boolean> => required(booleanType),
  /** A point in time with millisecond precision; read as a read-only `Date`. */
  date: (): Required<Date> => required(dateType),
  /** Any JSON value up to 64 levels deep; read frozen, replaced as a whole. `T` is taken on trust. */
  json: <T = Json>(): Required<T> => required(jsonType as ColumnType<T>),
  /** One of a fixed list of strings. */
  enum: <const V extends string>(values: readonly V[]): Required<V> => {
    if (values.length === 0 || new Set(values).size !== values.length)
      throw new MerrowError(
        'invalid_schema',
        `enum(${show(values)}) needs at least one value and no value twice. Mend the list.`,
      )
    return required(enumType(values))
  },
  /** The id of a row of another table. The row need not be there: it may come later, or have been deleted. */
  ref: (table: string): Required<string> => required(refType(table), table),
  /** Whatever a synchronous Standard Schema validator (zod, valibot, arktype) takes, if its output is JSON. */
  from: <In, Out>(schema: StandardSchemaV1<In, Out>): Required<Out, In> =>
    required<Out, In>(standardType(schema as StandardSchemaV1<unknown, Out>)),
}

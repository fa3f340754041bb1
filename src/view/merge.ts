// Records: objects that hold columns, and how two of them become one. Knows no tables.
import { MerrowError, show } from '../errors.ts'

/** How two records merge. */
export interface MergeOptions<O extends boolean = boolean> {
  /** True: what `other` holds wins. False, the default: it only fills the gaps. */
  readonly override?: O
}

type Fill<T, U> = Exclude<T, undefined> | (undefined extends T ? U : never)
type MergedColumn<A, B, K extends keyof A & keyof B, O extends boolean> = K extends 'id'
  ? Fill<A[K], B[K]>
  : O extends true
    ? Fill<B[K], A[K]>
    : Fill<A[K], B[K]>

/** What {@link merge} gives. */
export type Merged<A, B, O extends boolean = false> = {
  readonly [K in keyof A | keyof B]: K extends keyof A
    ? K extends keyof B
      ? MergedColumn<A, B, K, O>
      : A[K]
    : B[K & keyof B]
}

/**
 * Merges two records into a new one. A column that is `undefined` is a gap; `null` is a value. The id stays that of `record`, if it has one.
 *
 * @param record - Any object; its own enumerable properties count.
 * @param other - What fills its gaps or, with `override`, replaces what it holds. Gaps of `other` replace nothing.
 * @returns A new frozen object; the two given ones are left alone.
 * @throws {@link MerrowError} `invalid_argument` if one of them is no object.
 *
 * @example
 * merge({ title: 'Mine', note: undefined }, { title: 'Draft', note: 'n' })                      // { title: 'Mine', note: 'n' }
 * merge({ title: 'Mine', note: 'n' }, { title: 'Draft', note: undefined }, { override: true })  // { title: 'Draft', note: 'n' }
 */
export const merge = <A extends object, B extends object, const O extends boolean = false>(
  record: A,
  other: B,
  options: MergeOptions<O> = {},
): Merged<A, B, O> => {
  assertRecord(record, 'merge()')
  assertRecord(other, 'merge()')
  const columns = new Set([...Object.keys(record), ...Object.keys(other)])
  return mergeColumns(columns, record, other, options.override === true) as Merged<A, B, O>
}

/** Merges two records in these columns alone; leaves out the ones that neither has. */
export const mergeColumns = (
  columns: Iterable<string>,
  record: object,
  other: object,
  override: boolean,
): Readonly<Record<string, unknown>> => {
  const merged = new Map<string, unknown>()
  for (const column of columns) {
    if (!has(record, column) && !has(other, column)) continue
    const [first, second] = override && column !== 'id' ? [other, record] : [record, other]
    const value = valueIn(first, column)
    merged.set(column, value === undefined ? valueIn(second, column) : value)
  }
  return Object.freeze(Object.fromEntries(merged))
}

/** Whether an object has a column, as a property of its own or by a getter of its class. */
export const has = (record: object, column: string): boolean =>
  Object.hasOwn(record, column) || (column in record && !(column in Object.prototype))

/** What a record holds in a column; undefined for a gap. */
export const valueIn = (record: object, column: string): unknown =>
  has(record, column) ? (record as Readonly<Record<string, unknown>>)[column] : undefined

/** @throws {@link MerrowError} `invalid_argument` if `record` is no object. */
export const assertRecord = (record: unknown, call: string): void => {
  if (typeof record === 'object' && record !== null && !Array.isArray(record)) return
  throw new MerrowError(
    'invalid_argument',
    `${call} was given ${show(record)}: give an object that holds columns, such as { title: 'Write' }.`,
  )
}

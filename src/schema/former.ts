// Lenses: the former names and types of a column, kept in step with the new one for apps that still use them. Knows values; no rows.
import { show } from '../errors.ts'
import type { ColumnType } from './column-type.ts'
import { Refusal, toStored } from './plain.ts'

/** A former name or type of a column, and how its values and the new ones become each other. Both functions are pure. */
export interface Former<Old, Out, In = Out> {
  /** Its name then; the same as now if left out, only the type having changed. */
  readonly name?: string
  /** Makes a new value of what is stored under the old name: dates as milliseconds. `undefined` for none. */
  readonly read: (old: Old) => In | undefined
  /** Makes an old value of a new one, so that older apps see it; left out, they keep what they have. */
  readonly write?: (value: Out) => Old
}

/** Any {@link Former}. */
// biome-ignore lint/suspicious/noExplicitAny: functions of any values, called with what is stored.
export type AnyFormer = Former<any, any, any>

/** A stored value that the column cannot show, and why. */
export class Misfit {
  readonly raw: unknown
  readonly reason: string

  constructor(raw: unknown, reason: string) {
    this.raw = raw
    this.reason = reason
  }
}

/** What a former stored value is in the column's stored form, or a {@link Misfit}. */
export const readFormer = ({ read }: AnyFormer, type: ColumnType<unknown>, old: unknown): unknown => {
  if (old === undefined) return undefined
  try {
    const value: unknown = read(old)
    const stored = value === undefined ? undefined : type.write(value)
    return stored instanceof Refusal ? new Misfit(old, `formerly() read ${show(value)}. ${stored.reason}`) : stored
  } catch (error) {
    return new Misfit(old, `formerly() could not read it: ${error instanceof Error ? error.message : String(error)}`)
  }
}

/** What a column's stored value was formerly, or why it cannot be said. */
export const writeFormer = (
  write: (value: unknown) => unknown,
  type: ColumnType<unknown>,
  stored: unknown,
): unknown => {
  if (stored === undefined) return undefined
  try {
    return toStored(write(type.read(stored)))
  } catch (error) {
    return new Refusal(`formerly() could not write it: ${error instanceof Error ? error.message : String(error)}`)
  }
}

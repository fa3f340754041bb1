// Values that were set aside when a row was built, since its column cannot show them. Knows rows as keys alone.
import { type Column, Misfit } from '../schema/index.ts'

/** A stored value that a row is shown without. */
export interface SetAside {
  readonly column: string
  /** What is stored. */
  readonly raw: unknown
  /** Why the column cannot show it. */
  readonly reason: string
}

/** What rows are shown without that are shown whole. */
export const NOTHING_ASIDE: readonly SetAside[] = []
const byRow = new WeakMap<object, readonly SetAside[]>()

/** Takes note of what a row is shown without. */
export const setAside = (row: object, values: readonly SetAside[]): void => {
  byRow.set(row, values)
}

/** What a row is shown without. */
export const asideOf = (row: object): readonly SetAside[] => byRow.get(row) ?? NOTHING_ASIDE

/** Says of a stored value why its column cannot show it. */
export const describeAside = (column: string, { type }: Column, stored: unknown): SetAside => {
  if (stored instanceof Misfit) return { column, raw: stored.raw, reason: stored.reason }
  return { column, raw: stored, reason: type.explain?.(stored) ?? `It is not ${type.label}.` }
}

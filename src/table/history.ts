// History: who wrote which column of a row when, as far as it is kept. Knows entries and columns; keeps nothing itself.
import { type Entry, FIRST_VALUE, KNEW, type LogPatch } from '../rowlog/index.ts'
import type { TableSchema } from '../schema/index.ts'
import { stampTimeMs } from '../stamp.ts'
import { parseField } from './registers.ts'

/** One write of one column. */
export interface HistoryEntry {
  readonly column: string
  /** What was written, as rows show it; for a part, what is said below. */
  readonly value: unknown
  /**
   * Of a counter, the replica, whose total since its start `value` is; of a set, the element as JSON, and `value` is whether it was
   * put in. Undefined for whole columns.
   */
  readonly part: string | undefined
  /** The `user` who wrote it, if one was given. */
  readonly author: string | undefined
  /** When, in milliseconds since the epoch. */
  readonly timeMs: number
}

/** The writes of a row that are kept, newest first: those that show, and older ones if the table keeps history. */
export const historyOf = (entry: Entry, schema: TableSchema): readonly HistoryEntry[] =>
  entry.valid.toReversed().flatMap((patch) => writesOf(patch, schema))

const writesOf = (patch: LogPatch, { columns }: TableSchema): readonly HistoryEntry[] => {
  const by = { author: patch.author, timeMs: stampTimeMs(patch.stamp) }
  return patch.shape.columns.flatMap((field, at): readonly HistoryEntry[] => {
    const { column, part } = parseField(field)
    const stored = patch.raw[FIRST_VALUE + at]
    // Own alone: a broken peer may name a column like a member of all objects.
    if (field.endsWith(KNEW) || (!Object.hasOwn(columns, column) && column !== 'deletedAt')) return []
    if (part !== undefined) return [{ column, value: stored, part, ...by }]
    const value = stored === undefined || stored === null ? undefined : (columns[column]?.type.read(stored) ?? stored)
    return [{ column, value, part, ...by }]
  })
}

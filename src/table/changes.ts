// What a transaction did to a table's rows, in rows. Knows no log.
import type { RowMeta } from '../schema/index.ts'

/** Who writes here: the app, an undo or redo, or a backend by way of a pull. */
export type WriteOrigin = 'local' | 'undo' | 'backend'

/**
 * Where a change came from: a write here, an undo or redo here, a backend's change pulled here, or others by way of sync; or `partition`:
 * nobody wrote, rows came into sight or went out of it since a partition was opened or closed. Hooks are told `migration` of a row that
 * another replica has but brought to its version of the schema, and nothing of partitions.
 */
export type Origin = WriteOrigin | 'remote' | 'migration' | 'partition'

/** One transaction's effect on a table, in rows that are not soft-deleted. */
export interface TableChange<R extends RowMeta> {
  readonly origin: Origin
  /** Rows that are there now and were not before: inserted or restored. */
  readonly added: readonly R[]
  /** Rows as they are now that were there before. */
  readonly changed: readonly R[]
  /** Rows as they last were that are gone: soft-deleted. */
  readonly removed: readonly R[]
}

/**
 * Sorts what a transaction touched into a {@link TableChange}; undefined if no row differs.
 *
 * @param changes - Ids, and what stands for the row before.
 * @param rows - How to come by the row before and the row now.
 */
export const describeChange = <R extends RowMeta, B>(
  origin: Origin,
  changes: Iterable<readonly [id: string, before: B]>,
  rows: { readonly before: (before: B) => R | undefined; readonly now: (id: string, before: B) => R | undefined },
): TableChange<R> | undefined => {
  let [added, changed, removed]: [readonly R[], readonly R[], readonly R[]] = [NONE, NONE, NONE]
  for (const [id, before] of changes) {
    const was = visible(rows.before(before))
    const is = visible(rows.now(id, before))
    if (was === is) continue
    if (was === undefined) added = withOne(added, is as R)
    else if (is === undefined) removed = withOne(removed, was)
    else changed = withOne(changed, is)
  }
  return added.length + changed.length + removed.length === 0 ? undefined : { origin, added, changed, removed }
}

const NONE: readonly never[] = Object.freeze([])

/** Most changes are of one row: a list that grows has room for many more. */
const withOne = <R>(rows: readonly R[], row: R): readonly R[] => {
  if (rows.length === 0) return [row]
  ;(rows as R[]).push(row)
  return rows
}

/** Several changes of different rows as one; undefined if there are none. */
export const joinChanges = <R extends RowMeta>(changes: readonly TableChange<R>[]): TableChange<R> | undefined => {
  const [first] = changes
  if (first === undefined) return undefined
  return {
    origin: first.origin,
    added: changes.flatMap(({ added }) => added),
    changed: changes.flatMap(({ changed }) => changed),
    removed: changes.flatMap(({ removed }) => removed),
  }
}

/** The row unless it is soft-deleted. */
export const visible = <R extends RowMeta>(row: R | undefined): R | undefined =>
  row?.deletedAt === undefined ? row : undefined

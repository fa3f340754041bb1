// What a transaction did to a table's rows, in rows. Knows no log.
import type { RowMeta } from '../schema/index.ts'

/** Where a change came from: a write here, an undo or redo here, others by way of sync, or a backend. */
export type Origin = 'local' | 'undo' | 'remote' | 'backend'

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
  rows: { readonly before: (before: B) => R | undefined; readonly now: (id: string) => R | undefined },
): TableChange<R> | undefined => {
  const added: R[] = []
  const changed: R[] = []
  const removed: R[] = []
  for (const [id, before] of changes) {
    const was = visible(rows.before(before))
    const is = visible(rows.now(id))
    if (was === is) continue
    if (was === undefined) added.push(is as R)
    else if (is === undefined) removed.push(was)
    else changed.push(is)
  }
  return added.length + changed.length + removed.length === 0 ? undefined : { origin, added, changed, removed }
}

/** The row unless it is soft-deleted. */
export const visible = <R extends RowMeta>(row: R | undefined): R | undefined =>
  row?.deletedAt === undefined ? row : undefined

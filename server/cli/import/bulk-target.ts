// New rows into a store, the quick way: encoded as they come, stored in one append. Knows the bulk insert.
import type { BulkInsert } from '../../../src/bulk-insert.ts'
import { MerrowError } from '../../../src/errors.ts'
import type { RefusedColumn } from './refused.ts'
import type { NewRow } from './row-mapper.ts'
import type { RowTarget, Written } from './target.ts'

const NONE: readonly RefusedColumn[] = []

/** All rows are new: one whose id is taken is refused. */
export class BulkTarget implements RowTarget {
  readonly #bulk: BulkInsert
  #inserted = 0

  constructor(bulk: BulkInsert) {
    this.#bulk = bulk
  }

  take({ columns, values }: NewRow): readonly RefusedColumn[] {
    try {
      this.#bulk.add(columns, values)
    } catch (error) {
      return refusedBy(error)
    }
    this.#inserted += 1
    return NONE
  }

  async commit(): Promise<Written> {
    await this.#bulk.commit()
    return this.count()
  }

  count(): Written {
    return { inserted: this.#inserted, changed: 0, unchanged: 0 }
  }

  async close(): Promise<void> {
    await this.#bulk.close()
  }
}

/** What a write was refused for. @throws The error, if it is not the row that is at fault. */
export const refusedBy = (error: unknown): readonly RefusedColumn[] => {
  if (!(error instanceof MerrowError)) throw error
  if (error.code === 'row_exists')
    return [{ column: 'id', reason: `${error.message} Give --key id to change rows that are there.` }]
  if (error.code !== 'invalid_value') throw error
  return error.faults
}

// Rows that plans gave, kept until a row of their table changes: for queries that are asked again and again. Knows no plans and runs none.
import type { AnyRow } from './catalog.ts'

/** Most plans whose rows are kept, and most rows of one. */
const MAX_PLANS = 32
const MAX_ROWS = 1000

/** One table's. Whoever keeps it in step with the table empties it at each change. */
export class Answers {
  readonly #rows = new Map<object, readonly AnyRow[]>()

  /** The rows of a plan, in an array of the caller's own. @param run - Finds them. */
  of(plan: object, run: () => AnyRow[]): AnyRow[] {
    const known = this.#rows.get(plan)
    if (known !== undefined) return known.slice()
    const rows = run()
    if (rows.length > MAX_ROWS) return rows
    if (this.#rows.size === MAX_PLANS) this.#rows.clear()
    this.#rows.set(plan, rows.slice())
    return rows
  }

  /** Forgets all: a row has changed. */
  clear(): void {
    if (this.#rows.size > 0) this.#rows.clear()
  }
}

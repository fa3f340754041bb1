// The quarantine: stored values that this app's schema refuses, set aside so that their rows stay usable. Knows tables by what they show.

import { Listeners } from '../listeners.ts'
import type { RowMeta } from '../schema/index.ts'
import type { TableChange } from './changes.ts'
import { asideOf, type SetAside } from './set-aside.ts'

/** A value that was set aside. The row stays, without it; a write of the column puts another in its place. */
export interface Quarantined extends SetAside {
  readonly table: string
  readonly id: string
}

/** What a table does for the quarantine. */
export interface QuarantineSource {
  readonly name: string
  rows(): Iterable<RowMeta>
  subscribe(listener: (change: TableChange<RowMeta>) => void): () => void
}

/** What a database has set aside: `db.quarantine`. Nothing of it is lost: older and newer apps go on showing what they can. */
export class Quarantine {
  readonly #sources: () => Iterable<QuarantineSource>
  readonly #listeners: Listeners<[values: readonly Quarantined[]]>
  /** Rows of each table that lacked a value when listeners were last told. */
  readonly #lacking = new Map<string, Set<string>>()
  #stops: (() => void)[] = []

  /** @internal Made by `createDatabase`. */
  constructor(sources: () => Iterable<QuarantineSource>, onError: (error: unknown) => void) {
    this.#sources = sources
    this.#listeners = new Listeners(onError)
  }

  /** All values set aside, of rows that are not soft-deleted, table by table. Looks at every row: some milliseconds for 100,000. */
  list(): readonly Quarantined[] {
    return [...this.#sources()].flatMap((source) => listOf(source))
  }

  /**
   * Calls `listener` with all values set aside whenever a transaction has changed a row that has one, or had.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: (values: readonly Quarantined[]) => void): () => void {
    if (this.#listeners.size === 0) this.#start()
    const end = this.#listeners.add(listener)
    return () => {
      if (end() && this.#listeners.size === 0) this.#stop()
    }
  }

  #start(): void {
    this.#stops = Array.from(this.#sources(), (source) => {
      this.#lacking.set(source.name, new Set(listOf(source).map(({ id }) => id)))
      return source.subscribe((change) => this.#hear(source.name, change))
    })
  }

  #stop(): void {
    for (const stop of this.#stops) stop()
    this.#stops = []
  }

  #hear(table: string, { added, changed, removed }: TableChange<RowMeta>): void {
    const lacking = this.#lacking.get(table) as Set<string>
    let isChanged = false
    for (const { id } of removed) if (lacking.delete(id)) isChanged = true
    for (const row of [...added, ...changed]) {
      const lacks = asideOf(row).length > 0
      if (lacks || lacking.has(row.id)) isChanged = true
      if (lacks) lacking.add(row.id)
      else lacking.delete(row.id)
    }
    if (isChanged) this.#listeners.tell(this.list())
  }
}

const listOf = (source: QuarantineSource): readonly Quarantined[] => {
  const values: Quarantined[] = []
  for (const row of source.rows())
    for (const aside of asideOf(row)) values.push({ table: source.name, id: row.id, ...aside })
  return values
}

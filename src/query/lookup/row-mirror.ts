// What queries know of a table's rows: brought into step with the table when somebody asks. Knows when rows change; not what for.
import type { RowFeed } from '../../table/index.ts'
import type { AnyRow } from '../plan/catalog.ts'

/** A table, as far as its rows are needed here; soft-deleted ones are told with the others. */
export interface RowSource {
  row(id: string): AnyRow | undefined
  /** Ids of the rows whose changes have not been announced yet. */
  unannounced(): Iterable<string>
}

/** Told of each row that differs from what was told last. */
export type OnRowChange = (id: string, was: AnyRow | undefined, is: AnyRow | undefined) => void

/**
 * Notes which rows were touched, and tells of the differences when asked to catch up: so a query within a transaction sees its writes,
 * and what is taken back is taken back here too.
 */
export class RowMirror implements RowFeed<AnyRow> {
  readonly #source: RowSource
  readonly #onChange: OnRowChange
  readonly #onAnnounced: (origin: 'local' | 'remote') => void
  readonly #touched = new Set<string>()
  /** Rows touched since the last announcement, as they were told last. */
  readonly #told = new Map<string, AnyRow | undefined>()
  #isActive = false

  constructor(source: RowSource, onChange: OnRowChange, onAnnounced: (origin: 'local' | 'remote') => void) {
    this.#source = source
    this.#onChange = onChange
    this.#onAnnounced = onAnnounced
  }

  get isActive(): boolean {
    return this.#isActive
  }

  /** From now on, what differs from the rows as they are now is told. */
  activate(): void {
    if (this.#isActive) return
    this.#isActive = true
    for (const id of this.#source.unannounced()) this.#told.set(id, this.#source.row(id))
  }

  touch(id: string, before: AnyRow | undefined): void {
    if (this.#touched.has(id)) return
    this.#touched.add(id)
    if (!this.#told.has(id)) this.#told.set(id, before)
  }

  rolledBack(): void {
    for (const id of this.#told.keys()) this.#touched.add(id)
  }

  announced(origin: 'local' | 'remote'): void {
    if (!this.#isActive) return
    this.catchUp()
    const isQuiet = origin === 'local' || this.#source.unannounced()[Symbol.iterator]().next().done === true
    if (isQuiet) this.#told.clear()
    this.#onAnnounced(origin)
  }

  /** Tells of every row that differs from what was told last. */
  catchUp(): void {
    if (this.#touched.size === 0) return
    const touched = [...this.#touched]
    this.#touched.clear()
    for (const id of touched) {
      const was = this.#told.get(id)
      const is = this.#source.row(id)
      if (was === is) continue
      this.#told.set(id, is)
      this.#onChange(id, was, is)
    }
  }
}

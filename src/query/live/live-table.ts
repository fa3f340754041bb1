// One table for queries: its rows, its indexes in step with them, and who follows what. Knows no other table.
import { Lookups } from '../lookup/lookups.ts'
import { RowMirror } from '../lookup/row-mirror.ts'
import { Answers } from '../plan/answers.ts'
import type { AnyRow, TableInfo } from '../plan/catalog.ts'
import type { TableRows } from '../table-rows.ts'
import type { RowChange } from './dependencies.ts'

/** What a table gives to queries. */
export interface RowAccess {
  /** A row, soft-deleted or not. */
  row(id: string): AnyRow | undefined
  all(withDeleted: boolean): Iterable<AnyRow>
  /** Ids of rows whose changes are yet to be announced. */
  unannounced(): Iterable<string>
}

/** A table whose changes are looked at by those who keep something in step with it. */
export class LiveTable implements TableRows {
  readonly info: TableInfo
  readonly mirror: RowMirror
  readonly #access: RowAccess
  readonly #lookups: Lookups
  readonly #answers = new Answers()
  readonly #listeners = new Set<(change: RowChange) => void>()
  #changes: RowChange[] = []
  #told = 0
  /** Whether more rows are on their way, so that what is here is not all. */
  isLoading = false
  /** How many follow its changes. */
  followers = 0

  /** @param onAnnounced - Told once a transaction is through and the changes are here. */
  constructor(info: TableInfo, access: RowAccess, onAnnounced: (origin: 'local' | 'remote') => void) {
    this.info = info
    this.#access = access
    this.#lookups = new Lookups(info, () => access.all(false))
    this.mirror = new RowMirror(access, (id, was, is) => this.#change({ id, was, is, at: ++this.#told }), onAnnounced)
  }

  get lookups(): Lookups {
    this.mirror.activate()
    this.mirror.catchUp()
    return this.#lookups
  }

  get answers(): Answers {
    this.mirror.activate()
    this.mirror.catchUp()
    return this.#answers
  }

  get changes(): number {
    this.mirror.activate()
    this.mirror.catchUp()
    return this.#told
  }

  row(id: string): AnyRow | undefined {
    return this.#access.row(id)
  }

  all(withDeleted: boolean): Iterable<AnyRow> {
    return this.#access.all(withDeleted)
  }

  /** Calls `listener` with each row that differs, as soon as that is known. @returns A function that ends it. */
  onChange(listener: (change: RowChange) => void): () => void {
    this.mirror.activate()
    this.mirror.catchUp()
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Rows that changed since this was last asked, for followers. */
  takeChanges(): readonly RowChange[] {
    this.mirror.catchUp()
    const changes = this.#changes
    this.#changes = []
    return changes
  }

  #change(change: RowChange): void {
    this.#answers.clear()
    this.#lookups.change(change.was, change.is)
    for (const listener of this.#listeners) listener(change)
    if (this.followers > 0) this.#changes.push(change)
  }
}

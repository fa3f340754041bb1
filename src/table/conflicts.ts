// Conflicts: writes of an asking column that did not know one another, listed until somebody resolves them. Knows no storage.
import { MerrowError, show } from '../errors.ts'
import { Listeners } from '../listeners.ts'

/** One of the writes in a conflict. */
export interface ConflictingWrite {
  readonly value: unknown
  /** The `user` who wrote it, if one was given. */
  readonly author: string | undefined
  /** When, in milliseconds since the epoch. */
  readonly timeMs: number
  /** Whether this device wrote it. */
  readonly isMine: boolean
}

/** A column of a row that was written by several who did not know of each other's write. */
export interface Conflict {
  readonly table: string
  readonly id: string
  readonly column: string
  /** What the column held before the last of the writes; undefined if nothing. */
  readonly base: unknown
  /** The writes, the latest last: that one shows meanwhile. */
  readonly writes: readonly ConflictingWrite[]
  /** The backend that holds the other write; undefined for one between replicas. */
  readonly backend?: string
}

/** What a table does for conflicts. */
export interface ConflictSource {
  /** The conflicts of its rows, as they are now. */
  conflicts(): readonly Conflict[]
  /** Writes a value over all the writes of a conflict. @throws `row_not_found`, `invalid_value` */
  resolve(conflict: Conflict, choice: ConflictingWrite | { readonly value: unknown }): void
}

/** The conflicts of a database: `db.conflicts`. */
export class Conflicts {
  readonly #sources = new Map<string, ConflictSource>()
  readonly #listeners: Listeners<[conflicts: readonly Conflict[]]>

  /** @internal Made by `createDatabase`. */
  constructor(onError: (error: unknown) => void) {
    this.#listeners = new Listeners(onError)
  }

  /** @internal Adds a table, or `backend <name>`. */
  join(name: string, source: ConflictSource): void {
    this.#sources.set(name, source)
  }

  /** All conflicts, table by table. */
  list(): readonly Conflict[] {
    return [...this.#sources.values()].flatMap((source) => source.conflicts())
  }

  /** Calls `listener` with all conflicts whenever a transaction has changed them. @returns A function that ends it. */
  subscribe(listener: (conflicts: readonly Conflict[]) => void): () => void {
    return this.#listeners.add(listener)
  }

  /**
   * Ends a conflict, everywhere: the choice is written as a value that knew all the others, so that a concurrent resolution with
   * another value is a conflict again. So is `update`, of which this is a short form.
   *
   * @param resolution - `'mine'`: what this device wrote; `'theirs'`: the latest of the others; else the value to write (to write
   * one of these two words, use `update`).
   * @throws {@link MerrowError} `invalid_argument` if there is no such write; `invalid_value` if the column refuses the value.
   */
  resolve(conflict: Conflict, resolution: unknown): void {
    const source = this.#sources.get(conflict.backend === undefined ? conflict.table : `backend ${conflict.backend}`)
    if (source === undefined)
      throw new MerrowError('unknown_table', `There is no table ${show(conflict.table)} with conflicts to resolve.`)
    source.resolve(conflict, choose(conflict, resolution))
  }

  /** @internal A table's conflicts have changed. */
  announce(): void {
    if (this.#listeners.size > 0) this.#listeners.tell(this.list())
  }
}

const choose = ({ writes, column }: Conflict, resolution: unknown): ConflictingWrite | { readonly value: unknown } => {
  if (resolution !== 'mine' && resolution !== 'theirs') return { value: resolution }
  const chosen = writes.findLast(({ isMine }) => isMine === (resolution === 'mine'))
  if (chosen !== undefined) return chosen
  throw new MerrowError(
    'invalid_argument',
    `No write of column "${column}" in this conflict is ${resolution === 'mine' ? "this device's own" : 'by another device'}. Give the value to keep.`,
  )
}

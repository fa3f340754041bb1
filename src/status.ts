// A database's status: what it shows of saving and sending, and whom it tells. Knows no storage and no network.
import { Announcement } from './listeners.ts'

/**
 * How a row stands with its backend.
 *
 * - `local`: there is none, or it does not know the row. - `pending`: writes wait. - `sending`: one is on its way. - `synced`: it has all.
 * - `failed`: a write stands in the dead letter. - `conflict`: one waits for the user.
 */
export type RowStatus = 'local' | 'pending' | 'sending' | 'synced' | 'failed' | 'conflict'

/** A document that said something else than the relay's under the same clocks: it was set back, or written to by two at once. */
export interface Fork {
  /** Name of the document: a table's, or `<table>/<partition>`. */
  readonly document: string
  /** Name under which the store keeps the copy as it was, for good. */
  readonly aside: string
  /** Whether its rows have been carried over, durably. */
  readonly isMended: boolean
}

/** Where a {@link Status} reads what it shows. */
export interface StatusSource<C extends string> {
  readonly connection: C
  readonly unsaved: number
  readonly unsent: number
  readonly refused: number
  readonly forks: readonly Fork[]
  readonly error: unknown
}

/** How a database stands, live: `db.status`. */
export class Status<C extends string> extends Announcement {
  readonly #source: StatusSource<C>

  /** @internal Made by `createDatabase`. */
  constructor(source: StatusSource<C>, onError: (error: unknown) => void, schedule?: (work: () => void) => void) {
    super(onError, schedule)
    this.#source = source
  }

  /** How it stands with the relay; `offline` without one. */
  get connection(): C {
    return this.#source.connection
  }

  /** Updates, local and received, that are not durable on this machine yet. */
  get unsaved(): number {
    return this.#source.unsaved
  }

  /** Local updates of this session that are not on the relay's disk. */
  get unsent(): number {
    return this.#source.unsent
  }

  /** Pieces of the tables' documents that could not be read; they were left as they are. */
  get refused(): number {
    return this.#source.refused
  }

  /** Documents, of those that were opened, that a relay ever found to be forked: tables are mended at once, others at the next opening, and the store keeps each as it was. */
  get forks(): readonly Fork[] {
    return this.#source.forks
  }

  /** Why the database is read-only, or what is wrong with storage or the relay at the moment; undefined if nothing is. */
  get error(): unknown {
    return this.#source.error
  }
}

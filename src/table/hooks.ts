// Cut points around every write of a table: functions that may change or refuse it, and functions that see what came of it.
import type { Columns, RowOf } from '../schema/index.ts'
import type { Origin } from './changes.ts'

/** What a write is going to do. */
export type WriteKind = 'insert' | 'update' | 'delete' | 'restore' | 'purge'

/** A local write before it is checked. */
export interface WriteRequest<C extends Columns> {
  readonly kind: WriteKind
  readonly table: string
  /** The row's id; undefined for an insert, whose `values` may give one. */
  readonly id: string | undefined
  /** The row as it is; undefined for an insert. */
  readonly before: RowOf<C> | undefined
  /** The columns that are to be written, as given by the caller; none for a delete, restore or purge. */
  readonly values: Readonly<Record<string, unknown>>
}

/** Looks at a write before it is checked. Returns other values to write instead, or nothing; throws to refuse it. */
export type BeforeWrite<C extends Columns> = (
  write: WriteRequest<C>,
  // biome-ignore lint/suspicious/noConfusingVoidType: a hook that changes nothing need not return anything.
) => Readonly<Record<string, unknown>> | undefined | void

/** A row that a transaction changed, soft-deleted or not. */
export interface WrittenRow<C extends Columns> {
  readonly table: string
  readonly id: string
  readonly before: RowOf<C> | undefined
  readonly after: RowOf<C> | undefined
  readonly origin: Origin
}

/** Sees a row that a transaction changed. */
export type AfterWrite<C extends Columns> = (written: WrittenRow<C>) => void

/** The hooks of one table, in the order they were added. */
export class Hooks<C extends Columns> {
  readonly #before = new Set<BeforeWrite<C>>()
  readonly #after = new Set<AfterWrite<C>>()
  readonly #onError: (error: unknown) => void

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** Whether no hook wants to see writes before they are checked. */
  get isEmpty(): boolean {
    return this.#before.size === 0
  }

  /** Whether any hook wants to see what came of writes. */
  get hearsAfter(): boolean {
    return this.#after.size > 0
  }

  addBefore(hook: BeforeWrite<C>): () => void {
    const own: BeforeWrite<C> = (write) => hook(write)
    this.#before.add(own)
    return () => this.#before.delete(own)
  }

  addAfter(hook: AfterWrite<C>): () => void {
    const own: AfterWrite<C> = (written) => hook(written)
    this.#after.add(own)
    return () => this.#after.delete(own)
  }

  /** Runs the hooks before a write. @returns the values to write. @throws What a hook throws. */
  before(write: WriteRequest<C>): Readonly<Record<string, unknown>> {
    let { values } = write
    for (const hook of this.#before) values = hook({ ...write, values }) ?? values
    return values
  }

  /** Runs the hooks after a write; what they throw is reported. */
  after(written: WrittenRow<C>): void {
    for (const hook of this.#after) {
      try {
        hook(written)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}

// The port for what is kept in step with a table's rows, such as indexes. Knows rows alone.

/** Told of every row that is about to change, or has changed, whoever changes it; reads the row itself when it wants to know more. */
export interface RowFeed<R> {
  /** Whether it wants to be told. */
  readonly isActive: boolean
  /** A row is being written, or was by others. @param before - The row until then, soft-deleted or not; undefined if there was none. */
  touch(id: string, before: R | undefined): void
  /** Staged writes were taken back: rows touched since the last announcement may be as they were. */
  rolledBack(): void
  /** A transaction is through, and subscribers of the table have been told. */
  announced(origin: 'local' | 'remote'): void
}

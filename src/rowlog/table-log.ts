// What the table layer sees of a log, be it one document's or several documents' behind one face. Types only.
import type { Entry } from './entry.ts'
import type { RowChanges, RowLog } from './log.ts'

/** The rows of a log by id; a part of what a `Map` can do. */
export type Entries = Pick<ReadonlyMap<string, Entry>, 'get' | 'keys' | 'values'>

/** A log of one table: staging, committing and telling. */
export interface TableLog
  extends Pick<
    RowLog,
    | 'replica'
    | 'stage'
    | 'mark'
    | 'release'
    | 'rollback'
    | 'commit'
    | 'unannounced'
    | 'takeLocalChanges'
    | 'onRemoteChange'
    | 'position'
    | 'stats'
    | 'refused'
    | 'lastCompactionMs'
  > {
  readonly entries: Entries
  /** Calls `listener` when rows have come into sight or gone out of it without having been written. One listener at a time. */
  onShown?(listener: (changes: RowChanges) => void): void
}

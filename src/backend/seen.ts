// What this device last saw of records, as far as its rows differ from it: the base of three-way merges. Knows no merge.
import { equalityDeep } from 'lib0/function'
import type { Json } from '../schema/index.ts'
import { rowKey } from './ids.ts'
import type { KeyedLog } from './keyed-log.ts'
import type { Fields, RemoteId } from './remote-table.ts'

/** What is kept of a record; a column that is not there is as the row has it. */
export interface Seen {
  readonly version?: RemoteId
  /** Columns as the record had them, in stored form. */
  readonly base?: Fields
  /** The record that the row had, and that is gone. */
  readonly gone?: RemoteId
  /** It was made from here and has not been seen in a pull since. */
  readonly isUnconfirmed?: boolean
  /** What was answered may be older than what has been seen since: it is to be fetched. */
  readonly isStale?: boolean
}

/** The journal's key of what was seen of a row. */
const keyOf = (table: string, id: string): string => `seen/${rowKey(table, id)}`

/** What was seen, by row. */
export class SeenRecords {
  readonly #journal: KeyedLog
  readonly #stale = new Map<string, readonly [table: string, id: string]>()

  constructor(journal: KeyedLog) {
    this.#journal = journal
    this.reload()
  }

  /** Reads again what the journal says: others who share it have written. */
  reload(): void {
    this.#stale.clear()
    for (const [key, value] of this.#journal.entries()) {
      const [kind, table = '', ...id] = key.split('/')
      if (kind === 'seen' && (value as Seen).isStale === true) this.#stale.set(key, [table, id.join('/')])
    }
  }

  /** Rows of a table whose records are to be fetched. */
  stale(table: string): string[] {
    return [...this.#stale.values()].flatMap(([name, id]) => (name === table ? [id] : []))
  }

  get(table: string, id: string): Seen {
    return (this.#journal.get(keyOf(table, id)) ?? {}) as Seen
  }

  /** Stages what was seen; columns that equal the row's are left out. */
  put(table: string, id: string, seen: Seen, local: Fields): void {
    const base = Object.entries(seen.base ?? {}).filter(([column, value]) => !isSame(value, local[column] ?? null))
    const kept: Record<string, Json> = {}
    if (seen.version !== undefined) kept['version'] = seen.version
    if (seen.gone !== undefined) kept['gone'] = seen.gone
    if (base.length > 0) kept['base'] = Object.fromEntries(base)
    if (seen.isUnconfirmed === true) kept['isUnconfirmed'] = true
    if (seen.isStale === true) kept['isStale'] = true
    const key = keyOf(table, id)
    if (seen.isStale === true) this.#stale.set(key, [table, id])
    else this.#stale.delete(key)
    if (Object.keys(kept).length === 0) this.#journal.delete(key)
    else if (!equalityDeep(this.#journal.get(key), kept)) this.#journal.put(key, kept)
  }

  /** A row is about to differ from its record, or not any more: keeps what it was before. */
  noteChange(table: string, id: string, before: Fields, after: Fields): void {
    const seen = this.get(table, id)
    this.put(table, id, { ...seen, base: { ...before, ...seen.base } }, after)
  }

  forget(table: string, id: string): void {
    this.#stale.delete(keyOf(table, id))
    this.#journal.delete(keyOf(table, id))
  }
}

/** Whether two JSON values hold the same. */
export const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || equalityDeep(a ?? null, b ?? null)

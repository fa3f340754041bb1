// What this device last saw of records, as far as its rows differ from it: the base of three-way merges. Knows no merge.
import { equalityDeep } from 'lib0/function'
import type { Json } from '../schema/index.ts'
import { rowKey } from './identity/ids.ts'
import type { KeyedLog } from './keyed-log.ts'
import type { Fields, RemoteId } from './remote-table.ts'

/** Stands among a row's columns for whether it is deleted. */
export const DELETED_MARK = 'deletedAt'

/** What is kept of a record; a column that is not there is as the row has it. */
export interface Seen {
  readonly version?: RemoteId
  /** Columns as the record had them, in stored form. */
  readonly base?: Fields
  /** The record that this is about, if the row has had more than one. */
  readonly of?: RemoteId
  /** It was made from here and has not been seen in a pull since. */
  readonly isUnconfirmed?: boolean
  /** What is known may be older than what there is: the record is to be fetched. */
  readonly isStale?: boolean
  /** Nothing is known of the record's columns: the row has been another record's. */
  readonly isUnknown?: boolean
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

  isStale(table: string, id: string): boolean {
    return this.#stale.has(keyOf(table, id))
  }

  get(table: string, id: string): Seen {
    return (this.#journal.get(keyOf(table, id)) ?? {}) as Seen
  }

  has(table: string, id: string): boolean {
    return this.#journal.get(keyOf(table, id)) !== undefined
  }

  /** Stages what was seen; columns that equal the row's are left out. */
  put(table: string, id: string, seen: Seen, local: Fields): void {
    const base = Object.entries(seen.base ?? {}).filter(([column, value]) => !isSame(value, local[column] ?? null))
    const kept: Record<string, Json> = {}
    if (seen.version !== undefined) kept['version'] = seen.version
    if (seen.of !== undefined) kept['of'] = seen.of
    if (base.length > 0) kept['base'] = Object.fromEntries(base)
    if (seen.isUnconfirmed === true) kept['isUnconfirmed'] = true
    if (seen.isStale === true) kept['isStale'] = true
    if (seen.isUnknown === true) kept['isUnknown'] = true
    const key = keyOf(table, id)
    if (seen.isStale === true) this.#stale.set(key, [table, id])
    else this.#stale.delete(key)
    if (Object.keys(kept).length === 0) this.#journal.delete(key)
    else if (!equalityDeep(this.#journal.get(key), kept)) this.#journal.put(key, kept)
  }

  /** A row is about to differ from its record, or not any more: keeps what it was before. */
  noteChange(table: string, id: string, before: Fields, after: Fields): void {
    const seen = this.get(table, id)
    // A row of which the record's columns are not known says nothing of them.
    const known = seen.isUnknown === true ? { [DELETED_MARK]: before[DELETED_MARK] as Json } : before
    this.put(table, id, { ...seen, base: { ...known, ...seen.base } }, after)
  }

  forget(table: string, id: string): void {
    this.#stale.delete(keyOf(table, id))
    this.#journal.delete(keyOf(table, id))
  }
}

/** Whether two JSON values hold the same. */
export const isSame = (a: Json | undefined, b: Json | undefined): boolean =>
  a === b || equalityDeep(a ?? null, b ?? null)

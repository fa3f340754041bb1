// The id map: which row is which record, a merged log of links that every replica learns. Knows no rows.
import { v5 } from 'uuid'
import type { KeyedLog } from './keyed-log.ts'
import type { RemoteId } from './remote-table.ts'

/** Namespace of the ids of rows that a backend made (RFC 9562, version 5). */
const NAMESPACE = '6f1c1f1e-6d0b-4c57-9d0e-3a5f0c7f5a11'

/** A row and its record; null says that the row was deleted before anybody made a record of it. */
export interface Link {
  readonly table: string
  readonly local: string
  readonly remote: RemoteId | null
}

/** The links of one backend. A link is a key of the log; its value says nothing. */
export class IdMap {
  readonly #backend: string
  readonly #log: KeyedLog
  readonly #remotes = new Map<string, RemoteId[]>()
  readonly #locals = new Map<string, string[]>()
  readonly #nevers = new Set<string>()
  /** Rows that had, at some time, more than one record. */
  readonly #doubled = new Set<string>()
  /** Rows by the ids that would have been derived of their records; made when it is first asked for. */
  #originals: Map<string, string> | undefined
  readonly #onLink: (link: Link) => void

  /** @param onLink - Told of each link that is new here, wherever it comes from. */
  constructor(backend: string, log: KeyedLog, onLink: (link: Link) => void) {
    this.#backend = backend
    this.#log = log
    this.#onLink = onLink
    for (const [key] of log.entries()) this.#take(key)
  }

  /** The record of a row; the first by name if two were made of it. */
  remote(table: string, local: string): RemoteId | undefined {
    return this.#remotes.get(rowKey(table, local))?.[0]
  }

  /** All records of a row: more than one if it was made twice. */
  remotes(table: string, local: string): readonly RemoteId[] {
    return this.#remotes.get(rowKey(table, local)) ?? []
  }

  /** Rows of which more than one record was made. */
  *doubled(): Generator<{ readonly table: string; readonly local: string; readonly remotes: readonly RemoteId[] }> {
    for (const row of this.#doubled) {
      const at = row.indexOf('/')
      const remotes = this.#remotes.get(row) ?? []
      if (remotes.length > 1) yield { table: row.slice(0, at), local: row.slice(at + 1), remotes }
    }
  }

  /** Whether a row will have no record, having been deleted first. */
  isNever(table: string, local: string): boolean {
    return this.#nevers.has(rowKey(table, local))
  }

  /** Whether a row, `table/id`, has a record. */
  isLinked(row: string): boolean {
    return (this.#remotes.get(row)?.length ?? 0) > 0
  }

  /** Whether a row, `table/id`, will have no record. */
  isNeverRow(row: string): boolean {
    return this.#nevers.has(row)
  }

  /** The row of a record, if a link says so: one that was made here before one that was derived. */
  local(table: string, remote: RemoteId): string | undefined {
    return this.#locals.get(rowKey(table, String(remote)))?.[0]
  }

  /** All rows of a record: more than one while they wait to be made one. */
  locals(table: string, remote: RemoteId): readonly string[] {
    return this.#locals.get(rowKey(table, String(remote))) ?? []
  }

  /** The row that a record becomes when it is first seen: the same id on every replica. */
  derived(table: string, remote: RemoteId): string {
    return v5(`${this.#backend}/${table}/${remote}`, NAMESPACE)
  }

  /** The row that was made here of the record which a derived id stands for, if the record is known. */
  originalOf(table: string, derived: string): string | undefined {
    if (this.#originals === undefined) {
      this.#originals = new Map()
      for (const link of this.links()) this.#noteOriginal(link)
    }
    return this.#originals.get(rowKey(table, derived))
  }

  #noteOriginal({ table, local, remote }: Link): void {
    const derived = remote === null ? local : this.derived(table, remote)
    if (derived !== local && remote !== null)
      this.#originals?.set(rowKey(table, derived), this.local(table, remote) ?? local)
  }

  /** The key under which a row's record is asked for, at every try and by every replica. */
  insertKey(table: string, local: string): string {
    return v5(`${this.#backend}/${table}/insert ${local}`, NAMESPACE)
  }

  /** The key under which a record that is gone is made again, whichever row somebody has for it. */
  againKey(table: string, remote: RemoteId): string {
    return v5(`${this.#backend}/${table}/again ${remote}`, NAMESPACE)
  }

  /** All links there are. */
  *links(): Generator<Link> {
    for (const [key] of this.#log.entries()) {
      const link = this.#parse(key)
      if (link !== undefined) yield link
    }
  }

  /** Stages a link. */
  link(table: string, local: string, remote: RemoteId | null): void {
    if (this.remotes(table, local).some((known) => String(known) === String(remote))) return
    if (remote !== null && this.isNever(table, local)) this.unlink(table, local, null)
    const key = this.#key({ table, local, remote })
    this.#log.put(key, 1)
    this.#take(key)
  }

  /** Stages the end of a link. */
  unlink(table: string, local: string, remote: RemoteId | null): void {
    const key = this.#key({ table, local, remote })
    this.#log.delete(key)
    this.noteRemote(key, undefined)
  }

  /** Carries what is staged into the document. */
  commit(): void {
    this.#log.commit()
  }

  /** Takes in what another replica wrote. */
  noteRemote(key: string, value: unknown): void {
    if (value !== undefined) return this.#take(key)
    const link = this.#parse(key)
    if (link === undefined) return
    if (link.remote === null) {
      this.#nevers.delete(rowKey(link.table, link.local))
      return
    }
    const [row, record] = [rowKey(link.table, link.local), rowKey(link.table, String(link.remote))]
    this.#remotes.set(
      row,
      (this.#remotes.get(row) ?? []).filter((remote) => remote !== link.remote),
    )
    this.#locals.set(
      record,
      (this.#locals.get(record) ?? []).filter((local) => local !== link.local),
    )
  }

  #take(key: string): void {
    const link = this.#parse(key)
    if (link === undefined) return
    const { table, local, remote } = link
    if (remote === null) {
      this.#nevers.add(rowKey(table, local))
      return this.#onLink(link)
    }
    const [row, record] = [rowKey(table, local), rowKey(table, String(remote))]
    const remotes = this.#remotes.get(row) ?? []
    if (!remotes.includes(remote)) this.#remotes.set(row, [...remotes, remote].sort(byText))
    if (remotes.length > 0) this.#doubled.add(row)
    const locals = this.#locals.get(record) ?? []
    const derived = this.derived(table, remote)
    const rank = (id: string): number => (id === derived ? 2 : mayBeDerived(id) ? 1 : 0)
    if (!locals.includes(local))
      this.#locals.set(
        record,
        [...locals, local].sort((a, b) => rank(a) - rank(b) || byText(a, b)),
      )
    this.#noteOriginal(link)
    this.#onLink(link)
  }

  #key({ table, local, remote }: Link): string {
    return JSON.stringify([this.#backend, table, local, remote])
  }

  #parse(key: string): Link | undefined {
    const [backend, table, local, remote] = JSON.parse(key) as [string, string, string, RemoteId | null]
    return backend === this.#backend ? { table, local, remote } : undefined
  }
}

/** Names a row among those of all tables. */
export const rowKey = (table: string, id: string): string => `${table}/${id}`

const byText = (a: RemoteId, b: RemoteId): number => (String(a) < String(b) ? -1 : 1)

/** Whether an id may be a derived one: they are UUIDs of version 5. */
export const mayBeDerived = (id: string): boolean => id.length === 36 && id[14] === '5'

// The id map: which row is which record, a merged log of links and marks that every replica learns. Knows no rows.
import { v5 } from 'uuid'
import type { KeyedLog } from '../keyed-log.ts'
import type { RemoteId } from '../remote-table.ts'
import { Entities, type Entity, rowKey } from './entities.ts'

export { mayBeDerived, rowKey } from './entities.ts'

/** Namespace of the ids of rows that a backend made (RFC 9562, version 5). */
const NAMESPACE = '6f1c1f1e-6d0b-4c57-9d0e-3a5f0c7f5a11'

/**
 * What a key of the log says.
 *
 * - Row and record: they are one. - A row alone: it was deleted before anybody made a record of it. - A record alone: it is gone.
 */
type Mark =
  | { readonly kind: 'link'; readonly table: string; readonly row: string; readonly remote: RemoteId }
  | { readonly kind: 'never'; readonly table: string; readonly row: string }
  | { readonly kind: 'gone'; readonly table: string; readonly remote: RemoteId }

/** The links of one backend. A link is a key of the log; its value says nothing. */
export class IdMap {
  readonly #backend: string
  readonly #log: KeyedLog
  readonly #entities: Entities
  readonly #nevers = new Set<string>()
  readonly #gone = new Set<string>()
  readonly #onChange: (table: string, row: string) => void

  /** @param onChange - Told of each row that is linked anew, or whose record comes or goes, wherever that is heard from. */
  constructor(backend: string, log: KeyedLog, onChange: (table: string, row: string) => void) {
    this.#backend = backend
    this.#log = log
    this.#onChange = onChange
    this.#entities = new Entities((table, remote) => this.derived(table, remote))
    for (const [key] of log.entries()) this.#take(key)
  }

  /** The record of a row: of several the last that is not gone, or the last. */
  remote(table: string, row: string): RemoteId | undefined {
    return this.live(table, row).at(-1) ?? this.records(table, row).at(-1)
  }

  /** Records of a row that are not known to be gone: more than one if it was made twice. */
  live(table: string, row: string): readonly RemoteId[] {
    return this.records(table, row).filter((remote) => !this.isGone(table, remote))
  }

  /** All records that were ever made of a row. */
  records(table: string, row: string): readonly RemoteId[] {
    return this.#entities.ofRow(table, row)?.records ?? []
  }

  /** The row that a row is one with: itself, as long as nothing else is known. */
  canonical(table: string, row: string): string {
    return this.#entities.ofRow(table, row)?.rows[0] ?? row
  }

  /** All ids that rows which are one with a row may have. */
  aliases(table: string, row: string): readonly string[] {
    const entity = this.#entities.ofRow(table, row)
    return entity === undefined ? [row] : [...new Set([...entity.rows, ...entity.derived])]
  }

  /** Rows of which more than one record may be there. */
  *doubled(): Generator<{ readonly table: string; readonly row: string; readonly remotes: readonly RemoteId[] }> {
    for (const { table, rows } of this.#entities.manifold()) {
      const row = rows[0] as string
      const remotes = this.live(table, row)
      if (remotes.length > 1) yield { table, row, remotes }
    }
  }

  /** Rows that had more than one record, or are of records that are of several rows. */
  *manifold(): Generator<{ readonly table: string; readonly row: string }> {
    for (const { table, rows } of this.#entities.manifold()) yield { table, row: rows[0] as string }
  }

  /** Whether a row, `table/id`, has a record. */
  isLinked(row: string): boolean {
    return this.#entities.hasRow(row)
  }

  /** Whether a row was deleted before anybody made a record of it. */
  isNever(table: string, row: string): boolean {
    return this.isNeverRow(rowKey(table, row)) && this.#entities.ofRow(table, row) === undefined
  }

  /** Whether somebody has said so of a row, `table/id`, whatever came of it. */
  isNeverRow(row: string): boolean {
    return this.#nevers.has(row)
  }

  isGone(table: string, remote: RemoteId): boolean {
    return this.#gone.has(rowKey(table, String(remote)))
  }

  /** The row of a record, if a link says so: one that was made here before one that was derived. */
  local(table: string, remote: RemoteId): string | undefined {
    return this.#entities.ofRecord(table, remote)?.rows[0]
  }

  /** The row that a record becomes when it is first seen: the same id on every replica. */
  derived(table: string, remote: RemoteId): string {
    return v5(`${this.#backend}/${table}/${remote}`, NAMESPACE)
  }

  /** The key under which a row's record is asked for, at every try and by every replica. */
  insertKey(table: string, row: string): string {
    return v5(`${this.#backend}/${table}/insert ${row}`, NAMESPACE)
  }

  /** The key under which a record that is gone is made again, whichever row somebody has for it. */
  againKey(table: string, remote: RemoteId): string {
    return v5(`${this.#backend}/${table}/again ${remote}`, NAMESPACE)
  }

  /** The key under which an operation, of a key of its own, writes to one of several records. */
  writeKey(table: string, remote: RemoteId, key: string): string {
    return v5(`${this.#backend}/${table}/write ${remote} ${key}`, NAMESPACE)
  }

  /** Stages a link. */
  link(table: string, row: string, remote: RemoteId): void {
    this.#put({ kind: 'link', table, row, remote })
  }

  /** Stages the end of all links to a record, which was made twice and is not to be this row's. */
  unlink(table: string, remote: RemoteId): void {
    for (const row of [...(this.#entities.ofRecord(table, remote)?.rows ?? [])]) {
      const key = this.#keyOf({ kind: 'link', table, row, remote })
      if (this.#log.get(key) === undefined) continue
      this.#log.delete(key)
      this.noteRemote(key, undefined)
    }
  }

  /** Stages that a row was deleted before anybody made a record of it; again, if that was said before. */
  markNever(table: string, row: string): void {
    this.#put({ kind: 'never', table, row }, true)
  }

  /** Stages that somebody will make a record of a row after all. */
  unmarkNever(table: string, row: string): void {
    this.#end({ kind: 'never', table, row })
  }

  /** Stages that a record is gone. */
  markGone(table: string, remote: RemoteId): void {
    if (this.#entities.ofRecord(table, remote) !== undefined) this.#put({ kind: 'gone', table, remote })
  }

  /** Stages that a record is there again. */
  unmarkGone(table: string, remote: RemoteId): void {
    this.#end({ kind: 'gone', table, remote })
  }

  /** Carries what is staged into the document. */
  commit(): void {
    this.#log.commit()
  }

  /** Takes in what another replica wrote. */
  noteRemote(key: string, value: unknown): void {
    if (value !== undefined) return this.#take(key)
    const mark = this.#parse(key)
    if (mark?.kind === 'never') this.#nevers.delete(rowKey(mark.table, mark.row))
    if (mark?.kind === 'gone') {
      this.#gone.delete(rowKey(mark.table, String(mark.remote)))
      this.#announce(this.#entities.ofRecord(mark.table, mark.remote))
    }
    if (mark?.kind === 'link') this.#separate(mark.table, mark.row)
  }

  #take(key: string): void {
    const mark = this.#parse(key)
    switch (mark?.kind) {
      case 'link':
        return this.#announce(this.#entities.join(mark.table, mark.row, mark.remote))
      case 'gone':
        this.#gone.add(rowKey(mark.table, String(mark.remote)))
        return this.#announce(this.#entities.ofRecord(mark.table, mark.remote))
      case 'never':
        this.#nevers.add(rowKey(mark.table, mark.row))
        return this.#onChange(mark.table, mark.row)
    }
  }

  /** A link has ended: what else was one stays so. */
  #separate(table: string, row: string): void {
    const entity = this.#entities.ofRow(table, row)
    if (entity === undefined) return
    this.#entities.forget(entity)
    const rows = new Set(entity.rows)
    for (const [key] of this.#log.entries()) {
      const mark = this.#parse(key)
      if (mark?.kind === 'link' && mark.table === table && rows.has(mark.row)) this.#take(key)
    }
  }

  #announce(entity: Entity | undefined): void {
    if (entity !== undefined) this.#onChange(entity.table, entity.rows[0] as string)
  }

  #put(mark: Mark, isAnew = false): void {
    const key = this.#keyOf(mark)
    if (this.#log.get(key) !== undefined && !isAnew) return
    this.#log.put(key, 1, isAnew)
    this.#take(key)
  }

  #end(mark: Mark): void {
    const key = this.#keyOf(mark)
    if (this.#log.get(key) === undefined) return
    this.#log.delete(key)
    this.noteRemote(key, undefined)
  }

  #keyOf(mark: Mark): string {
    const { table } = mark
    return JSON.stringify([
      this.#backend,
      table,
      mark.kind === 'gone' ? null : mark.row,
      mark.kind === 'never' ? null : mark.remote,
    ])
  }

  #parse(key: string): Mark | undefined {
    const [backend, table, row, remote] = JSON.parse(key) as [string, string, string | null, RemoteId | null]
    if (backend !== this.#backend) return undefined
    if (row === null) return remote === null ? undefined : { kind: 'gone', table, remote }
    return remote === null ? { kind: 'never', table, row } : { kind: 'link', table, row, remote }
  }
}

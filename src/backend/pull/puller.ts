// The puller: brings a backend's changes into the tables, page by page, one pull at a time. Knows cursors; no HTTP.
import { show } from '../../errors.ts'
import type { Json } from '../../schema/index.ts'
import { Unreadable } from '../codec.ts'
import type { Core, MappedTable } from '../core.ts'
import { rowKey } from '../identity/ids.ts'
import { storedOf } from '../outbox/capture.ts'
import { classify, NonsenseError } from '../push/failure.ts'
import type { Call, PulledPage, RemoteId } from '../remote-table.ts'
import type { Reading, Rows } from '../rows.ts'

/** What a puller is given to work with. */
export interface PullerOptions {
  readonly core: Core
  readonly rows: Rows
  /** A call for reading, with a fresh key. */
  readonly call: (table: MappedTable) => Call
  /** How often a table is listed whole, in milliseconds; Infinity for never. */
  readonly fullScanMs: number
  /** Which time of leading this is; none while others lead. */
  readonly term: () => number | undefined
}

/** Records that are written in one transaction. */
const CHUNK = 500
const SHOWN = 500
const MAX_PAGES = 100_000
/** How often a pull begins anew because a cursor was refused. */
const MAX_LISTINGS = 3
/** Problems reported of one page: more of the same say nothing. */
const MAX_REPORTS = 5

/** Where a table's pull stands. */
interface Place {
  readonly cursor: Json | undefined
  readonly lastFullMs: number
}

/** A cursor that the backend did not take. A class, since a page may have fields of any name. */
class Refused {
  readonly cursor: Json
  readonly error: unknown

  constructor(cursor: Json, error: unknown) {
    this.cursor = cursor
    this.error = error
  }
}

/** Pulls tables, one at a time. */
export class Puller {
  readonly #options: PullerOptions
  /** Rows whose records are being fetched. */
  readonly #fetching = new Map<string, Promise<void>>()
  #isStopped = false
  /** When the last pull of all tables ended well. */
  lastMs = Number.NEGATIVE_INFINITY

  constructor(options: PullerOptions) {
    this.#options = options
  }

  stop(): void {
    this.#isStopped = true
  }

  /** Tells whether what is asked for now may no longer be taken when it comes: it may be older than what others have taken. */
  #watch(): () => boolean {
    const term = this.#options.term()
    return () => this.#isStopped || term === undefined || term !== this.#options.term()
  }

  /** Pulls all tables. @throws What the backend's functions throw; what came before is kept. */
  async pullAll(isFull = false): Promise<void> {
    const startedMs = this.#options.core.host.now()
    const isOver = this.#watch()
    for (const table of this.#options.core.tables.values()) await this.pull(table, isFull)
    if (!isOver()) this.lastMs = startedMs
  }

  /** Pulls one table to its end. */
  async pull(table: MappedTable, isFull = false): Promise<void> {
    if (table.remote.pull === undefined || this.#isStopped) return
    const { core, fullScanMs } = this.#options
    await this.refresh(table)
    const place = this.#place(table)
    const isDue = core.host.now() - place.lastFullMs >= fullScanMs
    // What cannot be fetched by itself is listed with all else.
    const isInDoubt = core.seen.stale(table.name).length > 0 && table.remote.get === undefined
    const start = isFull || isDue || isInDoubt ? undefined : place.cursor
    for (let at = start, tries = 1; ; at = undefined, tries++) {
      const refused = await this.#run(table, at)
      if (refused === undefined) return
      if (tries > MAX_LISTINGS) throw refused.error
      core.report({
        kind: 'cursor',
        table: table.name,
        message: `The cursor ${show(refused.cursor)} was refused (${String(refused.error)}); everything is listed anew.`,
      })
    }
  }

  /** Fetches the records of which more than the last answer is to be known. */
  async refresh(table: MappedTable): Promise<void> {
    if (table.remote.get === undefined) return
    const isOver = this.#watch()
    const { seen } = this.#options.core
    for (const id of seen.stale(table.name)) {
      const key = rowKey(table.name, id)
      // Each answer that leaves something in doubt comes here: what is asked for already is not asked for by all of them.
      for (let asked = this.#fetching.get(key); asked !== undefined; asked = this.#fetching.get(key)) await asked
      if (isOver()) return
      if (!seen.isStale(table.name, id)) continue
      const fetching = this.#refreshRow(table, id, isOver)
      const settled = fetching.catch(() => {}).finally(() => this.#fetching.delete(key))
      this.#fetching.set(key, settled)
      await fetching
    }
  }

  async #refreshRow(table: MappedTable, id: string, isOver: () => boolean): Promise<void> {
    const { core, rows } = this.#options
    const reading = rows.reading()
    const asked = this.#recordsOf(table, id)
    const fetched: (readonly [RemoteId, unknown])[] = []
    try {
      for (const remote of asked) fetched.push([remote, await this.#fetch(table, remote)])
    } finally {
      reading.end()
    }
    if (isOver()) return
    const isSame = String(this.#recordsOf(table, id)) === String(asked)
    if (!reading.isOvertaken(table.name, id) && isSame) core.host.write(() => this.#takeFetched(table, id, fetched))
  }

  /** Records of a row that may be there. */
  #recordsOf(table: MappedTable, id: string): readonly RemoteId[] {
    const { ids } = this.#options.core
    const live = ids.live(table.name, id)
    return live.length > 0 ? live : ids.records(table.name, id).slice(-1)
  }

  async #fetch(table: MappedTable, remote: RemoteId): Promise<unknown> {
    try {
      return await table.remote.get?.(remote, this.#options.call(table))
    } catch (error) {
      if (classify(error) === 'gone') return undefined
      throw error
    }
  }

  /** Those that are gone first: what is left is the row's. */
  #takeFetched(table: MappedTable, id: string, fetched: readonly (readonly [RemoteId, unknown])[]): void {
    const { core, rows } = this.#options
    const { isStale: _, ...seen } = core.seen.get(table.name, id)
    const row = table.rows.get(id, { withDeleted: true })
    core.seen.put(table.name, id, seen, storedOf(table.codec, row))
    for (const [remote, record] of fetched) if (record === undefined) rows.removed(table, remote)
    for (const [, record] of fetched) {
      const read = record === undefined ? undefined : table.codec.decode(record)
      if (read instanceof Unreadable) core.report({ kind: 'record', table: table.name, row: id, message: read.reason })
      else if (read !== undefined) rows.pulled(table, read, true)
    }
    const live = core.ids.live(table.name, id)
    if (live.length > 1)
      core.report({
        kind: 'twice',
        table: table.name,
        row: id,
        message: `Records ${live.map(show).join(', ')} were made of it. Say in db.conflicts which one is its own.`,
      })
  }

  /** @returns the cursor that was refused, if one was. */
  async #run(table: MappedTable, start: Json | undefined): Promise<Refused | undefined> {
    const { core } = this.#options
    const scan = { listed: new Set<string>(), linked: this.#linkedRows(table) }
    const passed = new Set<string>()
    const isOver = this.#watch()
    let cursor = start
    for (let count = 0; count < MAX_PAGES; count++) {
      const reading = this.#options.rows.reading()
      const page = await this.#page(table, cursor).finally(reading.end)
      if (isOver()) return undefined
      if (page instanceof Refused) return page
      const mark = JSON.stringify(page.cursor ?? null)
      if (isBefore(page.cursor, cursor))
        core.report({
          kind: 'cursor',
          table: table.name,
          message: `The cursor goes back, from ${show(cursor)} to ${show(page.cursor)}: what comes again is taken again.`,
        })
      const isStuck = page.more && (passed.has(mark) || page.cursor === undefined)
      if (isStuck)
        core.report({
          kind: 'cursor',
          table: table.name,
          message: `The cursor ${show(page.cursor)} came again: the pull ends there, and goes on from ${show(start)} the next time.`,
        })
      const isLast = !page.more && !isStuck
      const isComplete = isLast && (page.isComplete ?? start === undefined)
      this.#take(table, page, scan.listed, reading)
      core.host.write(() => {
        if (isComplete) this.#removeUnlisted(table, scan)
        if (!isStuck) this.#move(table, page.cursor, isComplete)
      })
      if (!page.more || isStuck) return undefined
      passed.add(mark)
      cursor = page.cursor
    }
    return undefined
  }

  async #page(table: MappedTable, cursor: Json | undefined): Promise<PulledPage | Refused> {
    try {
      return checked(await table.remote.pull?.(cursor, this.#options.call(table)))
    } catch (error) {
      if (cursor === undefined || !['refused', 'gone', 'conflict'].includes(classify(error))) throw error
      return new Refused(cursor, error)
    }
  }

  #take(table: MappedTable, { records, deleted = [] }: PulledPage, listed: Set<string>, reading: Reading): void {
    const { core, rows } = this.#options
    let reported = 0
    const report = (message: string, row?: string): void => {
      reported += 1
      if (reported <= MAX_REPORTS)
        core.report({ kind: 'record', table: table.name, message, ...(row === undefined ? {} : { row }) })
    }
    // First: a record that was made again comes after the one that is gone.
    if (deleted.length > 0) core.host.write(() => deleted.forEach((id) => rows.removed(table, id)))
    for (let at = 0; at < records.length; at += CHUNK)
      core.host.write(() => {
        for (const record of records.slice(at, at + CHUNK)) this.#takeOne(table, record, { listed, reading }, report)
      })
  }

  #takeOne(
    table: MappedTable,
    record: unknown,
    { listed, reading }: { readonly listed: Set<string>; readonly reading: Reading },
    report: (message: string, row?: string) => void,
  ): void {
    const read = table.codec.decode(record)
    if (read instanceof Unreadable) {
      const id = (record as { readonly [name: string]: unknown } | null)?.[table.remote.idField ?? 'id']
      if (id !== undefined) listed.add(String(id))
      return report(`${read.reason} The record begins ${show(record)}.`)
    }
    listed.add(String(read.id))
    try {
      this.#options.rows.pulled(table, read, false, reading)
    } catch (error) {
      report(`Record ${show(read.id)} cannot be a row: ${String(error)}`, this.#options.rows.localOf(table, read))
    }
  }

  /** Rows and their records, before the pull asks: what is made while it lasts may not be listed. */
  #linkedRows(table: MappedTable): ReadonlyMap<string, RemoteId> {
    const { ids } = this.#options.core
    const linked = new Map<string, RemoteId>()
    for (const { id } of table.rows.rows({ withDeleted: true })) {
      const remote = ids.remote(table.name, id)
      if (remote !== undefined) linked.set(id, remote)
    }
    return linked
  }

  #removeUnlisted(
    table: MappedTable,
    { listed, linked }: { readonly listed: ReadonlySet<string>; readonly linked: ReadonlyMap<string, RemoteId> },
  ): void {
    const { core, rows } = this.#options
    for (const [id, remote] of linked) {
      if (listed.has(String(remote)) || core.ids.remote(table.name, id) !== remote) continue
      const row = table.rows.get(id)
      if (row !== undefined && core.seen.get(table.name, id).isUnconfirmed === true) this.#forgotten(table, id)
      else rows.removed(table, remote)
    }
  }

  /** The backend took a record, said so, and does not have it: nothing is deleted here for that. */
  #forgotten(table: MappedTable, id: string): void {
    const { core, rows } = this.#options
    if (core.outbox.queue.ofRow(rowKey(table.name, id)).length > 0) return
    const fields = table.codec.stored(table.rows.get(id) as object)
    const refs = table.codec.references(fields)
    core.outbox.enqueue({ table: table.name, row: id, kind: 'restore', fields, refs })
    const operation = core.outbox.queue.ofRow(rowKey(table.name, id)).at(-1)
    const remote = core.ids.remote(table.name, id)
    if (remote !== undefined) rows.forgotten(table, id, remote)
    const message = `The backend said that it had made record ${show(remote)}, and does not list it.`
    if (operation !== undefined) core.outbox.fail(operation, { kind: 'forgotten', message })
  }

  #place(table: MappedTable): Place {
    const place = this.#options.core.journal.get(`pull/${table.name}`) as unknown as Place | undefined
    return place ?? { cursor: undefined, lastFullMs: Number.NEGATIVE_INFINITY }
  }

  #move(table: MappedTable, cursor: Json | undefined, isFull: boolean): void {
    const { journal, host } = this.#options.core
    const before = this.#place(table)
    const lastFullMs = isFull ? host.now() : Number.isFinite(before.lastFullMs) ? before.lastFullMs : 0
    const place = { ...(cursor === undefined ? {} : { cursor }), lastFullMs }
    if (JSON.stringify(place) !== JSON.stringify(before)) journal.put(`pull/${table.name}`, place as Json)
  }
}

/** A page as the user's function gave it. */
const checked = (page: PulledPage | undefined): PulledPage => {
  if (typeof page === 'object' && page !== null && Array.isArray(page.records)) return page
  throw new NonsenseError(`pull() must resolve to { records, cursor, more }, and gave ${show(page)}.`, {
    status: 200,
    answer: (JSON.stringify(page) ?? '').slice(0, SHOWN),
  })
}

/** Whether a cursor is a number below another; others have no order here. */
const isBefore = (cursor: Json | undefined, other: Json | undefined): boolean =>
  isWhole(cursor) && isWhole(other) && Number(cursor) < Number(other)

const isWhole = (cursor: Json | undefined): boolean => /^\d{1,15}$/.test(String(cursor))

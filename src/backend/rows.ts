// Rows and their records: what a record that came, in a pull or an answer, does to its row. Knows merging; no network.
import type { Columns, Json, PatchOf } from '../schema/index.ts'
import type { Codec, ReadRecord } from './codec.ts'
import type { Core, MappedTable } from './core.ts'
import { type IdMap, rowKey } from './identity/ids.ts'
import { storedOf } from './outbox/capture.ts'
import type { Operation, Question } from './outbox/operation.ts'
import { type Clash, decideBy, type Merged, type MergeInput, merge, type Pending } from './pull/merge.ts'
import type { Fields, RemoteId, Strategy } from './remote-table.ts'
import { DELETED_MARK, isSame, type Seen } from './seen.ts'

/** Records that are being read. */
export interface Reading {
  /** Whether an operation of a row was answered since. */
  isOvertaken(table: string, id: string): boolean
  end(): void
}

/** Brings records into rows. Every method is called within `host.write`. */
export class Rows {
  readonly #core: Core
  /** Rows of which news came while an operation of theirs was on its way. */
  readonly #news = new Set<string>()
  /** Of each reading that is under way, rows of which an operation was answered meanwhile. */
  readonly #readings = new Set<Set<string>>()

  constructor(core: Core) {
    this.#core = core
  }

  /** The row of a record, linked or to be. */
  localOf(table: MappedTable, record: Pick<ReadRecord, 'id' | 'localId'>): string {
    const { ids } = this.#core
    return (
      ids.local(table.name, record.id) ??
      ids.canonical(table.name, record.localId ?? ids.derived(table.name, record.id))
    )
  }

  /** Records are about to be read: what comes of rows that are answered meanwhile may be of a time before that. */
  reading(): Reading {
    const answered = new Set<string>()
    this.#readings.add(answered)
    return {
      isOvertaken: (table, id) => answered.has(rowKey(table, id)),
      end: () => void this.#readings.delete(answered),
    }
  }

  /** A record came in a pull, or, `isFetched`, was asked for just now, which no page can be newer than. */
  pulled(table: MappedTable, record: ReadRecord, isFetched = false, page?: Reading): void {
    const { ids, seen, outbox } = this.#core
    if (record.isDeleted) return this.removed(table, record.id)
    const id = this.#meet(table, record)
    // An older one that a late page brings, or a second one: which are there is found out.
    if (!isCurrent(ids, table, id, record.id)) return
    const before = seen.get(table.name, id)
    if (!isFetched && isOlder(record.version, before.version)) return
    const row = table.rows.get(id, { withDeleted: true })
    // Of two that are read at once, which was read first is not known.
    for (const other of this.#readings) other.add(rowKey(table.name, id))
    if (page?.isOvertaken(table.name, id) && table.remote.get !== undefined)
      return seen.put(table.name, id, { ...before, isStale: true }, storedOf(table.codec, row))
    this.#isOnItsWay(table, id)
    for (const operation of outbox.queue.ofRow(rowKey(table.name, id)))
      if (operation.kind === 'restore' && operation.failure?.kind === 'forgotten') outbox.end(operation, 'dropped')
    if (row === undefined) {
      // It was purged, or is not here yet under this id, and whoever did so or deleted it is about to delete its record.
      if (before.base?.[DELETED_MARK] === false || this.#isDeletePending(table, id)) {
        const { isUnknown: _, ...known } = before
        const base = { ...known.base, ...record.fields, [DELETED_MARK]: false }
        const met = { ...known, ...versionOf(record), ...this.#of(table, id), base }
        return seen.put(table.name, id, met, storedOf(table.codec, undefined))
      }
      this.#insert(table, id, record)
    } else {
      this.#undelete(table, id, before)
      this.#merge(table, id, record, undefined)
    }
  }

  /** A record that met an operation has what that sends: an earlier try has had its effect, or both sides agree. */
  noteSent(table: MappedTable, { row, fields }: Operation, record: ReadRecord): void {
    const { ids, seen } = this.#core
    const id = ids.canonical(table.name, row)
    if (!isCurrent(ids, table, id, record.id)) return
    const same = Object.keys(fields).filter((column) => isSame(fields[column], record.fields[column]))
    const before = seen.get(table.name, id)
    const local = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    seen.put(table.name, id, { ...before, base: { ...before.base, ...pick(record.fields, same) } }, local)
  }

  /** An operation was answered with a record, or, if there is none, with nothing; `isAgain`, with one that may have been made long ago. */
  answered(table: MappedTable, operation: Operation, record: ReadRecord | undefined, isAgain: boolean): void {
    const { ids, seen, outbox } = this.#core
    const { kind, fields } = operation
    const isNamed = record !== undefined && kind !== 'delete'
    if (isNamed) this.#separate(table, record.id, operation.row)
    const id = isNamed ? this.#meet(table, record, operation.row) : ids.canonical(table.name, operation.row)
    const key = rowKey(table.name, id)
    for (const answered of this.#readings) answered.add(key)
    const row = table.rows.get(id, { withDeleted: true })
    const local = storedOf(table.codec, row)
    const before = seen.get(table.name, id)
    // Whether a row that has been another record's is rightly deleted is found out by fetching.
    const isDoubtful = before.isUnknown === true && table.remote.get !== undefined
    // An answer to a repeated request, or one that a pull has overtaken, may tell of a time before what is known.
    const isFresh = operation.tries <= 1 && !this.#news.delete(key) && !isAgain && !isDoubtful
    if (kind === 'delete') return seen.put(table.name, id, { ...GONE, ...this.#of(table, id) }, local)
    // What it was an answer of is not the row's record any more.
    if (record !== undefined && !isCurrent(ids, table, id, record.id)) return
    const corrected = record === undefined || kind === 'update' ? [] : this.#correct(table, operation, record, local)
    if (isFresh && record !== undefined && row !== undefined) this.#merge(table, id, record, operation, corrected)
    else {
      const rest = Object.entries({ ...before.base }).filter(([column]) => !(column in fields))
      const awaited = outbox.queue.ofRow(key).flatMap((other) => Object.keys(other.fields))
      const sent = {
        ...pick(
          fields,
          Object.keys(fields).filter((column) => awaited.includes(column)),
        ),
        ...pick(record?.fields ?? {}, corrected),
      }
      const isStale = !isFresh && table.remote.get !== undefined ? { isStale: true } : {}
      const isUnknown = before.isUnknown === true
      // Of a row that has been another record's, that record may have been the deleted one.
      const isThere = isUnknown ? {} : { [DELETED_MARK]: false }
      seen.put(
        table.name,
        id,
        {
          ...isStale,
          ...(isUnknown ? { isUnknown } : {}),
          ...this.#of(table, id),
          base: { ...Object.fromEntries(rest), ...sent, ...isThere },
        },
        local,
      )
    }
    if (kind !== 'update') this.#deleteIfGone(table, id)
  }

  /** What an insert was answered with may be what another replica had sent under its key: sends once what that lacks. */
  #correct(table: MappedTable, { row, fields }: Operation, { fields: remote }: ReadRecord, local: Fields): string[] {
    const lacking = Object.keys(fields).filter(
      (name) => name in remote && !isSame(remote[name], fields[name]) && !isSame(remote[name], local[name]),
    )
    if (lacking.length > 0 && table.remote.update !== undefined) {
      const wanted = pick(local, lacking)
      const refs = table.codec.references(wanted)
      this.#core.outbox.enqueue({ table: table.name, row, kind: 'update', fields: wanted, refs, isCorrection: true })
    }
    return lacking
  }

  /** Whoever makes the record of a row that others have deleted meanwhile deletes it. */
  #deleteIfGone(table: MappedTable, id: string): void {
    const row = table.rows.get(id, { withDeleted: true })
    if (row?.deletedAt === undefined || this.#isDeletePending(table, id)) return
    this.#delete(table, id)
  }

  #delete({ name }: MappedTable, id: string): void {
    this.#core.outbox.enqueue({ table: name, row: id, kind: 'delete', fields: {}, refs: [] })
  }

  /** Whether the record of a row is to be deleted from here. */
  #isDeletePending(table: MappedTable, id: string): boolean {
    return this.#core.outbox.queue.ofRow(rowKey(table.name, id)).some(({ kind }) => kind === 'delete')
  }

  /** A record is gone. */
  removed(table: MappedTable, remote: RemoteId): void {
    const { ids, seen, outbox } = this.#core
    const id = ids.local(table.name, remote)
    if (id === undefined) return
    const wasCurrent = isCurrent(ids, table, id, remote)
    if (wasCurrent && this.#isOnItsWay(table, id)) return
    ids.markGone(table.name, remote)
    // Another was made meanwhile.
    if (!wasCurrent || !isCurrent(ids, table, id, remote)) return
    const row = table.rows.get(id, { withDeleted: true })
    const pending = outbox.queue.ofRow(rowKey(table.name, id))
    const before = seen.get(table.name, id)
    const wasDeleted = before.base?.[DELETED_MARK] ?? (row === undefined || row.deletedAt !== undefined)
    for (const operation of pending) if (operation.kind === 'delete') outbox.end(operation, 'done')
    const edits = pending.filter(({ kind }) => kind !== 'delete')
    if (row === undefined || row.deletedAt !== undefined) for (const edit of edits) outbox.end(edit, 'dropped')
    else if (edits.length > 0) this.#editOfRemoved(table, id, edits)
    else if (wasDeleted !== true) table.rows.delete(id)
    const local = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    seen.put(table.name, id, { ...GONE, ...this.#of(table, id) }, local)
  }

  /** A record that was made from here is not there, and nobody has said that it was deleted. */
  forgotten(table: MappedTable, id: string, remote: RemoteId): void {
    this.#core.ids.markGone(table.name, remote)
    this.givenUp(table, id)
  }

  /** The record of a row is gone, and what was to be sent to it is given up: nothing is known of one that comes in its place. */
  givenUp(table: MappedTable, id: string): void {
    const { seen } = this.#core
    const local = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    seen.put(table.name, id, { ...GONE, ...this.#of(table, id) }, local)
  }

  /** An operation is no longer on its way, without an answer that tells of its record. */
  released(table: MappedTable, { row: id, tries }: Operation): void {
    const { seen } = this.#core
    const isFresh = !this.#news.delete(rowKey(table.name, id)) && tries <= 1
    if (isFresh || table.remote.get === undefined) return
    const local = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    seen.put(table.name, id, { ...seen.get(table.name, id), isStale: true }, local)
  }

  /** Whether an operation of a row is on its way; what is heard of the row meanwhile will be asked for again. */
  #isOnItsWay(table: MappedTable, id: string): boolean {
    const key = rowKey(table.name, id)
    const isSent = this.#core.outbox.queue.ofRow(key).some(({ state }) => state === 'sent')
    if (isSent) this.#news.add(key)
    return isSent
  }

  /** A row's operations ask the user, or go on, since its record is gone. */
  #editOfRemoved(table: MappedTable, id: string, edits: readonly Operation[]): void {
    const { outbox, host } = this.#core
    const policy = table.remote.deletedRemotely ?? 'local'
    if (policy === 'remote') {
      for (const operation of edits) outbox.end(operation, 'dropped')
      return table.rows.delete(id)
    }
    const [first] = edits as [Operation]
    if (first.kind === 'restore' || first.state !== 'queued') return
    const fields = table.codec.stored(table.rows.get(id) as object)
    const question = { column: DELETED_MARK, base: false, local: false, remote: true, timeMs: host.now() }
    if (policy === 'ask') outbox.put({ ...first, state: 'asking', asked: [question] })
    else outbox.put({ ...first, kind: 'restore', fields })
  }

  #insert(table: MappedTable, id: string, record: ReadRecord): void {
    const { seen } = this.#core
    table.rows.insert({ ...writtenOf(table.codec, record.fields), id })
    seen.put(table.name, id, { ...versionOf(record), ...this.#of(table, id) }, record.fields)
  }

  /** A record that was seen deleted is there again. */
  #undelete(table: MappedTable, id: string, before: Seen): void {
    const row = table.rows.get(id, { withDeleted: true })
    if (row?.deletedAt === undefined) return
    const { ids } = this.#core
    // It came here deleted, and its record is there: somebody is about to delete that.
    const isDoomed = before.isUnknown === true && ids.records(table.name, id).length === 1
    const wasDeleted = before.base?.[DELETED_MARK] ?? !isDoomed
    if (this.#isDeletePending(table, id)) return
    if (wasDeleted === true) table.rows.restore(id)
    // Who deleted it knew of no record, and said that there would be none: whoever finds one deletes that.
    else if (ids.isNeverRow(rowKey(table.name, id))) this.#delete(table, id)
  }

  /** Merges a record into a row that is there; `answer` is the operation that it answers. */
  #merge(
    table: MappedTable,
    id: string,
    record: ReadRecord,
    answer: Operation | undefined,
    corrected: readonly string[] = [],
  ): void {
    const { seen, outbox } = this.#core
    const key = rowKey(table.name, id)
    const local = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    const before = seen.get(table.name, id)
    const operations = outbox.queue.ofRow(key).filter((operation) => operation.id !== answer?.id)
    const pending = (column: string): Pending | undefined => pendingOf(operations, column)
    const decide = (clash: Clash) => this.#decide(table, record, operations, clash)
    const known = before.isUnknown === true ? (before.base ?? {}) : { ...local, ...before.base }
    const base = (column: string): Json | undefined =>
      column in known || before.isUnknown !== true ? (known[column] ?? null) : undefined
    const input = { columns: Object.keys(record.fields), base, local, remote: record.fields, pending, decide }
    const merged = merge(answer === undefined ? input : withAnswer(input, answer, corrected))
    const writes = { ...merged.writes, ...merged.changed }
    if (Object.keys(writes).length > 0) table.rows.update(id, writtenOf(table.codec, writes))
    this.#followUp(table, id, operations, merged)
    const after = storedOf(table.codec, table.rows.get(id, { withDeleted: true }))
    const isNew = answer !== undefined && (answer.kind !== 'update' || before.isUnconfirmed === true)
    const isUnconfirmed = isNew && table.remote.pull !== undefined ? { isUnconfirmed: true } : {}
    seen.put(
      table.name,
      id,
      {
        ...versionOf(record),
        ...isUnconfirmed,
        ...this.#of(table, id),
        base: { ...before.base, ...merged.base, [DELETED_MARK]: false },
      },
      after,
    )
  }

  /** What a merge means for the operations of its row. */
  #followUp(table: MappedTable, id: string, operations: readonly Operation[], merged: Merged): void {
    const { outbox, host } = this.#core
    const key = rowKey(table.name, id)
    if (merged.dropped.length > 0) outbox.dropColumns(key, merged.dropped)
    for (const operation of operations) {
      const mine = Object.keys(merged.changed).filter((column) => column in operation.fields)
      if (mine.length > 0 && operation.state === 'queued')
        outbox.put({ ...operation, fields: { ...operation.fields, ...pick(merged.changed, mine) } })
      const asked = merged.asked.filter(({ column }) => column in operation.fields)
      const questions: Question[] = asked.map((clash) => ({ ...clash, timeMs: host.now() }))
      if (questions.length > 0 && operation.state === 'queued')
        outbox.put({ ...operation, state: 'asking', asked: questions })
    }
    this.#deleteOfEdited(table, id, operations, merged)
  }

  /** A row that is to be deleted was edited there. */
  #deleteOfEdited(table: MappedTable, id: string, operations: readonly Operation[], merged: Merged): void {
    const { outbox, host } = this.#core
    const policy = table.remote.deletedLocally ?? 'local'
    const doomed = operations.find(({ kind, state }) => kind === 'delete' && state === 'queued')
    if (doomed === undefined || policy === 'local' || Object.keys(merged.writes).length === 0) return
    const question = { column: DELETED_MARK, base: false, local: true, remote: false, timeMs: host.now() }
    if (policy === 'ask') return outbox.put({ ...doomed, state: 'asking', asked: [question] })
    outbox.dropDelete(doomed)
    table.rows.restore(id)
  }

  #decide(table: MappedTable, record: ReadRecord, operations: readonly Operation[], clash: Clash) {
    const { conflict } = table.remote
    const strategy: Strategy | undefined = typeof conflict === 'object' ? conflict[clash.column] : conflict
    const own = operations.findLast(({ fields }) => clash.column in fields)
    const remoteMs = record.updatedAtMs === undefined ? undefined : record.updatedAtMs - this.#core.clockOffsetMs
    const rule = table.codec.column(clash.column)?.rule ?? { kind: 'latest' as const }
    return decideBy(strategy, rule, { localMs: own?.timeMs ?? 0, remoteMs })(clash)
  }

  /** A backend that gives the id of a record that is gone to a new one: that is another thing. */
  #separate(table: MappedTable, remote: RemoteId, row: string): void {
    const { ids } = this.#core
    const other = ids.local(table.name, remote)
    if (other !== undefined && other !== ids.canonical(table.name, row) && ids.isGone(table.name, remote))
      ids.unlink(table.name, remote)
  }

  /** Links a record that is there to a row, if it was not. @returns the row that it is of. */
  #meet(table: MappedTable, record: ReadRecord, row = this.localOf(table, record)): string {
    const { ids, seen } = this.#core
    const before = ids.remote(table.name, row)
    ids.link(table.name, row, record.id)
    ids.unmarkGone(table.name, record.id)
    const id = ids.canonical(table.name, row)
    const { version, ...rest } = seen.get(table.name, id)
    // Versions are those of one record.
    if (version !== undefined && before !== ids.remote(table.name, id))
      seen.put(table.name, id, rest, storedOf(table.codec, table.rows.get(id, { withDeleted: true })))
    return id
  }

  /** Which record is spoken of, for rows that have had several. */
  #of(table: MappedTable, id: string): Pick<Seen, 'of'> {
    const { ids } = this.#core
    const of = ids.remote(table.name, id)
    return of === undefined || ids.records(table.name, id).length < 2 ? {} : { of }
  }
}

/** What is known of a record that is gone: nothing of its columns, should it come back. */
const GONE: Seen = { base: { [DELETED_MARK]: true } }

const isCurrent = (ids: IdMap, table: MappedTable, row: string, remote: RemoteId): boolean =>
  String(ids.remote(table.name, row)) === String(remote)

const pendingOf = (operations: readonly Operation[], column: string): Pending | undefined => {
  const own = operations.filter(({ fields }) => column in fields)
  if (own.length === 0) return undefined
  const sent = own.filter(({ state }) => state === 'sent').map(({ fields }) => fields[column] as Json)
  const value = own.at(-1)?.fields[column] as Json
  return { value, sent, isHeld: own.some(({ state }) => state === 'failed' || state === 'asking') }
}

/** In an answer, what was sent is no news to a column that is written anew; to others, what the row has is what the answer is held against. */
const withAnswer = (input: MergeInput, { fields }: Operation, corrected: readonly string[]): MergeInput => ({
  ...input,
  base(column) {
    if (corrected.includes(column)) return input.remote[column] as Json
    if (!(column in fields)) return input.base(column)
    return (input.pending(column) === undefined ? input.local[column] : fields[column]) ?? null
  },
})

/** What a write of these columns takes. */
export const writtenOf = (codec: Codec, fields: Fields): PatchOf<Columns> =>
  Object.fromEntries(Object.entries(fields).map(([column, value]) => [column, codec.written(column, value)]))

const versionOf = ({ version }: ReadRecord): Seen => (version === undefined ? {} : { version })

const isOlder = (version: RemoteId | undefined, known: RemoteId | undefined): boolean =>
  typeof version === 'number' && typeof known === 'number' && version < known

const pick = (fields: Fields, names: readonly string[]): Fields =>
  Object.fromEntries(names.map((name) => [name, fields[name] as Json]))

// The port to one collection of a backend: what the engine asks of it. Knows no HTTP and no rows.
import type { Json } from '../schema/index.ts'

/** The id that a backend gave to a record. */
export type RemoteId = string | number

/** A record as a backend gives it: a JSON object. */
export type RemoteRecord = { readonly [key: string]: Json }

/** Columns and their JSON: dates as ISO strings, references as ids. */
export type Fields = { readonly [column: string]: Json }

/** What goes along with a call. */
export interface Call {
  /** The operation's id, the same at every try: the `Idempotency-Key`. */
  readonly key: string
  /** The version of the record that is known here; undefined if none is. */
  readonly version: RemoteId | undefined
  /** Columns of the row, references as remote ids: for addresses that name them. */
  readonly fields: Fields
  readonly signal: AbortSignal
  /** Sends one request with the backend's token. @throws An `AnswerError` for any answer but 2xx, and for what is no JSON. */
  request(request: RemoteRequest): Promise<RemoteAnswer>
}

/** One request. */
export interface RemoteRequest {
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly url: string
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Answers that are no failure beside 2xx, such as 304. */
  readonly accept?: readonly number[]
}

/** One answer. */
export interface RemoteAnswer {
  readonly status: number
  readonly headers: Headers
  /** The body; undefined if there was none. */
  readonly json: unknown
}

/** A page of changes. */
export interface PulledPage {
  readonly records: readonly unknown[]
  /** Ids of records that were deleted. */
  readonly deleted?: readonly RemoteId[]
  /** Where to go on; kept as it is, and given back at the next pull. */
  readonly cursor: Json | undefined
  /** Whether there are more pages at the moment. */
  readonly more: boolean
  /** Whether this pull lists all records that there are, so that those it lacks are deleted; true for one without a cursor, if left out. */
  readonly isComplete?: boolean
}

/** What decides a conflict of one column: a word, or a function of what it was and what each side made of it. */
export type Strategy =
  | 'newest'
  | 'local'
  | 'remote'
  | 'ask'
  | ((conflict: { readonly base: Json; readonly local: Json; readonly remote: Json }) => Json)

/** How columns and records correspond, and who wins. */
export interface Mapping {
  /** Columns under other names; `false` for columns that the backend does not have. Columns keep their names if left out. */
  readonly fields?: Readonly<Record<string, string | false>>
  /** Makes a record's fields of columns, in place of `fields`. References are remote ids by then. */
  readonly toRemote?: (fields: Fields) => RemoteRecord
  /** Makes columns of a record, in place of `fields`. */
  readonly fromRemote?: (record: RemoteRecord) => Fields
  /** Where a record has its id; `id`. */
  readonly idField?: string
  /** Where it has a version, number or text, for `If-Match`. */
  readonly versionField?: string
  /** Where it says when it was last changed, by the backend's clock: for `newest`. */
  readonly updatedAtField?: string
  /** Where it says that it is deleted, by a value that is neither false nor null. */
  readonly deletedField?: string
  /** A field that keeps the row's local id, if the backend has one: then no record is ever mistaken for a new one. */
  readonly localIdField?: string
  /** References that the schema does not know of: path to table, `{ 'meta.owner': 'users', 'members.*.id': 'users' }`. */
  readonly refs?: Readonly<Record<string, string>>
  /** Who wins where both sides changed a column; `newest`, which is `local` where times are unknown. */
  readonly conflict?: Strategy | Readonly<Record<string, Strategy>>
  /** A record was deleted there and edited here; `local`: it is made again. */
  readonly deletedRemotely?: 'local' | 'remote' | 'ask'
  /** A row was deleted here and edited there; `local`: it is deleted there. */
  readonly deletedLocally?: 'local' | 'remote' | 'ask'
}

/** One operation among those of a bulk request. */
export interface BulkItem {
  /** The operation's id, the same at every try, alone or among others. */
  readonly key: string
  /** The record's id; undefined for one that is to be made. */
  readonly id: RemoteId | undefined
  readonly data: RemoteRecord
  /** The version of the record that is known here; undefined if none is. */
  readonly version: RemoteId | undefined
}

/** How several operations of one kind go out as one request. */
export interface Bulk {
  /** Most items of a request, at least 2. */
  readonly maxItems: number
  /** Most bytes of a request's items, as JSON. */
  readonly maxBytes: number
  /**
   * Sends items, which must each have their effect once, however often their keys come.
   *
   * @returns for each item, in order, what it would be answered with alone, or an `Error` for one that was refused.
   */
  send(items: readonly BulkItem[], call: Pick<Call, 'request' | 'signal'>): Promise<readonly unknown[]>
}

/** One collection of a backend. Its functions reject with what went wrong; an error's `status` tells how to go on. */
export interface RemoteTable extends Mapping {
  /** Makes a record. @returns it, with its id. */
  create(data: RemoteRecord, call: Call): Promise<unknown>
  /** Changes some fields of a record. @returns it, or undefined. Rows are only made, never changed, if left out. */
  update?(id: RemoteId, data: RemoteRecord, call: Call): Promise<unknown>
  /** Deletes a record. */
  remove?(id: RemoteId, call: Call): Promise<unknown>
  /** Brings a deleted record back; left out, it is made again, under a new id. */
  restore?(id: RemoteId, data: RemoteRecord, call: Call): Promise<unknown>
  /** One record; undefined if there is none. */
  get?(id: RemoteId, call: Call): Promise<unknown>
  /** Finds the record that an earlier try may have made: for a backend that ignores the `Idempotency-Key`. */
  lookup?(data: RemoteRecord, call: Call): Promise<unknown>
  /** Several operations of one kind as one request, where the backend has it. An answer that fits no item has each of them sent alone. */
  readonly bulk?: { readonly create?: Bulk; readonly update?: Bulk; readonly remove?: Bulk }
  /** Lists what changed since a cursor; all there is for none. Push only if left out. */
  pull?(cursor: Json | undefined, call: Call): Promise<PulledPage>
}

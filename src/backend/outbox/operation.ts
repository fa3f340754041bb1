// Operations: local writes on their way to a backend, as values. Knows no queue and no network.
import type { Json } from '../../schema/index.ts'
import type { Fields, RemoteRecord } from '../remote-table.ts'

/** What an operation does to a record. */
export type OperationKind = 'insert' | 'update' | 'delete' | 'restore'

/**
 * How far an operation is.
 *
 * - `queued`: never sent; later writes of its row join it.
 * - `sent`: sent, or about to be; it may have had its effect. Its data stay as they are.
 * - `failed`: in the dead letter; see `failure`.
 * - `asking`: in conflict, waiting for the user.
 */
export type OperationState = 'queued' | 'sent' | 'failed' | 'asking'

/** Why an operation is in the dead letter. */
export interface Failure {
  /** `refused`: an answer of 4xx; `conflict`: merged and sent too often; `answer`: an answer that makes no sense; `server`: 5xx too often; `reference`: a row that it refers to will never be there; `forgotten`: taken and not kept. */
  readonly kind: 'refused' | 'conflict' | 'answer' | 'server' | 'reference' | 'forgotten'
  readonly status?: number
  readonly message: string
  /** What was sent. */
  readonly request?: RemoteRecord
  /** The beginning of what came back. */
  readonly answer?: string
  readonly timeMs: number
}

/** One local write, or several of one row, for the backend. */
export interface Operation {
  /** Also its `Idempotency-Key`. */
  readonly id: string
  /** Its place in the order of writes. */
  readonly order: number
  readonly table: string
  readonly row: string
  readonly kind: OperationKind
  /** The columns that it writes, in stored form; null for nothing. */
  readonly fields: Fields
  /** Rows that it refers to or referred to, as `table/id`. */
  readonly refs: readonly string[]
  /** When it was made, milliseconds since the epoch. */
  readonly timeMs: number
  readonly state: OperationState
  /** How often it was sent. */
  readonly tries: number
  /** How often it met a conflict. */
  readonly conflicts: number
  readonly failure?: Failure
  /** What it asks the user, while it is `asking`. */
  readonly asked?: readonly Question[]
  /** Its record may have been made before by somebody: an answer may be of that time. */
  readonly isAgain?: boolean
  /** Sends again what an answer to an insert did not have; whatever the backend makes of it then is taken. */
  readonly isCorrection?: boolean
}

/** A column of a row that was changed here and there; `deletedAt` if it was deleted on one side and edited on the other. */
export interface Question {
  readonly column: string
  readonly base: Json
  readonly local: Json
  readonly remote: Json
  readonly timeMs: number
}

/** What came of a write behind a queued one: one operation, none (`gone`), the new one alone (`instead`), or both as they are (`apart`). */
export type Coalesced =
  | { readonly kind: 'one'; readonly operation: Operation }
  | { readonly kind: 'gone' | 'instead' | 'apart' }

/**
 * Joins a new operation to the queued one before it on the same row.
 *
 * @param changed - The columns that a restore changed; undefined if the row has no record, so that all of them may be needed.
 */
export const coalesce = (queued: Operation, next: Operation, changed: Fields | undefined): Coalesced => {
  if (queued.state !== 'queued') return { kind: 'apart' }
  const fields = { ...queued.fields, ...next.fields }
  const refs = [...new Set([...queued.refs, ...next.refs])]
  const joined = { ...queued, fields, refs }
  if (next.kind === 'update') return { kind: 'one', operation: joined }
  if (next.kind === 'delete')
    return queued.kind === 'insert' ? { kind: 'gone' } : { kind: 'one', operation: { ...joined, kind: 'delete' } }
  if (queued.kind !== 'delete')
    return { kind: 'one', operation: { ...joined, kind: queued.kind === 'insert' ? 'insert' : 'restore' } }
  // Nobody has made a record of it, and now somebody must.
  if (next.kind === 'insert') return { kind: 'instead' }
  if (changed === undefined) return { kind: 'one', operation: { ...joined, kind: 'restore' } }
  // Deleted and restored before anybody knew: what was written meanwhile is left.
  const left = { ...queued.fields, ...changed }
  return Object.keys(left).length === 0
    ? { kind: 'gone' }
    : { kind: 'one', operation: { ...joined, kind: 'update', fields: left } }
}

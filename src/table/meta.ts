// What is known of a row beside its columns: who wrote it when, and how far this device's writes of it have come. Knows entries; is
// told of storage, relay and backend.
import { CREATED, type Entry, type LogPatch, RESCUED_STAMP, type TableLog } from '../rowlog/index.ts'
import type { RowMeta } from '../schema/index.ts'
import { isMigration } from './row-builder.ts'

/** When somebody wrote, in milliseconds since the epoch, and the `user` who did, if one was given. */
export interface WriteMark {
  readonly timeMs: number
  readonly author: string | undefined
}

/**
 * How far this device's writes of a row have come, of those that are still kept in it.
 *
 * - `none`: this device has none in the row.
 * - `unsent`: the relay has not acknowledged all of them; without a relay, always so.
 * - `unknown`: they are of an earlier run, and the relay has not been asked since the database was opened.
 * - `acknowledged`: the relay has all of them on disk.
 */
export type Delivery = 'none' | 'unsent' | 'unknown' | 'acknowledged'

/** What is known of a row beside its columns. */
export interface SyncMeta {
  /** The row's id here, which never changes. */
  readonly id: string
  /** The id that a backend gave to the row, if one did. */
  readonly remoteId: string | undefined
  readonly created: WriteMark
  /** The last write of any column. */
  readonly updated: WriteMark
  /** Whether all that this run wrote to the row is durable on this machine. */
  readonly isSaved: boolean
  readonly delivery: Delivery
}

/** What a table is told of its documents' way, for {@link SyncMeta} alone; asked on call. */
export interface RowFacts {
  /** Stamp up to which this run's writes are durable here; undefined if none is. */
  saved(): number | undefined
  /** Stamp up to which they are on the relay's disk; undefined until it has been asked. What earlier runs wrote is there then. */
  acknowledged(): number | undefined
  /** Whether there is a relay. */
  readonly isSynced: boolean
}

/** Puts together what is known of a row. */
export const syncMetaOf = (
  entry: Entry,
  { createdAt, updatedAt, updatedBy }: RowMeta,
  { log, facts, remoteId }: { readonly log: TableLog; readonly facts: RowFacts; readonly remoteId: string | undefined },
): SyncMeta => {
  const created = entry.valid.findLast(({ shape }) => shape.fields.has(CREATED))
  const saved = facts.saved()
  return Object.freeze({
    id: entry.id,
    remoteId,
    created: { timeMs: createdAt, author: created?.author },
    updated: { timeMs: updatedAt, author: updatedBy },
    isSaved: entry.patches.every((patch) => patch.replica !== log.replica || hasReached(saved, patch, log)),
    delivery: deliveryOf(entry, log, facts),
  })
}

const deliveryOf = ({ patches }: Entry, log: TableLog, facts: RowFacts): Delivery => {
  const own = patches.filter(({ replica }) => deviceOf(replica) === deviceOf(log.replica))
  if (own.length === 0) return 'none'
  if (!facts.isSynced) return 'unsent'
  const acknowledged = facts.acknowledged()
  // A migration is over before the relay is first asked.
  const isEarlier = (patch: LogPatch): boolean => patch.replica !== log.replica || isMigration(patch.shape)
  if (own.some((patch) => !isEarlier(patch) && !hasReached(acknowledged, patch, log))) return 'unsent'
  return acknowledged === undefined ? 'unknown' : 'acknowledged'
}

/** Whether one of this run's writes is among those up to a position. Those not stamped when they were made are, once all are. */
const hasReached = (position: number | undefined, patch: LogPatch, log: TableLog): boolean => {
  if (position === undefined || patch.segment.list === undefined) return false
  const isStampedAnew = isMigration(patch.shape) || patch.stamp === RESCUED_STAMP
  return position >= (isStampedAnew ? log.position : patch.stamp)
}

/** The device of a replica, which is called `<device>.<run>`. */
export const deviceOf = (replica: string): string => replica.slice(0, replica.lastIndexOf('.'))

// What the parts of one backend's engine share. Knows each of them by its face; does nothing.
import type { Columns } from '../schema/index.ts'
import type { RowTable } from '../table/index.ts'
import type { Codec } from './codec.ts'
import type { Host } from './host.ts'
import type { IdMap } from './identity/ids.ts'
import type { KeyedLog } from './keyed-log.ts'
import type { Outbox } from './outbox/outbox.ts'
import type { RemoteTable } from './remote-table.ts'
import type { SeenRecords } from './seen.ts'
import type { Problem, Trace } from './trace.ts'

/** Timers as an argument, so that tests own time. */
export interface Timers {
  setTimeout(work: () => void, ms: number): unknown
  clearTimeout(timer: unknown): void
}

/** A table and its collection. */
export interface MappedTable {
  readonly name: string
  readonly rows: RowTable<Columns>
  readonly remote: RemoteTable
  readonly codec: Codec
}

/** What the parts share. */
export interface Core {
  /** The backend's name. */
  readonly name: string
  readonly host: Host
  readonly tables: ReadonlyMap<string, MappedTable>
  readonly ids: IdMap
  readonly journal: KeyedLog
  readonly seen: SeenRecords
  readonly outbox: Outbox
  readonly trace: Trace
  readonly timers: Timers
  /** From 0 to 1. */
  readonly random: () => number
  /** How far the backend's clock is ahead of this one, in milliseconds. */
  clockOffsetMs: number
  report(problem: Omit<Problem, 'timeMs'>): void
  /** Takes in what others, who share the outbox, have made of it. */
  reload(): Promise<void>
  /** Whether operations may be retried, edited and discarded here. */
  mayRepair(): boolean
  /** Resolves once what is committed is where whoever sends next will find it. */
  noted(): Promise<void>
  /** Commits what is staged in the journal and the id map, apart from any write. */
  commit(): void
}

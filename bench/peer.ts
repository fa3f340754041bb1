// The port of the bench: what a library must do to be measured. Each file in `peers/` exports one `peer`. Knows no library.
import type { BenchPatch, BenchRow } from './data.ts'

/** One table of a library, open, with one subscriber to its changes. */
export interface PeerTable {
  /** Inserts rows, all in one transaction. */
  insertMany(rows: readonly BenchRow[]): void
  /** Inserts one row. Its transaction ends, subscriber told, at the latest in the next microtask. */
  insert(row: BenchRow): void
  /** Changes some fields of one row; its transaction ends as an insert's does. */
  update(id: string, patch: BenchPatch): void
  /** Runs writes as one transaction. */
  transact(work: () => void): void
  /** One row with all its fields; undefined if there is none. */
  get(id: string): BenchRow | undefined
  /** Hands every row, with all its fields, to `visit`. */
  readAll(visit: (row: BenchRow) => void): void
  /** Rows that the subscriber was told of so far. */
  readonly heard: number
  /** Resolves once all that writes set going has been done. */
  saved(): Promise<void>
  /** Writes of many rows as one step that lets others run in between, `chunk` rows at a time; undefined for peers without. */
  readonly chunked?: {
    insert(rows: readonly BenchRow[], chunk: number): Promise<void>
    /** Changes all rows. */
    update(patch: BenchPatch, chunk: number): Promise<void>
  }
  /** The whole table as its own bytes, to be loaded from again. */
  store(): Promise<Uint8Array>
}

/** One change of one field, at a time. */
export interface TimedEdit {
  /** Milliseconds since the epoch. */
  readonly atMs: number
  readonly id: string
  readonly patch: BenchPatch
}

/** What one device does between opening the table and closing it. */
export interface DeviceRun {
  /** The Yjs client id that it writes under. */
  readonly clientId: number
  /** Each a transaction of its own, earliest first. */
  readonly edits: readonly TimedEdit[]
}

/** A library, or a way of using one. */
export interface Peer {
  /** Name in the report: `merrow`, `nested-ymap`. */
  readonly name: string
  /** The npm packages it stands on, whose versions the report names. */
  readonly packages: readonly string[]
  /** Long runs are this many times shorter for it, because it is slow; 1 if it is not. */
  readonly shortenedBy: number
  /** An empty table. */
  create(): Promise<PeerTable>
  /** The table of stored bytes, which it does not keep. */
  load(bytes: Uint8Array): Promise<PeerTable>
  /**
   * The stored table after runs of as many devices, one after another, all of whose edits reached the others; undefined for
   * peers that do not merge.
   */
  readonly replay?: (stored: Uint8Array, runs: readonly DeviceRun[]) => Uint8Array
}

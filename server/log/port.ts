// The log port: where a relay keeps what it was sent. Knows documents as named byte logs, nothing of Yjs or sockets.

/** A whole document up to one point of its log, so that the log below can go. */
export interface Snapshot {
  /** Sequence number of the last update that the snapshot holds. */
  readonly upTo: number
  /** The document as one Yjs update (encoding v1). */
  readonly state: Uint8Array
  /** Its Yjs state vector, encoded (v1). */
  readonly stateVector: Uint8Array
}

/** One update and its place in its document's log. */
export interface LogEntry {
  readonly seq: number
  readonly update: Uint8Array
}

/** What a log holds of one document. */
export interface LogContent {
  readonly snapshot: Snapshot | undefined
  /** Updates after the snapshot, in order. */
  readonly entries: readonly LogEntry[]
}

/**
 * A durable log of updates per document.
 *
 * Sequence numbers start at 1 and grow by 1 within a document. All methods reject with a `MerrowError`
 * (`storage_failed`, `storage_full`) if the disk refuses; nothing has been written then.
 */
export interface Log {
  /**
   * Appends updates to one document, in order, all or none.
   *
   * @returns Sequence number of the last one, once all are durable (on disk, synced). Appends to one document finish in call order.
   */
  append(document: string, updates: readonly Uint8Array[]): Promise<number>
  /** Reads snapshot and updates of one document; both empty if it is unknown. */
  read(document: string): Promise<LogContent>
  /**
   * Stores a snapshot if it is newer than the one there is, and only then removes the updates that it holds, in one transaction.
   *
   * @returns Whether it was stored.
   */
  putSnapshot(document: string, snapshot: Snapshot): Promise<boolean>
  /** Names of all documents, sorted. */
  documents(): Promise<readonly string[]>
  /** Waits for running appends, then lets go of the disk. */
  close(): Promise<void>
}

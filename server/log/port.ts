// The log port: where a relay keeps what it was sent. Knows documents as named byte logs, nothing of Yjs or sockets.

/** A whole document up to one point of its log, so that the log below can go. */
export interface Snapshot {
  /** Sequence number of the last update that the snapshot holds. */
  readonly upTo: number
  /** The document as one Yjs update (encoding v1). */
  readonly state: Uint8Array
  /** Its Yjs state vector, encoded (v1). */
  readonly stateVector: Uint8Array
  /** Its deletes alone, as an update (v1): what a joiner who has all of its clocks may still lack. */
  readonly deletes: Uint8Array
}

/** What a log knows of a snapshot without reading it. */
export interface SnapshotInfo {
  readonly upTo: number
  /** When it was stored, in milliseconds since 1970. */
  readonly takenAt: number
  /** Length of its state in bytes. */
  readonly bytes: number
}

/** A stored snapshot, whose state is read on demand: it may be large, and is seldom needed. */
export interface StoredSnapshot extends SnapshotInfo {
  readonly stateVector: Uint8Array
  readonly deletes: Uint8Array
  /** Reads the whole state. */
  state(): Promise<Uint8Array>
  /** Reads the state in blocks from byte `start` up to and without `end`, each checked before it is handed out. */
  stream(start?: number, end?: number): AsyncIterable<Uint8Array>
}

/** One update and its place in its document's log. */
export interface LogEntry {
  readonly seq: number
  readonly update: Uint8Array
}

/** What a log holds of one document. */
export interface LogContent {
  readonly snapshot: StoredSnapshot | undefined
  /** Number of the last update: that of the snapshot, if none comes after it; 0 if there is nothing. */
  readonly upTo: number
  /** Updates after the snapshot, in order. Taken apart the first time that they are asked for. */
  readonly entries: readonly LogEntry[]
  /** The same in few pieces of memory, in order: each update after its length (u32, little endian). */
  readonly packed: readonly Uint8Array[]
}

/** Which former snapshots are kept beside the current one and the one before it. */
export interface Retention {
  /** Most former snapshots of a document. */
  readonly count: number
  /** Former snapshots older than this go, in milliseconds. */
  readonly ageMs: number
  /** Former snapshots closer together than this are thinned, in milliseconds. */
  readonly spacingMs: number
}

/**
 * A durable log of updates per document.
 *
 * Sequence numbers start at 1 and grow by 1 within a document. All methods reject with a `MerrowError`
 * (`storage_failed`, `storage_full`) if the disk refuses, nothing has been written then; and with `document_deleted`
 * for a document that {@link Log.remove} has deleted.
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
   * Stores a snapshot if it is newer than the one there is, and only then removes the updates that it holds. The one
   * before it is kept, and older ones as the log's {@link Retention} says.
   *
   * @returns Whether it was stored.
   */
  putSnapshot(document: string, snapshot: Snapshot): Promise<boolean>
  /** All snapshots that are kept of a document, newest first. */
  snapshots(document: string): Promise<readonly SnapshotInfo[]>
  /** One of them; `undefined` if it is not kept. */
  readSnapshot(document: string, upTo: number): Promise<StoredSnapshot | undefined>
  /**
   * Deletes a document with all its snapshots. Its name stays taken: who still has it would bring it back.
   *
   * @returns Whether there was anything to delete.
   */
  remove(document: string): Promise<boolean>
  /** Names of all documents that are not deleted, sorted. */
  documents(): Promise<readonly string[]>
  /** Waits for running appends, then lets go of the disk. */
  close(): Promise<void>
}

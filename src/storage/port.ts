// The storage port: where updates rest on one machine. Knows documents as names and updates as bytes; nothing of Yjs or rows.

/** One update of one document (Yjs encoding v1, opaque here). */
export interface DocumentUpdate {
  readonly document: string
  readonly update: Uint8Array
}

/** One stored update, and the key to name it by when it is compacted. */
export interface StoredUpdate {
  readonly key: number
  readonly update: Uint8Array
}

/**
 * An open store of one database.
 *
 * Every method rejects with a `MerrowError` if the store refuses: `storage_full`, or `storage_failed` with the cause. What
 * was stored before stays readable.
 */
export interface Storage {
  /**
   * Whether nobody else, tab or process, had this store open when it was opened here. False where the store cannot tell.
   */
  readonly isAlone: boolean
  /** Reads a small text kept beside the documents. */
  readMeta(key: string): Promise<string | undefined>
  /** Keeps a small text beside the documents; durable when it resolves. */
  writeMeta(key: string, value: string): Promise<void>
  /** All updates of a document, in the order they were appended; none if it is unknown. */
  load(document: string): Promise<readonly StoredUpdate[]>
  /**
   * Appends updates, of several documents at once: all of them, or none, where the store can (an adapter that cannot says so).
   *
   * @returns Their keys, in order, once all are durable. Appends become durable in call order.
   */
  append(batch: readonly DocumentUpdate[]): Promise<readonly number[]>
  /** Replaces exactly the named updates of a document by one that holds the same and maybe more. All or nothing. */
  compact(document: string, state: Uint8Array, replaced: readonly number[]): Promise<number>
  /** Removes a document. */
  remove(document: string): Promise<void>
  /** Waits for what is running, then lets go of the store. */
  close(): Promise<void>
}

/** Yjs documents for an adapter whose own library insists on one. Opaque here. */
export interface ScratchDocuments {
  create(): object
  /** Applies an update; `origin` is what its listeners are told. */
  apply(document: object, update: Uint8Array, origin?: unknown): void
  encode(document: object): Uint8Array
}

/** What an adapter is given when a database opens. */
export interface StorageContext {
  /** Name of the database. */
  readonly database: string
  readonly scratch: ScratchDocuments
}

/** A place to store databases; what `createDatabase({ storage })` takes. */
export interface StorageAdapter {
  /** Opens the store of one database, made if there is none. */
  open(context: StorageContext): Promise<Storage>
}

// The sync port: how a database keeps its documents in step with other replicas. Knows Yjs documents by name, no rows.
import type * as Y from 'yjs'

/**
 * How a database stands with its relay.
 *
 * - `offline`: not connected; trying again, or told not to.
 * - `connecting`: a connection is being made.
 * - `connected`: the relay has taken this client in.
 * - `refused`: the relay has refused this client for good; `db.status.error` says why.
 */
export type Connection = 'offline' | 'connecting' | 'connected' | 'refused'

/** What an adapter is given when a database opens. */
export interface SyncContext {
  /** The documents, under their names on the relay. */
  readonly documents: ReadonlyMap<string, Y.Doc>
  /** Told when anything that the session shows has changed. */
  readonly onStatus: () => void
  /** How far a document's local writes have come, as a number that grows with them; asked whenever an update is sent. */
  readonly position: (document: string) => number
  /** Commits what has been written and waits to be grouped with more, so that the documents have it. */
  readonly flush: () => void
  /** Told that the relay has a document's local writes up to a position, and all of earlier runs, on disk. */
  readonly onAcknowledged: (document: string, position: number) => void
  /** Told that the relay has other content under a document's clocks: the copy here cannot go on; {@link SyncSession.rejoin} brings another. */
  readonly onForked?: (document: string) => void
  /**
   * Whether a document holds all that it should; asked whenever nothing is under way. One that does not has lost what others deleted under
   * its clocks, and {@link SyncContext.onForked} is told.
   */
  readonly isIntact?: (document: string) => boolean
}

/** A document that was added to a running synchronisation. */
export interface SyncedDocument {
  /** Whether the relay has all of it on disk. */
  readonly isSettled: boolean
  /** Resolves once the relay has every local update made so far on disk. */
  acknowledged(): Promise<void>
  /** Takes it out again. */
  leave(): void
}

/** Work that one replica at a time may do, by a lease of the relay's. */
export interface RelayLease {
  /**
   * Calls `work` each time that this replica may do what is called `name`, once all that the relay held then is here. `lost` says that
   * it may no longer, a fifth of the lease time before somebody else may. Ends when `signal` does, and gives the lease back at once.
   *
   * @param name - Looked at as a document's: whoever may write a document called so may hold the lease.
   * @param work - Is also told a number that grows with each change of holder (a fencing number).
   * @throws {@link MerrowError} `relay_refused` if the relay does not let this user, or grants no leases.
   */
  hold(name: string, work: (lost: AbortSignal, number: number) => Promise<void>, signal: AbortSignal): Promise<void>
  /** Whether it is held right now, by this machine's clocks: to be asked before each step. */
  isHeld(name: string): boolean
}

/** A running synchronisation. */
export interface SyncSession {
  readonly connection: Connection
  /** This session's local updates that the relay has not acknowledged. */
  readonly unsent: number
  /** What keeps it from working, if something does. */
  readonly error: unknown
  /** Connects, and stays connected; the state at the start. */
  connect(): void
  /** Disconnects, and stays so until `connect`. */
  disconnect(): void
  /** Resolves once every local update made before the call is on the relay's disk, those of earlier runs included. */
  acknowledged(): Promise<void>
  /**
   * Adds a document, under its name on the relay.
   *
   * @param made - How many local updates it has had in this session.
   */
  join(name: string, document: Y.Doc, made: number): SyncedDocument
  /**
   * Goes on with another document under a name that the session has; those who wait for its acknowledgement wait for this one's. An adapter
   * that tells of no forks needs none.
   */
  rejoin?(name: string, document: Y.Doc): void
  /** What the relay lends to one replica at a time; undefined where nobody does. */
  readonly lease?: RelayLease
  /** Resolves once all that the relay held when it was asked, at the last connection, is here. */
  synced(): Promise<void>
  close(): void
}

/** A way to synchronise; what `createDatabase({ sync })` takes. */
export interface SyncAdapter {
  start(context: SyncContext): SyncSession
}

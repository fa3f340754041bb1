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
}

/** A running synchronisation. */
export interface SyncSession {
  readonly connection: Connection
  /** This session's local updates that the relay has not acknowledged. */
  readonly unsent: number
  /** What keeps it from working, if something does. */
  readonly error: unknown
  /** Keeps one more document in step, under its name on the relay. */
  open(name: string, document: Y.Doc): void
  /** Connects, and stays connected; the state at the start. */
  connect(): void
  /** Disconnects, and stays so until `connect`. */
  disconnect(): void
  /** Resolves once every local update made before the call is on the relay's disk, those of earlier runs included. */
  acknowledged(): Promise<void>
  close(): void
}

/** A way to synchronise; what `createDatabase({ sync })` takes. */
export interface SyncAdapter {
  start(context: SyncContext): SyncSession
}

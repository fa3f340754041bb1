// How a backend stands, live. Knows the engine by what it shows.
import { Announcement } from '../listeners.ts'

/** Where a {@link BackendStatus} reads what it shows. */
export interface BackendStatusSource {
  readonly connection: BackendConnection
  readonly pending: number
  readonly sending: number
  readonly failed: number
  readonly conflicts: number
  readonly lastPullMs: number | undefined
  readonly warning: string | undefined
  readonly error: unknown
}

/**
 * How it stands with a backend.
 *
 * - `waiting`: another tab or process sends. - `online`: it answers. - `offline`: no answer comes. - `failing`: it answers 5xx.
 * - `unauthorized`: it refuses the token. - `paused`: by `pause()`. - `closed`.
 */
export type BackendConnection = 'waiting' | 'online' | 'offline' | 'failing' | 'unauthorized' | 'paused' | 'closed'

/** How a backend stands, live: `backend.status`. */
export class BackendStatus extends Announcement implements BackendStatusSource {
  readonly #source: BackendStatusSource

  /** @internal Made by `connectBackend`. */
  constructor(source: BackendStatusSource, onError: (error: unknown) => void) {
    super(onError)
    this.#source = source
  }

  get connection(): BackendConnection {
    return this.#source.connection
  }

  /** Operations that are not at the backend yet: waiting, on their way, failed or in conflict. */
  get pending(): number {
    return this.#source.pending
  }

  /** Requests on their way. */
  get sending(): number {
    return this.#source.sending
  }

  /** Operations in the dead letter. */
  get failed(): number {
    return this.#source.failed
  }

  /** Operations that wait for an answer of the user's. */
  get conflicts(): number {
    return this.#source.conflicts
  }

  /** When the last pull that ended well began, milliseconds since the epoch. */
  get lastPullMs(): number | undefined {
    return this.#source.lastPullMs
  }

  /** That the outbox is too long, or its oldest operation too old; undefined if neither. */
  get warning(): string | undefined {
    return this.#source.warning
  }

  /** What keeps it from working, if something does. */
  get error(): unknown {
    return this.#source.error
  }
}

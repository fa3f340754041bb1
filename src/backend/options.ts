// What connectBackend is told: options with their defaults, and which tables go to which collection. Types alone.
import type { RandomBytes } from '../ids.ts'
import type { Schema } from '../schema/index.ts'
import type { Timers } from './core.ts'
import type { Lease } from './lease.ts'
import type { RemoteTable } from './remote-table.ts'
import type { TokenSource } from './rest/client.ts'

/** What `connectBackend` takes beside the tables. */
export interface BackendOptions {
  /** Name of the backend among those of this database, the same for good; `backend`. */
  readonly name?: string
  /** A token, or a function that is asked for one at first and when the last was refused. */
  readonly token?: TokenSource
  /** Headers that carry a token; `authorization: Bearer <token>`. */
  readonly authorize?: (token: string) => Readonly<Record<string, string>>
  /** Requests at a time; 6. */
  readonly maxInFlight?: number
  /** How long an answer may take, in milliseconds; 30,000. */
  readonly timeoutMs?: number
  /** How often to pull, in milliseconds, with jitter; 60,000. Infinity for never. */
  readonly pollMs?: number
  /** How old the last pull may be for sending without another one before, in milliseconds; 30,000. */
  readonly freshMs?: number
  /** How often to list everything, in milliseconds, for backends that do not tell of deletions; never. */
  readonly fullScanMs?: number
  /** Opens a stream that tells of news, such as server-sent events; returns what closes it. See `serverSentEvents` and `webSocketEvents`. */
  readonly listen?: (onNews: () => void) => () => void
  /** Where `online`, `offline` and `focus` are heard: `globalThis`, which is the window in browsers. */
  readonly page?: Partial<Pick<EventTarget, 'addEventListener' | 'removeEventListener'>>
  /** Tries of an operation that is answered 5xx, before it goes to the dead letter; 12. */
  readonly maxTries?: number
  /** Conflicts of an operation before it goes to the dead letter; 5. */
  readonly maxConflicts?: number
  /** Most bytes of an answer; 8 MiB. */
  readonly maxAnswerBytes?: number
  /** From how many operations, or how old a one, in milliseconds, `status.warning` speaks; 10,000 and 7 days. */
  readonly limits?: { readonly operations?: number; readonly ageMs?: number }
  /** How many ended operations are kept for `backend.trace`; 1,000. */
  readonly traces?: number
  /** What becomes of rows that this device had made before; `push`. */
  readonly existing?: 'push' | 'ignore'
  /**
   * Who sends: each device what it wrote (`device`, the default), or a bridge what all wrote (`bridge`). In the latter case this device
   * records, sends and pulls nothing; `db.ids` goes on telling.
   */
  readonly sender?: 'device' | 'bridge'
  /** Whether this process is a bridge, beside the relay: of several, one at a time sends and pulls for all, by a lease of the relay's. */
  readonly isBridge?: boolean
  /** Who of those that share an outbox sends; in browsers one tab, by a Web Lock. */
  readonly lease?: Lease
  readonly fetch?: typeof globalThis.fetch
  readonly timers?: Timers
  /** A number from 0 to 1, for jitter. */
  readonly random?: () => number
  /** Source of operation ids. */
  readonly randomBytes?: RandomBytes
}

/** Which tables go to the backend, and how. */
export type BackendTables<S extends Schema> = { readonly [N in keyof S['tables']]?: RemoteTable }

// The bounds of a relay, with their defaults. Knows numbers, not who holds to them.
import type { Rate } from './http/socket/bucket.ts'

/** Bounds on what clients may take. */
export interface RelayLimits {
  /** Largest frame of a client, also when it comes in parts, in bytes (default 64 MiB). */
  readonly maxUpdateBytes?: number | undefined
  /** Most bytes of one document, snapshot and tail together (default 512 MiB). */
  readonly maxDocumentBytes?: number | undefined
  /** Unsent bytes at which a slow client is closed (default 4 MiB). */
  readonly maxBacklogBytes?: number | undefined
  /** Documents open at once on one shared socket (default 1,000). */
  readonly maxDocuments?: number | undefined
  /** Messages of one connection (default 2,000 a second, 10,000 at once); who sends more is read more slowly. */
  readonly frames?: Rate | undefined
  /** Bytes of one connection (default 16 MiB a second, 128 MiB at once). */
  readonly bytes?: Rate | undefined
  /** Presence messages of one connection (default 100 a second, 500 at once). */
  readonly presence?: Rate | undefined
  /** Refused frames and openings of one connection (default 5 a second, 50 at once). */
  readonly faults?: Rate | undefined
  /** Refused frames and openings of all clients together (default 400 a second, 500 at once); who has something refused beyond that waits for his turn. */
  readonly refusals?: Rate | undefined
  /** Connections of one address at a time (default 2,000). */
  readonly maxConnectionsPerAddress?: number | undefined
  /** Connections of one user at a time (default 100). */
  readonly maxConnectionsPerSubject?: number | undefined
  /** Header in which a proxy of yours names the client's address, as `x-forwarded-for`; default none, for clients may write one too. */
  readonly addressHeader?: string | undefined
}

const MEBIBYTE = 1024 * 1024

/** Limits with their defaults filled in. */
export const limitsOf = (limits: RelayLimits = {}) => ({
  maxUpdateBytes: limits.maxUpdateBytes ?? 64 * MEBIBYTE,
  maxDocumentBytes: limits.maxDocumentBytes ?? 512 * MEBIBYTE,
  maxBacklogBytes: limits.maxBacklogBytes ?? 4 * MEBIBYTE,
  maxDocuments: limits.maxDocuments ?? 1000,
  maxConnectionsPerAddress: limits.maxConnectionsPerAddress ?? 2000,
  maxConnectionsPerSubject: limits.maxConnectionsPerSubject ?? 100,
  addressHeader: limits.addressHeader,
  refusals: limits.refusals ?? { perSecond: 400, burst: 500 },
  rates: {
    frames: limits.frames ?? { perSecond: 2000, burst: 10_000 },
    bytes: limits.bytes ?? { perSecond: 16 * MEBIBYTE, burst: 128 * MEBIBYTE },
    faults: limits.faults ?? { perSecond: 5, burst: 50 },
    presence: limits.presence ?? { perSecond: 100, burst: 500 },
  },
})

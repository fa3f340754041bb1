// Whom a token stands for. Knows no tokens.
import { ALL_GRANTED, type Grants } from './grants.ts'

/** Somebody who may speak to the relay. */
export interface Identity {
  /** The user; undefined where tokens name nobody. */
  readonly subject: string | undefined
  readonly grants: Grants
  /** When the token is over, milliseconds since the epoch; Infinity if never. */
  readonly expiresAtMs: number
  readonly issuedAtMs: number
}

/** Whoever holds the shared secret, or is on this machine where there is none. */
export const NOBODY_IN_PARTICULAR: Identity = {
  subject: undefined,
  grants: ALL_GRANTED,
  expiresAtMs: Number.POSITIVE_INFINITY,
  issuedAtMs: 0,
}

// What the guard is asked and what it says. Knows neither updates nor documents.
import type { Span, Update } from './update.ts'
import type { ClockRange } from './vector.ts'

/** Why an update is refused, as a word for metrics. */
export type Refusal =
  | 'malformed'
  | 'impossible'
  | 'foreign_client'
  | 'shape'
  | 'too_large'
  | 'broken'
  | 'read_only'
  | 'forked'

/** Who sends an update, and as what. */
export interface Sender {
  /** Whose token it is; undefined where there are no subjects, and so no leases. */
  readonly subject: string | undefined
  /** An answer to the relay's step 1 may bring what others wrote; other updates bring the sender's own writes. */
  readonly isAnswer: boolean
  /** Whether it may write; who may not still answers, with what the relay knows. */
  readonly mayWrite: boolean
}

/** Clocks that an update brings, and where in its bytes their structs lie. */
export interface StructRange extends ClockRange {
  /** How many structs. */
  readonly structs: number
  readonly bytes: Span
}

/** What is to be done with an update. */
export type Verdict =
  /** It brings nothing new. */
  | { readonly kind: 'nothing'; readonly overlap: readonly ClockRange[] }
  /** What it builds on is not here: the sender is to be asked for all that is lacking. */
  | { readonly kind: 'missing'; readonly reason: string }
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly reason: string }
  /** The new part of it may be stored, `notes` before it. */
  | {
      readonly kind: 'accepted'
      readonly update: Uint8Array
      readonly ranges: readonly StructRange[]
      readonly deletes: Update['deletes']
      readonly notes: Uint8Array | undefined
      /** Clocks that it says again, as it should: {@link findFork} tells. */
      readonly overlap: readonly ClockRange[]
    }

/** A verdict that refuses. */
export const refused = (refusal: Refusal, reason: string): Verdict => ({ kind: 'refused', refusal, reason })

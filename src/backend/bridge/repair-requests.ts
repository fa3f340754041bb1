// What a bridge is asked to do with operations in its dead letter, and what it answers: a merged log beside its outbox. Knows no queue.
import type { Json } from '../../schema/index.ts'

/** What is to become of a failed operation. */
export type Repair =
  | { readonly kind: 'retry' }
  | { readonly kind: 'edit'; readonly data: { readonly [column: string]: Json } }
  | { readonly kind: 'discard'; readonly withDependants: boolean }

/** One request, under a key of its own, and the answer once there is one. */
export interface RepairRequest {
  readonly operation: string
  readonly repair: Repair
  /** When nobody waits for the answer any more, milliseconds since the epoch. */
  readonly untilMs: number
  /** The reason why it was not done; null if it was. */
  readonly refusal?: string | null
}

/** Whoever may write documents called so is trusted like a bridge: `<db>/_bridge-*`. No backend's name has a `~`. */
export const requestsName = (backend: string): string => `_bridge-${backend}~requests`

/** The outbox that the bridges of one backend share. */
export const outboxName = (backend: string): string => `_bridge-${backend}`

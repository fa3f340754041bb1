// Plans of grouped queries: which rows, grouped by what, with which figures, and which groups of all. Runs nothing.
import type { QueryColumn } from '../plan/catalog.ts'
import type { CompiledPlan } from '../plan/evaluate.ts'
import type { Match } from '../plan/match.ts'
import type { Compare } from '../plan/order.ts'
import type { Figure } from './groups.ts'

/** A grouped query as functions over one database. */
export interface GroupPlan {
  /** The rows that are grouped. */
  readonly base: CompiledPlan
  readonly columns: readonly QueryColumn[]
  readonly figures: readonly Figure[]
  /** Which groups. */
  readonly matches: Match
  readonly compare: Compare
  readonly offset: number
  /** Infinity for none. */
  readonly limit: number
  /** The same for equal ones. */
  readonly key: string
}

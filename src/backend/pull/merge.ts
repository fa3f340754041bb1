// The three-way merge of a row and its record, column by column. Pure: knows no table, no outbox and no network.
import { elementKey, type Json, type MergeRule, sortElements } from '../../schema/index.ts'
import type { Fields, Strategy } from '../remote-table.ts'
import { isSame } from '../seen.ts'

/** What is on its way of one column. */
export interface Pending {
  /** What the last of them writes. */
  readonly value: Json
  /** Values that were sent and not answered: the record may have them. */
  readonly sent: readonly Json[]
  /** Whether it waits for the user, in the dead letter or in a conflict. */
  readonly isHeld: boolean
}

/** A column that both sides have changed. */
export interface Clash {
  readonly column: string
  readonly base: Json
  readonly local: Json
  readonly remote: Json
}

/** How a clash ends. */
export type Verdict = { readonly kind: 'local' | 'remote' | 'ask' } | { readonly kind: 'value'; readonly value: Json }

/** What is merged. */
export interface MergeInput {
  readonly columns: readonly string[]
  /** What the record held when it was last seen, by column; undefined for what nobody here knows. */
  readonly base: (column: string) => Json | undefined
  readonly local: Fields
  readonly remote: Fields
  readonly pending: (column: string) => Pending | undefined
  readonly decide: (clash: Clash) => Verdict
}

/** What a merge leads to. */
export interface Merged {
  /** Columns to write to the row. */
  readonly writes: Fields
  /** Columns whose pending write is not wanted any more. */
  readonly dropped: readonly string[]
  /** Columns whose pending write gets another value. */
  readonly changed: Fields
  readonly asked: readonly Clash[]
  /** What the record holds, for the next merge. */
  readonly base: Fields
}

/** Merges a record into a row. */
export const merge = ({ columns, base, local, remote, pending, decide }: MergeInput): Merged => {
  const writes: Record<string, Json> = {}
  const changed: Record<string, Json> = {}
  const newBase: Record<string, Json> = {}
  const dropped: string[] = []
  const asked: Clash[] = []
  for (const column of columns) {
    const theirs = remote[column]
    if (theirs === undefined) continue
    const [was, mine, own] = [base(column), local[column] ?? null, pending(column)]
    newBase[column] = theirs
    if (was !== undefined && isSame(theirs, was)) continue
    if (own === undefined) {
      if (!isSame(theirs, mine)) writes[column] = theirs
    } else if (own.sent.some((value) => isSame(value, theirs)) || own.isHeld) {
    } else if (own.sent.length > 0) newBase[column] = was ?? theirs
    else if (isSame(theirs, own.value)) dropped.push(column)
    else if (was !== undefined) {
      const clash = { column, base: was, local: own.value, remote: theirs }
      const verdict = decide(clash)
      if (verdict.kind === 'ask') asked.push(clash)
      if (verdict.kind === 'remote') dropped.push(column)
      if (verdict.kind === 'remote') writes[column] = theirs
      if (verdict.kind === 'value') changed[column] = verdict.value
    }
  }
  return { writes, dropped, changed, asked, base: newBase }
}

/** When each side was last changed, milliseconds since the epoch by one clock; undefined if that is not known. */
export interface Times {
  readonly localMs: number
  readonly remoteMs: number | undefined
}

/** Ends a clash by a strategy; without one, by the column's own merge rule, or by time. */
export const decideBy =
  (strategy: Strategy | undefined, rule: MergeRule, times: Times) =>
  (clash: Clash): Verdict => {
    if (typeof strategy === 'function') return { kind: 'value', value: strategy(clash) }
    switch (strategy ?? rule.kind) {
      case 'local':
      case 'remote':
      case 'ask':
        return { kind: (strategy ?? rule.kind) as 'local' | 'remote' | 'ask' }
      case 'counter':
        return { kind: 'value', value: numberOf(clash.local) + numberOf(clash.remote) - numberOf(clash.base) }
      case 'set':
        return { kind: 'value', value: mergeSets(clash) }
      case 'merge':
        return {
          kind: 'value',
          value: rule.kind === 'merge' ? (rule.merge(clash.local, clash.remote) as Json) : clash.local,
        }
      default:
        return { kind: times.remoteMs !== undefined && times.remoteMs > times.localMs ? 'remote' : 'local' }
    }
  }

/** What both sides added stays, and what either removed goes. */
const mergeSets = ({ base, local, remote }: Clash): Json => {
  const [was, mine, theirs] = [base, local, remote].map(
    (set) =>
      new Map((Array.isArray(set) ? set : []).map((element): [string, unknown] => [elementKey(element), element])),
  ) as [Map<string, unknown>, Map<string, unknown>, Map<string, unknown>]
  const kept = [...mine, ...theirs].filter(([key]) => !was.has(key) || (mine.has(key) && theirs.has(key)))
  return sortElements(new Map(kept)) as Json
}

const numberOf = (value: Json): number => (typeof value === 'number' ? value : 0)

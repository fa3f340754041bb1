// What a condition says of single columns: what they must equal, or lie between. Knows conditions; no indexes and no rows.
import type { Bound } from '../lookup/ordered-index.ts'
import type { Condition } from './condition.ts'

/** What a plan's conditions say of single columns. */
export interface Known {
  readonly equal: ReadonlyMap<string, unknown>
  readonly among: ReadonlyMap<string, readonly unknown[]>
  readonly ranges: ReadonlyMap<string, Range>
  /** Whether there is more to be matched than what stands here. */
  readonly hasMore: boolean
}

/** Bounds of one column. */
export interface Range {
  readonly low?: Bound
  readonly high?: Bound
}

/** Whether so many conditions are all there are. */
export const isAll = ({ equal, among, ranges, hasMore }: Known, used: number): boolean =>
  !hasMore && used === equal.size + among.size + ranges.size

const NOTHING: Known = { equal: new Map(), among: new Map(), ranges: new Map(), hasMore: false }

/** Reads a condition. */
export const readKnown = (condition: Condition): Known => {
  if (condition.kind === 'and' && condition.parts.length === 0) return NOTHING
  const equal = new Map<string, unknown>()
  const among = new Map<string, readonly unknown[]>()
  const ranges = new Map<string, Range>()
  let hasMore = false
  for (const part of condition.kind === 'and' ? condition.parts : [condition]) {
    const name = part.kind === 'compare' ? part.column.name : ''
    const range = rangeOf(part)
    if (part.kind === 'compare' && part.operator === 'eq' && !equal.has(name)) equal.set(name, part.value)
    else if (part.kind === 'compare' && part.operator === 'in' && !among.has(name))
      among.set(name, part.value as readonly unknown[])
    else if (range !== undefined) {
      const known = ranges.get(name)
      // Of several bounds on one side the last one counts, so that not all are sure to hold.
      hasMore ||=
        (range.low !== undefined && known?.low !== undefined) || (range.high !== undefined && known?.high !== undefined)
      ranges.set(name, { ...known, ...range })
    } else hasMore = true
  }
  return { equal, among, ranges, hasMore }
}

/** The bounds of one comparison. Of several on one side the last counts: the match looks at all of them. */
const rangeOf = (part: Condition): Range | undefined => {
  if (part.kind !== 'compare') return undefined
  const { operator, value } = part
  switch (operator) {
    case 'gt':
      return { low: { values: [value], side: 'after' } }
    case 'gte':
      return { low: { values: [value], side: 'before' } }
    case 'lt':
      return { high: { values: [value], side: 'before' } }
    case 'lte':
      return { high: { values: [value], side: 'after' } }
    case 'startsWith':
      return { low: { values: [value], side: 'before' }, ...endOf(value as string) }
    default:
      return undefined
  }
}

/** Above every text that starts so. */
const endOf = (start: string): { readonly high?: Bound } => {
  const kept = start.replace(/\uffff+$/, '')
  if (kept === '') return {}
  const next = kept.slice(0, -1) + String.fromCharCode(kept.charCodeAt(kept.length - 1) + 1)
  return { high: { values: [next], side: 'before' } }
}

/** The columns that a plan's rows must equal something in: `undefined` if none, for those who file it under them. */
export const equalities = (condition: Condition): ReadonlyMap<string, unknown> => readKnown(condition).equal
/** The columns that must be among some values. */
export const alternatives = (condition: Condition): ReadonlyMap<string, readonly unknown[]> =>
  readKnown(condition).among

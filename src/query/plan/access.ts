// Which rows to look at for a plan: by id, through an index, or all. Knows indexes by their declaration; matches nothing itself.
import type { Bound } from '../lookup/ordered-index.ts'
import type { TableRows } from '../table-rows.ts'
import type { AnyRow } from './catalog.ts'
import type { Condition } from './condition.ts'
import { defaultNulls } from './order.ts'
import type { Plan } from './plan.ts'

/** A way to the rows. */
export interface Access {
  readonly kind: 'id' | 'hash' | 'ordered' | 'scan'
  /** Columns of the index. */
  readonly index: readonly string[] | undefined
  /** Whether the rows come in the plan's order. */
  readonly isOrdered: boolean
  /** Whether all of them match, so that nobody has to look. */
  readonly isSure: boolean
  /** How many rows are likely to be looked at. */
  readonly cost: number
  rows(): Iterable<AnyRow>
}

/** What a plan's conditions say of single columns. */
interface Known {
  readonly equal: ReadonlyMap<string, unknown>
  readonly among: ReadonlyMap<string, readonly unknown[]>
  readonly ranges: ReadonlyMap<string, Range>
  /** Whether there is more to be matched than what stands here. */
  readonly hasMore: boolean
}

interface Range {
  readonly low?: Bound
  readonly high?: Bound
}

/** Nobody counts the rows for a guess. */
const GUESSED_ROWS = 100_000
const GUESSED_SHARE = 8

/** The way that looks at the fewest rows, as far as can be told without looking. */
export const chooseAccess = (plan: Plan, rows: TableRows): Access => {
  const scan: Access = {
    kind: 'scan',
    index: undefined,
    isOrdered: false,
    isSure: false,
    cost: GUESSED_ROWS,
    rows: () => rows.all(plan.deleted !== 'without'),
  }
  const known = readKnown(plan.condition)
  const ids = known.equal.has('id') ? [known.equal.get('id')] : known.among.get('id')
  if (ids !== undefined) return byIds(ids, rows)
  if (plan.deleted !== 'without') return scan
  const ways = plan.table.lookups.indexes.flatMap(({ columns }) => [
    ...byHash(columns, known, plan, rows),
    ...byOrder(columns, known, plan, rows),
  ])
  return ways.reduce((best, way) => (way.cost < best.cost ? way : best), scan)
}

/** The columns that a plan's rows must equal something in: `undefined` if none, for those who file it under them. */
export const equalities = (condition: Condition): ReadonlyMap<string, unknown> => readKnown(condition).equal
/** The columns that must be among some values. */
export const alternatives = (condition: Condition): ReadonlyMap<string, readonly unknown[]> =>
  readKnown(condition).among

const byIds = (ids: readonly unknown[], rows: TableRows): Access => ({
  kind: 'id',
  index: ['id'],
  isOrdered: false,
  isSure: false,
  cost: 0,
  rows: () => ids.flatMap((id) => (typeof id === 'string' ? (rows.row(id) ?? []) : [])),
})

const byHash = (columns: readonly string[], known: Known, plan: Plan, rows: TableRows): Access[] => {
  const { equal, among } = known
  let keys: readonly (readonly unknown[])[] = [[]]
  for (const column of columns) {
    const values = equal.has(column) ? [equal.get(column)] : among.get(column)
    if (values === undefined || keys.length * values.length > 1000) return []
    keys = keys.flatMap((key) => values.map((value) => [...key, value]))
  }
  const hash = rows.lookups.hash(columns)
  const found = keys.map((key) => hash.get(key))
  return [
    {
      kind: 'hash',
      index: columns,
      isOrdered: false,
      isSure: isAll(known, columns.length) && plan.after === undefined,
      cost: found.reduce((sum, { size }) => sum + size, 0),
      rows: () => (found.length === 1 ? (found[0] as ReadonlySet<AnyRow>) : found.flatMap((set) => [...set])),
    },
  ]
}

const byOrder = (columns: readonly string[], known: Known, plan: Plan, rows: TableRows): Access[] => {
  const equal = columns.findIndex((column) => !known.equal.has(column))
  if (equal < 0) return []
  const prefix = columns.slice(0, equal).map((column) => known.equal.get(column))
  const range = known.ranges.get(columns[equal] as string)
  const direction = directionOf(columns.slice(equal), plan)
  if (prefix.length === 0 && range === undefined && (direction === undefined || plan.limit === undefined)) return []
  const used = prefix.length + (range === undefined ? 0 : 1)
  const share = GUESSED_ROWS / GUESSED_SHARE ** used
  const wanted = (plan.limit ?? Number.POSITIVE_INFINITY) + plan.offset
  const isSure = isAll(known, used) && known.among.size === 0 && (plan.after === undefined || direction !== undefined)
  const { low, high } = boundsOf(prefix, range, plan, direction)
  return [
    {
      kind: 'ordered',
      index: columns,
      isOrdered: direction !== undefined,
      // The row that a cursor was made of is in its range, and matched away.
      isSure: isSure && plan.after === undefined,
      cost: direction === undefined ? share * 1.5 : Math.min(share, isSure ? wanted : wanted * GUESSED_SHARE),
      rows() {
        const index = rows.lookups.ordered(columns)
        const isWalked = direction === 'desc' || (Number.isFinite(wanted) && !isSure && direction !== undefined)
        return isWalked
          ? index.walk(low, high, direction === 'desc')
          : index.range(low, high, isSure && direction !== undefined ? wanted + 1 : Number.POSITIVE_INFINITY)
      },
    },
  ]
}

/** Whether so many conditions are all there are. */
const isAll = ({ equal, among, ranges, hasMore }: Known, used: number): boolean =>
  !hasMore && used === equal.size + among.size + ranges.size

/** The direction in which an index's further columns are the plan's order; undefined if they are not. */
const directionOf = (columns: readonly string[], { order, condition }: Plan): 'asc' | 'desc' | undefined => {
  const fixed = equalities(condition)
  const terms = order.filter(({ column }) => !fixed.has(column.name))
  const direction = order.at(-1)?.direction
  const isSame = terms.length > 0 && terms.length === columns.length && direction !== undefined
  if (!isSame) return undefined
  return terms.every(
    ({ column, direction: way, nulls }, at) =>
      column.name === columns[at] && way === direction && nulls === defaultNulls(way),
  )
    ? direction
    : undefined
}

const EVERYTHING: Bound = { values: [], side: 'after' }
/** Missing values come after all others, and are in no range. */
const EVERY_VALUE: Bound = { values: [undefined], side: 'before' }

const boundsOf = (
  prefix: readonly unknown[],
  range: Range | undefined,
  plan: Plan,
  direction: 'asc' | 'desc' | undefined,
): { readonly low: Bound; readonly high: Bound } => {
  const within = (bound: Bound): Bound => ({ ...bound, values: [...prefix, ...bound.values] })
  let low = within(range?.low ?? { values: [], side: 'before' })
  let high = within(range?.high ?? (range === undefined ? EVERYTHING : EVERY_VALUE))
  const { after } = plan
  if (after !== undefined && direction !== undefined) {
    const fixed = equalities(plan.condition)
    const terms = plan.order.filter(({ column }) => !fixed.has(column.name))
    const values = [...prefix, ...terms.map(({ column }) => column.read(after))]
    if (direction === 'asc') low = { values, side: 'after', id: after.id }
    else high = { values, side: 'before', id: after.id }
  }
  return { low, high }
}

const readKnown = (condition: Condition): Known => {
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

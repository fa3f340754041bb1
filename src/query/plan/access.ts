// Which rows to look at for a plan: by id, through an index, or all. Knows indexes by their declaration; matches nothing itself.
import type { Bound } from '../lookup/ordered-index.ts'
import { rowsIn, type Slot } from '../lookup/slot.ts'
import type { TableRows } from '../table-rows.ts'
import type { AnyRow } from './catalog.ts'
import { isAll, type Known, type Range, readKnown } from './known.ts'
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

/** Nobody counts the rows for a guess. */
const GUESSED_ROWS = 100_000
const GUESSED_SHARE = 8

/** The way that looks at the fewest rows, as far as can be told without looking. */
export const chooseAccess = (plan: Plan, rows: TableRows): Access => {
  const known = readKnown(plan.condition)
  const ids = known.equal.has('id') ? [known.equal.get('id')] : known.among.get('id')
  if (ids !== undefined) return byIds(ids, rows)
  let best: Access | undefined
  for (const { columns } of plan.deleted === 'without' ? plan.table.lookups.indexes : []) {
    const hash = byHash(columns, known, plan, rows)
    if (hash !== undefined && hash.cost < (best?.cost ?? GUESSED_ROWS)) best = hash
    const ordered = byOrder(columns, known, plan, rows)
    if (ordered !== undefined && ordered.cost < (best?.cost ?? GUESSED_ROWS)) best = ordered
  }
  return best ?? scan(plan, rows)
}

const scan = ({ deleted }: Plan, rows: TableRows): Access => ({
  kind: 'scan',
  index: undefined,
  isOrdered: false,
  isSure: false,
  cost: GUESSED_ROWS,
  rows: () => rows.all(deleted !== 'without'),
})

const byIds = (ids: readonly unknown[], rows: TableRows): Access => ({
  kind: 'id',
  index: ['id'],
  isOrdered: false,
  isSure: false,
  cost: 0,
  rows: () => ids.flatMap((id) => (typeof id === 'string' ? (rows.row(id) ?? []) : [])),
})

const byHash = (columns: readonly string[], known: Known, plan: Plan, rows: TableRows): Access | undefined => {
  const { equal, among } = known
  let keys: readonly (readonly unknown[])[] = [[]]
  for (const column of columns) {
    const values = equal.has(column) ? [equal.get(column)] : among.get(column)
    if (values === undefined || keys.length * values.length > 1000) return undefined
    keys = keys.flatMap((key) => values.map((value) => [...key, value]))
  }
  const hash = rows.lookups.hash(columns)
  const found = keys.map((key) => hash.get(key))
  return {
    kind: 'hash',
    index: columns,
    isOrdered: false,
    isSure: isAll(known, columns.length) && plan.after === undefined,
    cost: found.reduce((sum, { size }) => sum + size, 0),
    rows: () => (found.length === 1 ? rowsIn(found[0] as ReadonlySet<Slot>) : found.flatMap(rowsIn)),
  }
}

const byOrder = (columns: readonly string[], known: Known, plan: Plan, rows: TableRows): Access | undefined => {
  const equal = columns.findIndex((column) => !known.equal.has(column))
  if (equal < 0) return undefined
  const range = known.ranges.get(columns[equal] as string)
  const direction = directionOf(columns.slice(equal), plan, known.equal)
  if (equal === 0 && range === undefined && (direction === undefined || plan.limit === undefined)) return undefined
  const prefix = columns.slice(0, equal).map((column) => known.equal.get(column))
  const used = prefix.length + (range === undefined ? 0 : 1)
  const share = GUESSED_ROWS / GUESSED_SHARE ** used
  const wanted = (plan.limit ?? Number.POSITIVE_INFINITY) + plan.offset
  const isSure = isAll(known, used) && known.among.size === 0 && (plan.after === undefined || direction !== undefined)
  const { low, high } = boundsOf(prefix, range, plan, direction, known.equal)
  return {
    kind: 'ordered',
    index: columns,
    isOrdered: direction !== undefined,
    // The row that a cursor was made of is in its range, and matched away.
    isSure: isSure && plan.after === undefined,
    cost: direction === undefined ? share * 1.5 : Math.min(share, isSure ? wanted : wanted * GUESSED_SHARE),
    rows() {
      const index = rows.lookups.ordered(columns)
      const isReverse = direction === 'desc'
      if (direction === undefined) return index.range(low, high, isReverse)
      // Of rows that are yet to be matched, or passed over, nobody knows how many will do.
      return Number.isFinite(wanted) && !(isSure && plan.after === undefined)
        ? index.walk(low, high, isReverse)
        : index.range(low, high, isReverse, wanted)
    },
  }
}

/** The direction in which an index's further columns are the plan's order; undefined if they are not. */
const directionOf = (
  columns: readonly string[],
  { order }: Plan,
  fixed: ReadonlyMap<string, unknown>,
): 'asc' | 'desc' | undefined => {
  if (order.length === 0) return undefined
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

const FROM_START: Bound = { values: [], side: 'before' }
const TO_END: Bound = { values: [], side: 'after' }
/** Missing values come after all others, and are in no range. */
const EVERY_VALUE: Bound = { values: [undefined], side: 'before' }

const boundsOf = (
  prefix: readonly unknown[],
  range: Range | undefined,
  plan: Plan,
  direction: 'asc' | 'desc' | undefined,
  fixed: ReadonlyMap<string, unknown>,
): { readonly low: Bound; readonly high: Bound } => {
  const within = (bound: Bound): Bound =>
    prefix.length === 0 ? bound : { ...bound, values: [...prefix, ...bound.values] }
  let low = within(range?.low ?? FROM_START)
  let high = within(range?.high ?? (range === undefined ? TO_END : EVERY_VALUE))
  const { after } = plan
  if (after !== undefined && direction !== undefined) {
    const terms = plan.order.filter(({ column }) => !fixed.has(column.name))
    const values = [...prefix, ...terms.map(({ column }) => column.read(after))]
    if (direction === 'asc') low = { values, side: 'after', id: after.id }
    else high = { values, side: 'before', id: after.id }
  }
  return { low, high }
}

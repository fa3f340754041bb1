// Sorting many items at once by several values each: by numbers that stand for the values, in typed arrays, which takes no comparison of
// ours. Knows values; not what has them.
import { compareValues, isMissing } from '../plan/values.ts'

/** Reads a value of the item at a place. */
export type ReadAt = (at: number) => unknown

/** So few are sorted sooner by comparing them. */
const FEW = 32

/**
 * The places of items in the order of their values: by the first ones, of those that are equal by the second ones, and so on.
 *
 * @param count - How many items there are.
 * @param reads - How to come by their values, which together tell any two items apart.
 */
export const sortPlaces = (count: number, reads: readonly ReadAt[]): Uint32Array => {
  const places = new Uint32Array(count)
  for (let at = 0; at < count; at++) places[at] = at
  sortPart(places, reads)
  return places
}

const sortPart = (places: Uint32Array, reads: readonly ReadAt[]): void => {
  const [read, ...rest] = reads
  if (read === undefined) return
  if (places.length <= FEW) return void places.sort(compareBy(reads))
  const values = new Array<unknown>(places.length)
  for (let at = 0; at < places.length; at++) values[at] = read(places[at] as number)
  const ranks = rank(values)
  const order = orderOfWhole(ranks) ?? orderOf(ranks)
  places.set(order.map((at) => places[at] as number))
  const rankAt = (at: number): number => ranks[order[at] as number] as number
  for (let from = 0, to = 1; from < places.length; from = to++) {
    const first = rankAt(from)
    while (to < places.length && rankAt(to) === first) to += 1
    if (to - from > 1) sortPart(places.subarray(from, to), rest)
  }
}

/** Where the numbers stand in order, if all are whole and so near to one another that each fits into one double with its place. */
const orderOfWhole = (ranks: Float64Array): Uint32Array | undefined => {
  const count = ranks.length
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
  for (let at = 0; at < count; at++) {
    const value = ranks[at] as number
    if (!Number.isInteger(value)) return undefined
    if (value < least) least = value
    if (value > most) most = value
  }
  if ((most - least + 1) * count > Number.MAX_SAFE_INTEGER) return undefined
  const both = new Float64Array(count)
  for (let at = 0; at < count; at++) both[at] = ((ranks[at] as number) - least) * count + at
  both.sort()
  const order = new Uint32Array(count)
  for (let at = 0; at < count; at++) order[at] = (both[at] as number) % count
  return order
}

/** Where any numbers stand in order; equal ones as they come. */
const orderOf = (ranks: Float64Array): Uint32Array => {
  const sorted = ranks.slice().sort()
  const taken = new Uint32Array(ranks.length)
  const order = new Uint32Array(ranks.length)
  for (let at = 0; at < ranks.length; at++) {
    const first = lowerBound(sorted, ranks[at] as number)
    order[first + (taken[first] as number)] = at
    taken[first] = (taken[first] as number) + 1
  }
  return order
}

const compareBy =
  (reads: readonly ReadAt[]) =>
  (a: number, b: number): number => {
    for (const read of reads) {
      const order = compareValues(read(a), read(b))
      if (order !== 0) return order
    }
    return 0
  }

/** A number for each value, in the same order; equal ones for equal values. */
const rank = (values: readonly unknown[]): Float64Array => {
  const ranks = new Float64Array(values.length)
  for (let at = 0; at < values.length; at++) {
    const value = values[at]
    if (typeof value === 'number' && Number.isFinite(value)) ranks[at] = value
    else if (isMissing(value)) ranks[at] = Number.POSITIVE_INFINITY
    else return rankAny(values, ranks)
  }
  return ranks
}

const rankAny = (values: readonly unknown[], ranks: Float64Array): Float64Array => {
  const different = [...new Set(values)]
  // Strings alone are sorted without a call for each comparison, by code units as well.
  if (different.every((value) => typeof value === 'string')) different.sort()
  else different.sort(compareValues)
  const found = new Map<unknown, number>()
  let last = 0
  different.forEach((value, at) => {
    if (at > 0 && compareValues(different[at - 1], value) !== 0) last = at
    found.set(value, last)
  })
  for (let at = 0; at < values.length; at++) ranks[at] = found.get(values[at]) as number
  return ranks
}

/** The first place of a number that is there. */
const lowerBound = (sorted: Float64Array, wanted: number): number => {
  let [low, high] = [0, sorted.length - 1]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((sorted[middle] as number) < wanted) low = middle + 1
    else high = middle
  }
  return low
}

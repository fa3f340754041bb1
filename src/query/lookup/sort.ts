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
  const sorted = ranks.slice().sort()
  const taken = new Uint32Array(places.length)
  const result = new Uint32Array(places.length)
  for (let at = 0; at < places.length; at++) {
    const first = lowerBound(sorted, ranks[at] as number)
    result[first + (taken[first] as number)] = places[at] as number
    taken[first] = (taken[first] as number) + 1
  }
  places.set(result)
  for (let at = 0; at < places.length; at += taken[at] as number)
    if ((taken[at] as number) > 1) sortPart(places.subarray(at, at + (taken[at] as number)), rest)
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

// Checks a merge function against the laws that replicas need of it. Knows values alone; no database, no test runner.
import * as prng from 'lib0/prng'
import { MerrowError, show } from '../errors.ts'
import { deepFreeze, type MergeFunction } from '../schema/index.ts'
import { isSame } from '../table/index.ts'

/** What to check a merge function with. */
export interface CheckMergeOptions<T> {
  /** Values that the column may hold: some of them, or a function that makes one of numbers from 0 to 1. */
  readonly values: readonly T[] | ((random: () => number) => T)
  /** How many triples of values to try; 1,000 by default. */
  readonly seeds?: number
  /** Tries the triple of this seed alone, as an earlier failure named it. */
  readonly seed?: number
}

type Triple<T> = readonly [T, T, T]

/** What a law asks of three values; a sentence that shows where it does not hold, or undefined. */
type Law<T> = (merge: MergeFunction<T>, triple: Triple<T>) => string | undefined

const COUNTEREXAMPLES = 20_000

/**
 * Checks that a function is fit for `c.number({ merge })` and its like: that it is pure, never throws, gives a value, and gives the same
 * whatever the order and number of its arguments (commutative, associative, idempotent). Values come frozen, as rows hold them.
 *
 * @throws {@link MerrowError} `law_broken`, naming the law, the seed, and the smallest values found that break it.
 *
 * @example
 * checkMerge(Math.max, { values: (random) => Math.floor(random() * 100) })
 */
export const checkMerge = <T>(merge: MergeFunction<T>, { values, seeds = 1000, seed }: CheckMergeOptions<T>): void => {
  if (typeof values !== 'function' && values.length === 0)
    throw new MerrowError('invalid_argument', 'checkMerge({ values: [] }): give some values that the column may hold.')
  const from = seed ?? 0
  for (let at = from; at < (seed === undefined ? seeds : from + 1); at++) {
    const triple = drawTriple(values, at)
    for (const [law, holds] of Object.entries(laws<T>()))
      if (breach(merge, holds, triple) !== undefined) throw lawBroken(law, at, smallest(merge, holds, values, triple))
  }
}

const lawBroken = (law: string, seed: number, example: string): MerrowError =>
  new MerrowError(
    'law_broken',
    `checkMerge: the function is not ${law}: ${example}. Replicas would show different values. Mend it, and try { seed: ${seed} } again.`,
  )

const laws = <T>(): Readonly<Record<string, Law<T>>> => ({
  'defined for all values': (merge, [a, b]) =>
    merge(a, b) === undefined ? `merge(${show(a)}, ${show(b)}) gives nothing` : undefined,
  pure: (merge, [a, b]) => differ(['merge', a, b], merge(a, b), ['merge', a, b], merge(a, b)),
  commutative: (merge, [a, b]) => differ(['merge', a, b], merge(a, b), ['merge', b, a], merge(b, a)),
  idempotent: (merge, [a]) =>
    isSame(merge(a, a), a) ? undefined : `merge(${show(a)}, ${show(a)}) = ${show(merge(a, a))}`,
  associative: (merge, [a, b, c]) => {
    const [left, right] = [merge(merge(a, b), c), merge(a, merge(b, c))]
    const [x, y, z] = [show(a), show(b), show(c)]
    return isSame(left, right)
      ? undefined
      : `merge(merge(${x}, ${y}), ${z}) = ${show(left)}, but merge(${x}, merge(${y}, ${z})) = ${show(right)}`
  },
})

type Call = readonly [name: string, a: unknown, b: unknown]

const differ = ([, a, b]: Call, one: unknown, [, c, d]: Call, other: unknown): string | undefined =>
  isSame(one, other)
    ? undefined
    : `merge(${show(a)}, ${show(b)}) = ${show(one)}, but merge(${show(c)}, ${show(d)}) = ${show(other)}`

const drawTriple = <T>(values: CheckMergeOptions<T>['values'], seed: number): Triple<T> => {
  // The generator stands still at 0.
  const random = prng.create(seed + 1)
  const one = (): T =>
    typeof values === 'function' ? values(() => prng.real53(random)) : prng.oneOf(random, [...values])
  const draw = (): T => deepFreeze(structuredClone(one())) as T
  return [draw(), draw(), draw()]
}

/** The shortest of the values there are that break a law. They are not made smaller: what is no value of the column proves nothing. */
const smallest = <T>(
  merge: MergeFunction<T>,
  law: Law<T>,
  values: CheckMergeOptions<T>['values'],
  found: Triple<T>,
): string => {
  const drawn = Array.from({ length: 8 }, (_, seed) => drawTriple(values, seed)).flat()
  const pool = [...found, ...drawn]
    .map((value) => ({ value, size: show(value).length }))
    .sort((a, b) => a.size - b.size)
    .slice(0, Math.floor(COUNTEREXAMPLES ** (1 / 3)))
  let best = { size: Number.POSITIVE_INFINITY, example: breach(merge, law, found) ?? '' }
  for (const a of pool)
    for (const b of pool)
      for (const c of pool) {
        const size = a.size + b.size + c.size
        const example = size < best.size ? breach(merge, law, [a.value, b.value, c.value]) : undefined
        if (example !== undefined) best = { size, example }
      }
  return best.example
}

const breach = <T>(merge: MergeFunction<T>, law: Law<T>, triple: Triple<T>): string | undefined => {
  try {
    return law(merge, triple)
  } catch (error) {
    return `it throws ${String(error)} among ${triple.map(show).join(', ')}`
  }
}

// Holds the sorting of many items to plain comparison, over values of all kinds, ties, and lists long and short. SEED=n replays.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { forEachSeed } from '../../rowlog/testing/seeds.ts'
import { compareValues } from '../plan/values.ts'
import { sortPlaces } from './sort.ts'

const KINDS: ((random: prng.PRNG) => unknown)[] = [
  (random) => prng.int32(random, -3, 3),
  (random) => prng.real53(random) * 10 - 5,
  (random) => prng.oneOf(random, [0, -0, 1e300, -1e300, Number.MIN_VALUE]),
  (random) => prng.bool(random),
  (random) => prng.oneOf(random, ['', 'a', 'B', 'ä', '\u{1f600}', '\uffff']),
  () => undefined,
  () => null,
  (random) => prng.oneOf(random, [[1], { a: 1 }]),
]

it('[Q6] many rows are put into the order of an index as comparing them does', async () => {
  await forEachSeed((seed) => {
    const random = prng.create(seed)
    const count = prng.int32(random, 0, 300)
    const columns = Array.from({ length: prng.int32(random, 1, 3) }, () => {
      const kinds = Array.from({ length: prng.int32(random, 1, 3) }, () => prng.oneOf(random, KINDS))
      return Array.from({ length: count }, () => prng.oneOf(random, kinds)(random))
    })
    const ids = Array.from({ length: count }, (_, at) => `${(at * 7919) % 1009}`)
    const reads = [...columns, ids].map((values) => (at: number) => values[at])
    const expected = Array.from({ length: count }, (_, at) => at).sort((a, b) => {
      for (const read of reads) {
        const order = compareValues(read(a), read(b))
        if (order !== 0) return order
      }
      return 0
    })
    expect([...sortPlaces(count, reads)]).toEqual(expected)
  })
})

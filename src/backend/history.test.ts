// Seeded histories of two replicas, a relay and a backend that fails in every way; SEEDS=10000 runs more of them, SEED=n one.
import { expect, it } from 'vitest'
import { History } from './testing/history.ts'

const count = Number(process.env['SEEDS'] ?? 300)
const only = process.env['SEED']
const seeds = only === undefined ? Array.from({ length: count }, (_, seed) => seed) : [Number(only)]

it(`[O1] ${seeds.length} histories end with tables and backend equal, and every write there once`, {
  timeout: 3_600_000,
}, async () => {
  const broken: string[] = []
  for (const seed of seeds) {
    const history = new History(seed)
    await history.run().catch((error: unknown) => {
      broken.push(String((error as Error).message))
      if (only !== undefined) console.log(history.log.join('\n'), (error as Error).stack)
    })
    if (broken.length > 5) break
  }
  expect(broken).toEqual([])
})

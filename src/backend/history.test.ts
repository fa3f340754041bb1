// Seeded histories of two replicas, a relay and a backend that fails in every way; SEEDS=1000 runs more of them, SEED=n one.
import { expect, it } from 'vitest'
import { History } from './testing/history.ts'
import { PLANTS } from './testing/plants.ts'

const only = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? 40)
const seeds = only === undefined ? Array.from({ length: count }, (_, seed) => seed) : [Number(only)]

const brokenBy = async (
  seed: number,
  ...plant: ConstructorParameters<typeof History> extends [number, ...infer R] ? R : never
) => {
  const history = new History(seed, ...plant)
  try {
    await history.run()
    return undefined
  } catch (error) {
    if (only !== undefined) console.log(history.log.join('\n'), error)
    return String(error)
  }
}

it(`[O1] ${seeds.length} histories end with tables and backend equal, and every write there once`, {
  timeout: 3_600_000,
}, async () => {
  const broken: string[] = []
  for (const seed of seeds) {
    const found = await brokenBy(seed)
    if (found !== undefined) broken.push(found)
  }
  expect(broken).toEqual([])
})

it.each(Object.entries(PLANTS))('[O14] histories catch a planted bug: %s', { timeout: 300_000 }, async (_, plant) => {
  // Not by one that is broken without it, as some of the later ones are.
  for (let seed = only === undefined ? 0 : Number(only); seed < 160; seed++)
    if ((await brokenBy(seed, plant)) !== undefined && (await brokenBy(seed)) === undefined) return
  expect.unreachable('not caught by 160 histories')
})

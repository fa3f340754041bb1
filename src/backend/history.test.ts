// Seeded histories of two replicas, a relay and a backend that fails in every way; SEEDS=1000 runs more of them, FROM=n others, SEED=n one.
import { expect, it } from 'vitest'
import { History } from './testing/history.ts'
import { PLANTS } from './testing/plants.ts'

const only = process.env['SEED']
const count = Number(process.env['SEEDS'] ?? 300)
const from = Number(process.env['FROM'] ?? 0)
/** Seeds that were broken once, each by something else. */
const ONCE_BROKEN = [323, 501, 571, 1085, 1238, 1483, 1702, 2111, 2250, 2448, 3112, 3242, 4428, 4489, 4938, 5088]
const range = Array.from({ length: count }, (_, at) => from + at)
const seeds = only === undefined ? [...new Set([...range, ...(from === 0 ? ONCE_BROKEN : [])])] : [Number(only)]

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
  for (let seed = only === undefined ? 0 : Number(only); seed < 160; seed++)
    if ((await brokenBy(seed, plant)) !== undefined && (await brokenBy(seed)) === undefined) return
  expect.unreachable('not caught by 160 histories')
})

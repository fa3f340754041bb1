// Seeded histories of two replicas, a relay and a backend that fails in every way; SEEDS=1000 runs more of them, FROM=n others, SEED=n one.
import { expect, it } from 'vitest'
import { forEachSeed, seedsOr } from '../rowlog/testing/seeds.ts'
import { History, type Plant } from './testing/history.ts'
import { PLANTS } from './testing/plants.ts'

const SEEDS = seedsOr(300)
/** Seeds beyond those that were broken once, each by something else. */
const ONCE_BROKEN = [485, 1902, 2292, 2561, 2920, 3310, 3506, 3988, 5005, 5756, 6455, 8581]

const run = async (seed: number, plant?: Plant): Promise<void> => {
  const history = new History(seed, plant)
  try {
    await history.run()
  } catch (error) {
    if (process.env['SEED'] !== undefined) console.log(history.log.join('\n'))
    throw error
  }
}

const isBroken = (seed: number, plant?: Plant): Promise<boolean> =>
  run(seed, plant).then(
    () => false,
    () => true,
  )

it(
  `[O1] ${SEEDS} histories end with tables and backend equal, and every write there once`,
  {
    timeout: 7_200_000,
  },
  () => forEachSeed((seed) => run(seed), SEEDS),
)

it('[O1] so do those that once did not', { timeout: 300_000 }, async () => {
  for (const seed of ONCE_BROKEN) await run(seed)
})

it.each(Object.entries(PLANTS))('[O14] histories catch a planted bug: %s', { timeout: 300_000 }, async (_, plant) => {
  for (let seed = plant.seed ?? 0; seed < (plant.seed ?? 0) + 160; seed++)
    if ((await isBroken(seed, plant)) && !(await isBroken(seed))) return
  expect.unreachable('not caught by 160 histories')
})

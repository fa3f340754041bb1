// How many seeded schedules a property test runs: as many as it says, or SEEDS, or the one of SEED alone. `npm run nightly` sets 10,000.

/** Schedules that a property test runs. @param usual - How many if nobody asks for more or fewer. */
export const seedsOr = (usual: number): number => Number(process.env['SEEDS'] ?? usual)

/** Schedules that most property tests run. */
export const SEEDS = seedsOr(500)

/** Checks a law on every seed, or on the one of SEED. @throws naming the first seed that breaks it. */
export const forEachSeed = async (check: (seed: number) => void | Promise<void>, seeds = SEEDS): Promise<void> => {
  const only = process.env['SEED']
  const [first, end] = only === undefined ? [0, seeds] : [Number(only), Number(only) + 1]
  for (let seed = first; seed < end; seed++) {
    try {
      await check(seed)
    } catch (error) {
      throw new Error(`SEED=${seed} breaks it: ${error instanceof Error ? error.message : error}`, { cause: error })
    }
  }
}

/** What a law says of the first seed that breaks it; undefined if none of them does. For laws that a bug was planted under. */
export const firstBroken = async (
  check: (seed: number) => void | Promise<void>,
  seeds: number,
): Promise<string | undefined> => {
  for (let seed = 0; seed < seeds; seed++) {
    try {
      await check(seed)
    } catch (error) {
      return (error as Error).message
    }
  }
  return undefined
}

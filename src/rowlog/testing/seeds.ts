// How many seeded schedules a property test runs: 500, or SEEDS, or the one of SEED alone. `npm run nightly` sets 10,000.

/** Schedules that each property test runs. */
export const SEEDS = Number(process.env['SEEDS'] ?? 500)
const only = process.env['SEED']

/** Checks a law on every seed, or on the one of SEED. */
export const forEachSeed = async (check: (seed: number) => void | Promise<void>): Promise<void> => {
  if (only !== undefined) return check(Number(only))
  for (let seed = 0; seed < SEEDS; seed++) await check(seed)
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

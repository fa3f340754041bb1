// How many seeded schedules a property test runs: as many as it says, or SEEDS, or the one of SEED alone; FROM=n begins elsewhere. `npm run nightly` sets 10,000.

/** Schedules that a property test runs. @param usual - How many if nobody asks for more or fewer. */
export const seedsOr = (usual: number): number => Number(process.env['SEEDS'] ?? usual)

/** Seeds that a failure names: a law that is simply wrong breaks all of them. */
const MOST_SHOWN = 10

/** Schedules that most property tests run. */
export const SEEDS = seedsOr(500)

/** Checks a law on every seed from FROM on, or on the one of SEED. @throws naming the seeds that break it, the first ten if there are more. */
export const forEachSeed = async (check: (seed: number) => void | Promise<void>, seeds = SEEDS): Promise<void> => {
  const only = process.env['SEED']
  const first = Number(only ?? process.env['FROM'] ?? 0)
  const broken: string[] = []
  let cause: unknown
  for (let seed = first; seed < first + (only === undefined ? seeds : 1) && broken.length < MOST_SHOWN; seed++) {
    try {
      await check(seed)
    } catch (error) {
      cause ??= error
      broken.push(`SEED=${seed} breaks it: ${error instanceof Error ? error.message : error}`)
    }
  }
  if (broken.length > 0) throw new Error(broken.join('\n'), { cause })
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

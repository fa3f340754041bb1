// Row ids as Snowflakes: 64 bits of time, worker and sequence, in decimal. Knows no rows.
import { MerrowError, show } from './errors.ts'
import type { IdScheme } from './ids.ts'

/** Which Snowflakes are made. */
export interface SnowflakeOptions {
  /** 0 to 1,023: the number of this replica, of nobody else's who writes at the same time. Drawn at random for each run, if left out. */
  readonly worker?: number
}

/** Where their time begins: Twitter's 2010-11-04T01:42:54.657Z, so that tools which know theirs read these. */
const EPOCH_MS = 1_288_834_974_657
const WORKERS = 1024
const SEQUENCES = 4096
/** The first and the last millisecond of which ids have 19 digits, and 63 bits: from May 2018 to July 2080. */
const [FIRST_MS, LAST_MS] = [EPOCH_MS + Math.ceil(1e18 / (WORKERS * SEQUENCES)), EPOCH_MS + 2 ** 41 - 1]

/**
 * Ids as Snowflakes: a sign bit that is 0, 41 bits of milliseconds, 10 of the worker, 12 of a sequence, as 19 decimal digits.
 *
 * Each is above the one before, whatever the clock does, and text order is their order by number. A millisecond's sequence begins at random in its
 * lower half; what does not fit takes the next millisecond's.
 *
 * They are unique as long as no two runs at once (tabs, processes) have the same worker, and no clock was set back between two runs with it.
 * Otherwise two rows get one id if they are made in the same millisecond with the same sequence, at odds of at most 1 in 2,048 for a row
 * each: within one store that is noticed, and the next id is taken; on two devices the two rows become one. UUIDv7 ids, the default, have no such case.
 *
 * @throws {@link MerrowError} `invalid_argument` for a worker that is none; the function that makes ids, for a clock before 2018 or after 2080.
 *
 * @example
 * const db = await createDatabase({ name: 'acme', schema, ids: snowflake({ worker: 7 }) })
 */
export const snowflake = ({ worker }: SnowflakeOptions = {}): IdScheme => {
  if (worker !== undefined && !(Number.isInteger(worker) && worker >= 0 && worker < WORKERS))
    throw new MerrowError(
      'invalid_argument',
      `snowflake({ worker: ${show(worker)} }): use a whole number from 0 to ${WORKERS - 1}, or leave it out.`,
    )
  return (now, random) => {
    const draw = (below: number): number => {
      const [high, low] = random(new Uint8Array(2)) as unknown as readonly [number, number]
      return ((high << 8) | low) % below
    }
    const own = (worker ?? draw(WORKERS)) * SEQUENCES
    let lastMs = 0
    let sequence = 0
    return () => {
      const ms = checked(Math.floor(now()))
      sequence += 1
      if (ms > lastMs || sequence === SEQUENCES) {
        lastMs = Math.max(ms, lastMs + 1)
        sequence = draw(SEQUENCES / 2)
      }
      return String((BigInt(lastMs - EPOCH_MS) << 22n) + BigInt(own + sequence))
    }
  }
}

const checked = (ms: number): number => {
  if (ms >= FIRST_MS && ms <= LAST_MS) return ms
  throw new MerrowError(
    'invalid_argument',
    `No Snowflake can be made: the clock says ${ms} ms, and they are of 2018 to 2080. Set the clock, give the id, or use UUIDv7 ids, the default.`,
  )
}

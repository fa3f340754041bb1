// Measuring in one process: time, memory held, and what several rounds say together. Knows no case and no peer.
import { setTimeout as sleep } from 'node:timers/promises'

/** What rounds of one figure found. */
export interface Sample {
  readonly median: number
  readonly min: number
  readonly max: number
  readonly rounds: number
}

/** Milliseconds that `work` takes, after a garbage collection where the process allows one. */
export const timeMs = async (work: () => Promise<void>): Promise<number> => {
  globalThis.gc?.()
  const start = performance.now()
  await work()
  return performance.now() - start
}

const COLLECTIONS = 4

/** Bytes that the process holds, on the heap and outside (array buffers), once garbage is collected. Needs `--expose-gc`. */
export const heldBytes = async (): Promise<number> => {
  const { gc } = globalThis
  if (gc === undefined) throw new Error('Memory can be measured under node --expose-gc alone.')
  for (let at = 0; at < COLLECTIONS; at++) {
    gc()
    await sleep(10)
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

/** Median and bounds of some values; at least one. */
export const summarize = (values: readonly number[]): Sample => {
  const sorted = values.toSorted((a, b) => a - b)
  const at = (index: number): number => sorted[index] as number
  const middle = (sorted.length - 1) / 2
  return {
    median: (at(Math.floor(middle)) + at(Math.ceil(middle))) / 2,
    min: at(0),
    max: at(sorted.length - 1),
    rounds: sorted.length,
  }
}

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

/**
 * The longest time in milliseconds for which the event loop does not turn while `work` runs. Of a block, the CPU time of the process
 * counts if it is less than its length: what other programs take of the machine is not the block's.
 */
export const longestBlockMs = async (work: () => Promise<void>): Promise<number> => {
  globalThis.gc?.()
  const cpuMs = (): number => {
    const { user, system } = process.cpuUsage()
    return (user + system) / 1000
  }
  let longest = 0
  let isRunning = true
  let [last, lastCpu] = [performance.now(), cpuMs()]
  const turn = (): void => {
    const [now, cpu] = [performance.now(), cpuMs()]
    longest = Math.max(longest, Math.min(now - last, cpu - lastCpu))
    ;[last, lastCpu] = [now, cpu]
    if (isRunning) setImmediate(turn)
  }
  setImmediate(turn)
  await work()
  // Until the last block has been seen.
  await new Promise((resolve) => setImmediate(resolve))
  isRunning = false
  return longest
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

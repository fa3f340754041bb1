// A clock that tests turn by hand.
import type { Timers } from '../http/socket/heartbeat.ts'

/** Timers that run when they are told to. */
export interface ManualTimers extends Timers {
  /** Runs everything that repeats, once. */
  beat(): void
  /** Runs everything that waits, once. */
  expire(): void
}

/** Creates a clock that stands still. */
export const manualTimers = (): ManualTimers => {
  const repeating = new Set<() => void>()
  const waiting = new Set<() => void>()
  const add = (set: Set<() => void>, run: () => void) => {
    set.add(run)
    return () => void set.delete(run)
  }
  return {
    every: (_, run) => add(repeating, run),
    after: (_, run) => add(waiting, run),
    beat() {
      for (const run of [...repeating]) run()
    },
    expire() {
      const due = [...waiting]
      waiting.clear()
      for (const run of due) run()
    },
  }
}

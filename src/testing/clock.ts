// A clock that stands still: so that tests say which write came later. Knows nothing else.

/** A clock that goes on when it is told to. */
export interface TestClock {
  /** What it shows, in milliseconds since the epoch; write to it to set it. */
  nowMs: number
  /** What `createDatabase({ now })` takes. Replicas that share it write in the order in which it is moved. */
  readonly now: () => number
}

/** Makes a clock that stands at a time in milliseconds since the epoch. */
export const createTestClock = (startMs = 1_700_000_000_000): TestClock => {
  const clock = { nowMs: startMs, now: () => clock.nowMs }
  return clock
}

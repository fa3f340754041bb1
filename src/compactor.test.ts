// When logs are compacted: some rows a turn while the database is open, all at once when it closes.
import { expect, it } from 'vitest'
import { Compactor } from './compactor.ts'
import { TestTimers } from './table/testing/timers.ts'

it('[K26] packs some rows a turn until none is left, and all that is left at the end', () => {
  const timers = new TestTimers()
  const packed: number[] = []
  let left = 5000
  const log = {
    compact(most = Number.POSITIVE_INFINITY) {
      const rows = Math.min(most, left)
      left -= rows
      packed.push(rows)
      return rows
    },
  }
  const compactor = new Compactor({
    logs: () => [log],
    timers,
    random: () => 0,
    isReady: () => true,
    flush: () => {},
    onError: (error) => expect.fail(String(error)),
  })
  compactor.noteChange()
  timers.run(30_000)
  expect(packed).toEqual([2048])
  for (let turn = 0; turn < 4; turn++) timers.run(0)
  expect(packed).toEqual([2048, 2048, 904, 0])
  left = 5000
  compactor.close()
  expect(packed.at(-1)).toBe(5000)
})

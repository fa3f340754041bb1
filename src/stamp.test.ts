// Laws of the clock.
import { expect, it } from 'vitest'
import { MAX_DRIFT_MS, StampClock, stampAt, stampTimeMs } from './stamp.ts'

it('[G1] readings grow, whatever the wall clock does', () => {
  let nowMs = 1000
  const clock = new StampClock(() => nowMs)
  const readings = [clock.next(), clock.next()]
  nowMs = 10
  readings.push(clock.next())
  nowMs = 2000
  readings.push(clock.next())
  expect([...readings].sort((a, b) => a - b)).toEqual(readings)
  expect(new Set(readings).size).toBe(4)
  expect(stampTimeMs(readings[3] as number)).toBe(2000)
})

it('[G2] a reading comes after every stamp that was seen', () => {
  const clock = new StampClock(() => 1000)
  clock.see(stampAt(1000 + MAX_DRIFT_MS))
  expect(clock.next()).toBeGreaterThan(stampAt(1000 + MAX_DRIFT_MS))
})

it('[G3] a stamp from the far future does not drag the clock along', () => {
  const clock = new StampClock(() => 1000)
  clock.see(stampAt(1001 + MAX_DRIFT_MS))
  expect(stampTimeMs(clock.next())).toBe(1000)
})

it('[G4] stamps are safe integers beyond the year 2100', () => {
  expect(Number.isSafeInteger(stampAt(Date.UTC(2100, 0)))).toBe(true)
})

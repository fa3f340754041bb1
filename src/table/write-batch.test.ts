// Holds when a write batch commits: at once if nothing was committed lately, in groups while writes go on.
import { describe, expect, it } from 'vitest'
import { RowLog } from '../rowlog/index.ts'
import { StampClock } from '../stamp.ts'
import { WriteBatch } from './write-batch.ts'

const TURN_MS = 1

/** A batch of one log, on an event loop that turns when it is told to. */
const setUp = () => {
  let nowMs = 0
  let due: (() => void)[] = []
  const schedule = {
    soon: (work: () => void) => work(),
    later: (work: () => void) => void due.push(work),
    nowMs: () => nowMs,
  }
  const batch = new WriteBatch({ schedule })
  const log = new RowLog({ replica: 'a.1', author: undefined, clock: new StampClock(() => nowMs) })
  batch.join({ log, announce() {} })
  let updates = 0
  log.onUpdate(() => updates++)
  const write = (id: string): void => {
    batch.noteWrite()
    log.stage(id, true, ['title'], [id])
  }
  const turn = (ms = TURN_MS): void => {
    nowMs += ms
    const works = due
    due = []
    for (const work of works) work()
  }
  return { batch, write, turn, committed: () => updates, scheduled: () => due.length }
}

describe('write batch', () => {
  it('[T30] commits a lone write in the next turn', () => {
    const { write, turn, committed, batch } = setUp()
    for (let at = 0; at < 3; at++) {
      write(`row-${at}`)
      turn(100)
      expect([committed(), batch.isPending]).toEqual([at + 1, false])
    }
  })

  it('[T30] commits what is written turn after turn every 4 ms', () => {
    const { write, turn, committed } = setUp()
    for (let at = 0; at < 41; at++) {
      write(`row-${at}`)
      turn()
    }
    expect(committed()).toBe(1 + 10)
  })

  it('[T30] commits in the first turn in which nothing is written', () => {
    const { write, turn, committed, batch, scheduled } = setUp()
    for (let at = 0; at < 3; at++) {
      write(`row-${at}`)
      turn()
    }
    expect([committed(), batch.isPending]).toEqual([1, true])
    turn()
    expect([committed(), batch.isPending, scheduled()]).toEqual([2, false, 0])
  })

  it('[T30] waits for one turn at a time, however often it is flushed meanwhile', () => {
    const { write, turn, batch, scheduled } = setUp()
    write('a')
    turn()
    for (let at = 0; at < 10; at++) {
      write(`row-${at}`)
      batch.flush()
      write(`other-${at}`)
    }
    expect(scheduled()).toBe(1)
  })
})

// The line of progress, with a screen and a clock of its own.
import { expect, it } from 'vitest'
import { Progress } from './progress.ts'

const draw = (isTTY: boolean) => {
  const written: string[] = []
  let nowMs = 0
  const progress = new Progress({ isTTY, columns: 60, write: (text) => written.push(text) }, 200, () => nowMs)
  return { progress, written, later: (ms: number) => (nowMs += ms) }
}

it('[X14] progress is drawn on a terminal alone, at most ten times a second, and taken away', () => {
  const { progress, written, later } = draw(true)
  progress.show(100, 1234, 0)
  progress.show(150, 2000, 0)
  later(100)
  progress.show(200, 2500, 3)
  progress.clear()
  expect(written).toEqual([
    '\r\x1b[K[============            ]  50 %  1,234 records',
    '\r\x1b[K[========================] 100 %  2,500 records, 3 refused'.slice(0, 4 + 59),
    '\r\x1b[K',
  ])
  const piped = draw(false)
  piped.progress.show(100, 1, 0)
  piped.progress.clear()
  expect(piped.written).toEqual([])
})

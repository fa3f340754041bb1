// Holds rows that are read from a block's columns, or from a single patch, to those that are built from lists of patches.
import { equalityDeep } from 'lib0/function'
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { Entry, RowLog } from '../rowlog/index.ts'
import { forEachSeed } from '../rowlog/testing/seeds.ts'
import { column as c, table } from '../schema/index.ts'
import { StampClock } from '../stamp.ts'
import { RowBuilder } from './row-builder.ts'

const START_MS = 1_700_000_000_000
const HOUR_MS = 60 * 60 * 1000
const schema = table({
  title: c.string(),
  done: c.boolean(),
  priority: c.number().optional(),
})

/** Logs of rows that were written at random over some weeks, by one writer after another: as they are loaded then, and once packed. */
const logsOf = (random: prng.PRNG): readonly RowLog[] => {
  let nowMs = START_MS
  const open = (replica: string): RowLog =>
    new RowLog({
      replica,
      author: prng.oneOf(random, ['ann', undefined]),
      clock: new StampClock(() => nowMs),
      isFoldable: () => true,
    })
  let log = open('a.0')
  for (let step = 0; step < 20; step++) {
    nowMs += prng.int32(random, 0, 30 * HOUR_MS)
    const id = `r${prng.int32(random, 0, 5)}`
    const dice = prng.int32(random, 0, 9)
    if (!log.entries.has(id) && dice < 8) log.stage(id, true, ['title', 'done', 'priority'], ['x', false, undefined])
    else if (dice === 9) log.stage(id, false, ['deletedAt'], [prng.oneOf(random, [nowMs, null])])
    else if (dice === 8) log.stage(id, false, ['$version'], [2])
    else log.stage(id, false, ['title', 'unknown'], [prng.oneOf(random, ['y', 'z', 7]), step])
    if (dice < 3) log.stage(id, false, ['priority'], [step])
    log.commit()
    if (dice > 0) continue
    const stored = log.encode()
    log = open(`a.${step + 1}`)
    log.load([stored])
  }
  const readers = [open('reader.0'), open('reader.1')]
  for (const reader of readers) {
    reader.load([log.encode()])
    log.pack()
  }
  return readers
}

it('[K22] a row that is read from columns, or of a single patch, is the one that its patches make', () => {
  const read = { packed: 0, single: 0 }
  return forEachSeed((seed) => {
    const builder = new RowBuilder(schema, () => {})
    for (const log of logsOf(prng.create(seed + 1)))
      for (const [id, entry] of log.entries) {
        if (entry.packed !== undefined) read.packed += 1
        if (entry.single !== undefined) read.single += 1
        const row = builder.row(entry)
        const built = builder.row(new Entry(id, entry.patches))
        if (!equalityDeep(row, built)) expect(row, `SEED=${seed} ${id}`).toEqual(built)
      }
  }).then(() => expect(Math.min(read.packed, read.single)).toBeGreaterThan(0))
})

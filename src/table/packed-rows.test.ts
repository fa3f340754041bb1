// Holds rows that are read from a block's columns to those that are built from its patches.
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

/** A log of rows that were written at random over some weeks, by one writer after another, packed, and loaded again. */
const packedLog = (random: prng.PRNG): RowLog => {
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
  log.pack()
  const loaded = open('reader.0')
  loaded.load([log.encode()])
  return loaded
}

it('[K22] a row that is read from columns is the one that its patches make', () =>
  forEachSeed((seed) => {
    const log = packedLog(prng.create(seed + 1))
    const builder = new RowBuilder(schema, () => {})
    for (const [id, entry] of log.entries) {
      const isPacked = entry.packed !== undefined
      const row = builder.row(entry)
      const built = builder.row(new Entry(id, entry.patches))
      if (!isPacked || !equalityDeep(row, built)) expect(row, `SEED=${seed} ${id}, packed: ${isPacked}`).toEqual(built)
    }
  }))

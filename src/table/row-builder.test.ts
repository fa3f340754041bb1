// Rows that are made from the row before: the same as rows made from all patches, whoever wrote what, and when.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import { column as c, defineSchema, table } from '../index.ts'
import { exchange } from '../rowlog/testing/exchange.ts'
import { forEachSeed, SEEDS } from '../rowlog/testing/seeds.ts'
import { openReplica, testClock } from './testing/replicas.ts'

const columns = { title: c.string(), due: c.date().optional(), tags: c.json().optional() }
const schema = defineSchema({ tasks: table({ ...columns, size: c.number() }) })
/** An app that takes a column for another type, so that others set its values aside. */
const foreign = defineSchema({ tasks: table({ ...columns, size: c.string() }) })

const IDS = ['a', 'b', 'c']
const STEPS = 40

it('[T31] a row written once more shows what all its patches make', { timeout: 60_000 + 50 * SEEDS }, async () => {
  await forEachSeed(async (seed) => {
    const random = prng.create(seed)
    const clock = testClock()
    const open = (user: string) => openReplica(schema, { now: clock.now, user })
    const [a, b] = [await open('ann'), await open('ben')]
    const other = await openReplica(foreign, { now: clock.now, user: 'eve' })
    for (const { db } of [a, b]) db.tasks.subscribe(() => {})
    for (let step = 0; step < STEPS; step++) {
      clock.nowMs += prng.int32(random, 0, 400)
      const { db } = prng.oneOf(random, [a, a, b])
      const id = prng.oneOf(random, IDS)
      const isThere = db.tasks.get(id, { withDeleted: true }) !== undefined
      const dice = prng.int32(random, 0, 19)
      if (dice < 2) await exchange(a, b, other as unknown as typeof a)
      else if (dice < 3) db.undo.undo()
      else if (dice < 4) other.db.tasks.get(id) && other.db.tasks.update(id, { size: `n${step}` })
      else if (!isThere) db.tasks.insert({ id, title: 't', size: step })
      else if (dice < 5) db.tasks.purge(id)
      else if (dice < 6) db.tasks.delete(id)
      else if (dice < 7) db.tasks.restore(id)
      else if (dice < 9) db.tasks.update(id, { due: new Date(clock.nowMs), tags: [step] })
      else if (dice < 10) db.tasks.update(id, { due: undefined })
      else db.tasks.update(id, prng.bool(random) ? { title: `t${step}` } : { size: step })
      if (prng.bool(random)) await null
    }
    const reader = await open('kim')
    await exchange(a, b, reader)
    for (const id of IDS) {
      const made = reader.db.tasks.get(id, { withDeleted: true })
      for (const { db } of [a, b]) {
        const carried = db.tasks.get(id, { withDeleted: true })
        expect(carried).toStrictEqual(made)
        expect(Object.keys(carried ?? {})).toEqual(Object.keys(made ?? {}))
      }
    }
    const asideOf = ({ db }: typeof a) =>
      db.quarantine
        .list()
        .map(({ id, column, raw }) => `${id} ${column} ${raw}`)
        .sort()
    expect(asideOf(a)).toEqual(asideOf(reader))
    for (const { db } of [a, b, reader, other]) await db.close()
  })
})

// The law of counters and sets on one seeded schedule: counters add up, of adds and removes of one element the later wins.
import * as prng from 'lib0/prng'
import { column as c, defineSchema, table } from '../../index.ts'
import { exchange } from '../../rowlog/testing/exchange.ts'
import { openReplica, testClock } from './replicas.ts'

const schema = defineSchema({ tasks: table({ votes: c.counter(), labels: c.set(c.string()) }) })
const LABELS = ['x', 'y', 'z']

/** Runs one schedule: replicas write apart, each a later write than the one before, and meet now and then. @throws Error that names the seed. */
export const checkRegisterLaw = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const clock = testClock()
  const replicas = [
    await openReplica(schema, { now: clock.now }),
    await openReplica(schema, { now: clock.now }),
    await openReplica(schema, { now: clock.now }),
  ]
  const labels = new Set(['x'])
  let votes = prng.int32(random, 0, 5)
  replicas[0]?.db.tasks.insert({ id: 'r', votes, labels: [...labels] })
  await exchange(...replicas)
  for (let step = 0; step < 15; step++) {
    clock.nowMs += 10
    const { db } = prng.oneOf(random, replicas)
    const row = db.tasks.get('r')
    const dice = prng.int32(random, 0, 9)
    if (row === undefined) throw new Error(`SEED=${seed}: the row is gone`)
    if (dice < 4) {
      const by = prng.int32(random, -3, 5)
      votes += by
      db.tasks.update('r', { votes: row.votes + by })
    } else if (dice < 8) {
      const label = prng.oneOf(random, LABELS)
      const isIn = row.labels.includes(label)
      // What a replica does not see it cannot remove, and what it sees it need not add.
      db.tasks.update('r', { labels: isIn ? row.labels.filter((one) => one !== label) : [...row.labels, label] })
      if (isIn) labels.delete(label)
      else labels.add(label)
      await db.saved()
    } else await exchange(...(dice === 8 ? replicas : prng.bool(random) ? replicas.slice(1) : replicas.slice(0, 2)))
  }
  await exchange(...replicas)
  const expected = JSON.stringify([votes, [...labels].sort()])
  for (const { db } of replicas) {
    const row = db.tasks.get('r')
    const shown = JSON.stringify([row?.votes, [...(row?.labels ?? [])].sort()])
    if (shown !== expected) throw new Error(`SEED=${seed}: the counter and the set are ${shown}, not ${expected}`)
  }
}

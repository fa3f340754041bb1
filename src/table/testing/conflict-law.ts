// The law of conflicts on one seeded schedule: a conflict is listed exactly when neither write knew the other.
import * as prng from 'lib0/prng'
import { column as c, defineSchema, table } from '../../index.ts'
import { exchange } from '../../rowlog/testing/exchange.ts'
import { openReplica, testClock } from './replicas.ts'

const schema = defineSchema({
  tasks: table({ title: c.string({ conflict: 'ask' }), other: c.string().default('') }),
})

/** A write, and all the writes that its writer knew. */
interface Known {
  readonly value: string
  readonly knew: ReadonlySet<string>
}

const openSeeing = async (now: () => number, user: string) => ({
  ...(await openReplica(schema, { now, user })),
  seen: new Set<string>(),
})

/** Runs one schedule. @throws Error that names the seed. */
export const checkConflictLaw = async (seed: number): Promise<void> => {
  const random = prng.create(seed + 1)
  const clock = testClock()
  const replicas: Awaited<ReturnType<typeof openSeeing>>[] = []
  const count = prng.int32(random, 2, 3)
  for (let at = 0; at < count; at++) replicas.push(await openSeeing(clock.now, `u${at}`))
  const writes: Known[] = []
  const write = (at: number, value: string, isInsert = false): void => {
    const replica = replicas[at] as Awaited<ReturnType<typeof openSeeing>>
    if (isInsert) replica.db.tasks.insert({ id: 'r', title: value })
    else replica.db.tasks.update('r', { title: value })
    writes.push({ value, knew: new Set(replica.seen) })
    replica.seen.add(value)
  }
  const meet = async (some: typeof replicas): Promise<void> => {
    await exchange(...some)
    const all = new Set(some.flatMap(({ seen }) => [...seen]))
    for (const { seen } of some) for (const value of all) seen.add(value)
  }
  write(0, 'start', true)
  await meet(replicas)
  for (let step = 0; step < 12; step++) {
    clock.nowMs += prng.int32(random, 0, 2)
    const at = prng.int32(random, 0, replicas.length - 1)
    const dice = prng.int32(random, 0, 9)
    const replica = replicas[at] as Awaited<ReturnType<typeof openSeeing>>
    if (dice < 5) write(at, `${at}:${step}`)
    else if (dice < 6) replica.db.tasks.update('r', { other: `${step}` })
    else if (dice < 8) await meet([replica, prng.oneOf(random, replicas)])
    else if (dice < 9) await meet(replicas)
    else {
      const [conflict] = replica.db.conflicts.list()
      if (conflict === undefined) continue
      const value = `${at}:resolved ${step}`
      replica.db.conflicts.resolve(conflict, value)
      writes.push({ value, knew: new Set(replica.seen) })
      replica.seen.add(value)
    }
    check(seed, step, replica, writes)
  }
  await meet(replicas)
  for (const replica of replicas) check(seed, 99, replica, writes)
}

const check = (
  seed: number,
  step: number,
  { db, seen }: Awaited<ReturnType<typeof openReplica<typeof schema>>> & { readonly seen: ReadonlySet<string> },
  writes: readonly Known[],
): void => {
  const here = writes.filter(({ value }) => seen.has(value))
  const open = here.filter(({ value }) => !here.some(({ knew }) => knew.has(value))).map(({ value }) => value)
  const listed = db.conflicts.list().flatMap((conflict) => conflict.writes.map(({ value }) => value))
  const [shown, expected] = [listed, open.length > 1 ? open : []].map((values) => JSON.stringify([...values].sort()))
  if (shown !== expected) throw new Error(`SEED=${seed}, step ${step}: conflicts are ${shown}, not ${expected}`)
}

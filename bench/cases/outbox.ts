// Outbox: how many requests queued edits cost, and how much of a backend's time inserts in chains of references leave unused.
import { setUp } from '../../src/backend/testing/setup.ts'
import { NO_FAULTS } from '../../src/backend/testing/world.ts'
import { type BenchCase, type Line, SUBJECT } from '../bench-case.ts'

const EDITED = 500
const DEPTH = 5
const LIMIT = 6
/** How long an answer may take, in the time of the test's own world. */
const MAX_DELAY_MS = 50
const LOOK_EVERY_MS = 10

/** Against a backend in memory, in a time of its own: the same wherever it runs. */
export const benchCase: BenchCase = {
  title: `rows / 10 edits of ${EDITED} rows made offline: requests; rows / 10 inserts in chains of references ${DEPTH} deep, answers after 0 to ${MAX_DELAY_MS} ms each way: share of the time with fewer than ${LIMIT} requests on their way, but for the last 20`,
  isExact: true,
  needsStored: false,
  takes: (peer) => peer === SUBJECT,
  async measure(_peer, { rows }) {
    const count = Math.ceil(rows / 10)
    return {
      requests: await requestsOf(count),
      unusedPercent: await unusedPercentOf(count),
      allowedRequests: EDITED,
      allowedPercent: 10,
    }
  },
  lines: () => [
    beside('requests of queued edits', 'requests', 'requests', 'allowedRequests'),
    beside('chained inserts, time below the limit', '%', 'unusedPercent', 'allowedPercent'),
  ],
}

const beside = (title: string, unit: Line['unit'], figure: string, allowed: string): Line => ({
  title,
  unit,
  subject: { peer: SUBJECT, figure },
  yardstick: { peer: SUBJECT, figure: allowed },
  atMost: 1,
})

const requestsOf = async (edits: number): Promise<number> => {
  const { db, world, backend, writes } = await setUp()
  const ids = db.tasks.insertMany(Array.from({ length: EDITED }, (_, at) => ({ title: `t${at}` })))
  while (backend.status.pending > 0) await world.pass(1000)
  world.isOnline = false
  const before = writes().length
  for (let at = 0; at < edits; at += EDITED)
    db.transact(() => ids.forEach((id) => db.tasks.update(id, { title: `edit ${at}` })))
  await world.pass(10)
  world.isOnline = true
  while (backend.status.pending > 0) await world.pass(1000)
  return writes().length - before
}

const unusedPercentOf = async (inserts: number): Promise<number> => {
  const { db, world, fake, backend, writes } = await setUp()
  backend.pause()
  db.transact(() => {
    for (let chain = 0; chain < inserts / DEPTH; chain++) {
      let parentId: string | undefined
      for (let depth = 0; depth < DEPTH; depth++) parentId = db.projects.insert({ name: `${chain}.${depth}`, parentId })
    }
  })
  await world.pass(10)
  world.faults = { ...NO_FAULTS, maxDelayMs: MAX_DELAY_MS }
  backend.resume()
  let [looks, below] = [0, 0]
  while (backend.status.pending > 20) {
    await world.pass(LOOK_EVERY_MS)
    if (writes().length === 0) continue
    looks += 1
    if (backend.status.sending < LIMIT && backend.status.pending > 20) below += 1
  }
  while (backend.status.pending > 0) await world.pass(1000)
  if (fake.violations > 0) throw new Error(`${fake.violations} references were sent before what they refer to.`)
  return (100 * below) / looks
}

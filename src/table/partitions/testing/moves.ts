// A seeded world of replicas that move, edit and delete the same rows apart, with partitions opened and closed at random; and the laws
// that must hold at its end.
import * as prng from 'lib0/prng'
import { column as c, createDatabase, type Database, defineSchema, type OpenPartition, table } from '../../../index.ts'
import { memory, type StorageAdapter } from '../../../storage/index.ts'
import { type Line, PassiveServer } from '../../testing/passive-server.ts'
import { TestTimers } from '../../testing/timers.ts'

const STEPS = 50
const KEYS = ['0', '1', '2']
const ROWS = 5

/** Two columns make the key, so that concurrent writes can lead to one that nobody wrote. */
const schema = defineSchema({
  tasks: table({ title: c.string(), note: c.string().default(''), a: c.number(), b: c.number() })
    .partitionBy((row) => `${row.a + row.b}`, { idleMs: 10 })
    .index('a'),
})
type S = typeof schema
type Fields = Record<string, unknown>

/** What the rows must be: the writes in the order of their times, field by field. */
class Model {
  readonly #rows = new Map<string, Fields>()
  write(id: string, fields: Fields): void {
    this.#rows.set(id, { ...this.#rows.get(id), ...fields })
  }
  purge(id: string): void {
    this.#rows.set(id, { isPurged: true })
  }
  get rows(): string {
    const isThere = ({ isDeleted, isPurged }: Fields): boolean => isDeleted !== true && isPurged !== true
    return sorted(
      [...this.#rows].filter(([, row]) => isThere(row)).map(([id, { isDeleted: _, ...row }]) => ({ id, ...row })),
    )
  }
}
const sorted = (rows: readonly Fields[]): string =>
  JSON.stringify(rows.map(({ id, title, note, a, b }) => [id, title, note, a, b]).sort())
const rowsOf = (db: Database<S>): string => sorted(db.tasks.all())
/** The same by an index, which has followed all changes since the replica was opened. */
const indexedRowsOf = (db: Database<S>): string => {
  const values = new Set(Array.from(db.tasks.all(), ({ a }) => a))
  return sorted([...values].flatMap((a) => db.tasks.where({ a }).all()))
}

interface Replica {
  readonly storage: StorageAdapter
  readonly line: Line
  readonly timers: TestTimers
  readonly held: OpenPartition[]
  db: Database<S>
}

class World {
  readonly #random: prng.PRNG
  readonly #server = new PassiveServer()
  readonly model = new Model()
  readonly replicas: Replica[] = []
  readonly #ids: string[] = []
  #nowMs = 1_700_000_000_000

  constructor(seed: number) {
    this.#random = prng.create(seed + 1)
  }

  async add(): Promise<Replica> {
    const replica: Replica = {
      storage: memory(),
      line: this.#server.line(),
      timers: new TestTimers(),
      held: [],
      db: undefined as unknown as Database<S>,
    }
    await this.#start(replica)
    return replica
  }

  async #start(replica: Replica): Promise<void> {
    const { storage, timers, line } = replica
    replica.db = await createDatabase({ name: 'p', schema, storage, timers, sync: line.sync, now: () => this.#nowMs })
    indexedRowsOf(replica.db)
    replica.db.tasks.where({ a: 0 }).subscribe(() => {})
  }

  async run(): Promise<void> {
    const count = prng.int32(this.#random, 2, 3)
    for (let at = 0; at < count; at++) this.replicas.push(await this.add())
    for (let step = 0; step < STEPS; step++) {
      // So that the order of times is that of the steps.
      this.#nowMs += 1
      await this.#act(prng.oneOf(this.#random, this.replicas))
    }
  }

  async #act(replica: Replica): Promise<void> {
    const { db, timers, line, held } = replica
    const dice = prng.int32(this.#random, 0, 99)
    if (dice < 55) return this.#write(db)
    if (dice < 75) {
      line.exchange()
      // At once, while what waited for the exchange goes on: a partition that closes may not take this along.
      if (prng.bool(this.#random)) this.#writeNext(db)
    } else if (dice < 87) held.push(await db.tasks.open(prng.oneOf(this.#random, KEYS)))
    else if (dice < 93) held.splice(0).forEach((handle) => handle.close())
    else if (dice < 98) await this.idle(replica, { isWriting: prng.bool(this.#random) })
    else {
      await db.close()
      held.splice(0)
      await this.#start(replica)
    }
    await db.saved().catch(() => {})
    timers.run(1)
  }

  /** Lets partitions that nobody holds close, as far as they can. */
  async idle({ db, timers, line }: Replica, { isOnline = false, isWriting = false } = {}): Promise<void> {
    await db.saved()
    timers.run(100)
    // At any point of a partition's closing.
    for (let turn = isWriting ? prng.int32(this.#random, 0, 12) : 0; turn > 0; turn--) await Promise.resolve()
    if (isWriting) this.#writeNext(db)
    await new Promise((resolve) => setImmediate(resolve))
    if (isOnline) line.exchange()
    await new Promise((resolve) => setImmediate(resolve))
  }

  #writeNext(db: Database<S>): void {
    this.#nowMs += 1
    this.#write(db)
  }

  #write(db: Database<S>): void {
    const int = (most: number): number => prng.int32(this.#random, 0, most)
    const known = this.#ids.filter((id) => db.tasks.get(id, { withDeleted: true }) !== undefined)
    if (this.#ids.length < ROWS && (known.length === 0 || int(3) === 0)) {
      const row = { title: `t${this.#nowMs}`, note: '', a: int(1), b: int(1) }
      const id = db.tasks.insert({ id: `r${this.#nowMs % 1000}`, ...row })
      this.#ids.push(id)
      return this.model.write(id, row)
    }
    if (known.length === 0) return
    const id = prng.oneOf(this.#random, known)
    const isDeleted = db.tasks.get(id) === undefined
    const dice = int(99)
    if (dice < 3) {
      db.tasks.purge(id)
      this.model.purge(id)
    } else if (dice < 15) {
      if (isDeleted) db.tasks.restore(id)
      else db.tasks.delete(id)
      this.model.write(id, { isDeleted: !isDeleted })
    } else {
      const fields = prng.oneOf(this.#random, [
        { title: `t${this.#nowMs}` },
        { note: `n${this.#nowMs}` },
        { a: int(1) },
        { b: int(1) },
        { a: int(1), note: `n${this.#nowMs}` },
      ])
      db.tasks.update(id, fields)
      this.model.write(id, fields)
    }
  }

  /** Closes all partitions, one replica after another. */
  async rest(): Promise<void> {
    for (const replica of this.replicas) {
      for (const handle of replica.held.splice(0)) handle.close()
      for (let turn = 0; turn < 3; turn++) {
        replica.line.exchange()
        await this.idle(replica, { isOnline: true })
      }
    }
  }

  /** Opens all everywhere and exchanges until nothing is new. */
  async settle(): Promise<void> {
    for (const { db, held } of this.replicas) held.push(...(await Promise.all(KEYS.map((key) => db.tasks.open(key)))))
    for (let isNew = true, turn = 0; isNew && turn < 20; turn++) {
      isNew = false
      for (const { db, line } of this.replicas) {
        await db.saved()
        if (line.exchange()) isNew = true
        await db.saved()
      }
    }
  }
}

const fail = (seed: number, law: string, shown: string, expected: string): never => {
  throw new Error(`SEED=${seed}: ${law}:\n${shown}\n${expected}`)
}

/** Runs one schedule and checks every law at its end. @throws naming the seed. */
export const checkLaws = async (seed: number): Promise<void> => {
  const world = new World(seed)
  await world.run()
  await world.settle()
  const expected = world.model.rows
  for (const { db } of world.replicas) {
    if (rowsOf(db) !== expected) fail(seed, 'with all open, rows are not what was last written', rowsOf(db), expected)
    if (indexedRowsOf(db) !== expected) fail(seed, 'an index has other rows', indexedRowsOf(db), expected)
    if (db.status.refused > 0) fail(seed, 'something was refused', String(db.status.refused), '0')
  }
  await world.rest()
  const late = await world.add()
  for (const key of KEYS) {
    const handle = await late.db.tasks.open(key)
    late.line.exchange()
    const own = JSON.parse(expected).filter(
      ([, , , a, b]: [string, string, string, number, number]) => `${a + b}` === key,
    )
    if (rowsOf(late.db) !== JSON.stringify(own))
      fail(seed, `partition ${key} alone does not show its rows`, rowsOf(late.db), JSON.stringify(own))
    handle.close()
    await world.idle(late, { isOnline: true })
  }
  for (const { db } of [...world.replicas, late]) await db.close()
}

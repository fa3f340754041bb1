// A seeded world of replicas around passive relays: random writes, skewed clocks, lost runs, updates late, doubled and out of order.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { StampClock } from '../../stamp.ts'
import { createDocument } from '../document.ts'
import { fieldOf, isCreated } from '../entry.ts'
import { RowLog } from '../log.ts'
import type { ModelWrite } from './model.ts'

const COLUMNS = ['a', 'b', 'c']
const IDS = ['r0', 'r1', 'r2', 'r3', '01890a5d-ac96-774b-bcce-b302099a8057']
const MAX_SKEW_MS = 60_000
const DAY_MS = 24 * 60 * 60 * 1000
/** Rows written at once, now and then: more than a segment holds, so that segments fill, die and are dropped. */
const BURST = 260

class RecordingClock extends StampClock {
  last = 0
  override next(): number {
    this.last = super.next()
    return this.last
  }
}

interface Replica {
  readonly device: string
  run: number
  log: RowLog
  clock: RecordingClock
  readonly skewMs: number
  /** What its storage holds. */
  saved: Uint8Array[]
  /** Updates on their way to it. */
  inbox: Uint8Array[]
}

/** A law that did not hold, and the seed that shows it. */
export class BrokenLaw extends Error {}

/** One random schedule. */
export class Simulation {
  readonly writes: ModelWrite[] = []
  readonly replicas: Replica[] = []
  /** A server that merges and collects garbage, and never writes. */
  readonly #relay = createDocument()
  readonly #random: prng.PRNG
  readonly #seed: number
  #nowMs = 1_700_000_000_000
  #lastValue = 0
  /** In some worlds many replicas pack the same rows at once, time and again. */
  readonly #packsOften: boolean
  readonly #folds: boolean

  constructor(seed: number) {
    this.#seed = seed
    // The generator of lib0 stands still at 0.
    this.#random = prng.create(seed + 1)
    this.#packsOften = prng.int32(this.#random, 0, 3) === 0
    this.#folds = prng.bool(this.#random)
    const count = prng.int32(this.#random, 2, 4)
    for (let at = 0; at < count; at++) this.#join()
  }

  /** Runs the schedule, then delivers everything to everyone. */
  run(steps: number): void {
    this.drift(steps)
    this.settle()
  }

  /** Runs the schedule, and leaves the replicas as far apart as they are then. */
  drift(steps: number): void {
    for (let step = 0; step < steps; step++) this.#step()
    for (const { log } of this.replicas) log.commit()
  }

  /** Lets every replica clear away what it knows to be superseded before any hears of the others' clearing; then delivers it all. */
  tidyAtOnce(): void {
    for (const [at, replica] of this.replicas.entries()) {
      this.#write(replica, `tidy${at}`, true, { a: this.#nextValue() })
      replica.log.commit()
      replica.log.seal()
      replica.log.pack()
    }
    this.settle()
  }

  /** Delivers all updates, and the relay's whole state, to every replica. Once is enough: nobody commits because of what comes. */
  settle(): void {
    const state = Y.encodeStateAsUpdate(this.#relay)
    for (const { log, inbox } of this.replicas) {
      log.document.transact(() => {
        while (inbox.length > 0) Y.applyUpdate(log.document, this.#takeAny(inbox))
      }, 'relay')
      Y.applyUpdate(log.document, state, 'relay')
    }
  }

  /** The rows of one log as plain objects, for comparison with the model. */
  static rowsOf(log: RowLog): Map<string, unknown> {
    return new Map(
      Array.from(log.entries, ([id, entry]) => {
        const fields = new Set(entry.valid.flatMap(({ shape }) => shape.columns))
        return [
          id,
          isCreated(entry)
            ? {
                ...Object.fromEntries([...fields].map((field) => [field, fieldOf(entry, field)])),
                updated: entry.valid.at(-1)?.stamp,
              }
            : undefined,
        ]
      }),
    )
  }

  /** A log that has loaded a document afresh. */
  static reload(state: Uint8Array): RowLog {
    const fresh = Simulation.reader()
    fresh.load([state])
    return fresh
  }

  /** A log that writes nothing. */
  static reader(): RowLog {
    return new RowLog({ replica: 'reader.0', author: undefined, clock: new StampClock(() => 1_800_000_000_000) })
  }

  /** Writes once on one replica, which clears away what it knows to be superseded, and delivers it. */
  tidy(): void {
    const [first] = this.replicas
    if (first === undefined) return
    this.#write(first, 'tidy', true, { a: this.#nextValue() })
    first.log.commit()
    this.settle()
  }

  #step(): void {
    this.#nowMs += prng.int32(this.#random, 0, 3000)
    const replica = prng.oneOf(this.#random, this.replicas)
    const dice = prng.int32(this.#random, 0, 99)
    if (this.#packsOften && prng.int32(this.#random, 0, 4) === 0) return void replica.log.pack()
    if (dice < 45) this.#writeSome(replica)
    else if (dice < 50) this.#writeAndTakeBack(replica)
    else if (dice < 85) this.#deliver(replica)
    else if (dice < 88) this.#commitOrPack(replica)
    else if (dice < 92) this.#restart(replica)
    else if (dice < 94 && this.replicas.length < 5) this.#join()
    else if (dice < 95 && prng.int32(this.#random, 0, 3) === 0) this.#rest()
    else if (dice < 95 && prng.int32(this.#random, 0, 2) === 0) this.#burst(replica)
    else Y.applyUpdate(replica.log.document, Y.encodeStateAsUpdate(this.#relay), 'relay')
  }

  /** Nobody writes for days, and everybody hears of all: what is old enough may lose its exact time then. */
  #rest(): void {
    for (const { log } of this.replicas) log.commit()
    this.settle()
    this.#nowMs += prng.int32(this.#random, 1, 100) * DAY_MS
  }

  #commitOrPack({ log }: Replica): void {
    if (prng.bool(this.#random)) log.commit()
    else log.pack()
  }

  #join(): void {
    const device = `d${this.replicas.length}`
    const skewMs = prng.int32(this.#random, -MAX_SKEW_MS, MAX_SKEW_MS)
    const replica: Replica = {
      device,
      run: 0,
      ...this.#logFor(device, 0, skewMs),
      skewMs,
      saved: [],
      inbox: [],
    }
    this.replicas.push(replica)
    this.#wire(replica)
    if (prng.bool(this.#random)) Y.applyUpdate(replica.log.document, Y.encodeStateAsUpdate(this.#relay), 'relay')
  }

  #logFor(device: string, run: number, skewMs: number): { readonly log: RowLog; readonly clock: RecordingClock } {
    const clock = new RecordingClock(() => this.#nowMs + skewMs)
    const log = new RowLog({
      replica: `${device}.${run}`,
      author: device,
      clock,
      isFoldable: () => this.#folds,
      purgesKeptMs: Number.POSITIVE_INFINITY,
    })
    log.document.clientID = prng.uint32(this.#random, 1, 0xffffffff)
    return { log, clock }
  }

  #wire(replica: Replica): void {
    const { log } = replica
    log.onUpdate((update, isLocal) => {
      replica.saved.push(update)
      if (!isLocal) return
      for (const other of this.replicas) if (other !== replica) other.inbox.push(update)
      Y.applyUpdate(this.#relay, update)
    })
  }

  /** A new run on what was saved; the one before ended its segment, or crashed and left it open for good. */
  #restart(replica: Replica): void {
    replica.log.commit()
    if (prng.bool(this.#random)) replica.log.seal()
    replica.run += 1
    Object.assign(replica, this.#logFor(replica.device, replica.run, replica.skewMs))
    if (replica.run % 2 === 0) replica.log.load(replica.saved)
    else replica.log.show(replica.saved, 0)
    this.#wire(replica)
  }

  #writeSome(replica: Replica): void {
    const count = prng.int32(this.#random, 1, 3)
    for (let at = 0; at < count; at++) this.#writeOne(replica)
    if (prng.int32(this.#random, 0, 3) > 0) replica.log.commit()
  }

  #writeOne(replica: Replica): void {
    const id = prng.oneOf(this.#random, IDS)
    const entry = replica.log.entries.get(id)
    const isThere = entry !== undefined && isCreated(entry)
    if (!isThere) return this.#write(replica, id, true, { a: this.#nextValue(), b: this.#nextValue(), c: undefined })
    const dice = prng.int32(this.#random, 0, 19)
    if (dice === 19) return this.#write(replica, id, false, { purgedAt: this.#nowMs })
    if (dice < 4) return this.#write(replica, id, false, { deletedAt: dice < 2 ? this.#nowMs : null })
    const columns = COLUMNS.filter(() => prng.bool(this.#random))
    if (columns.length > 0)
      this.#write(replica, id, false, Object.fromEntries(columns.map((column) => [column, this.#nextValue()])))
  }

  #burst(replica: Replica): void {
    for (let at = 0; at < BURST; at++) this.#write(replica, `bulk${at}`, true, { a: this.#nextValue() })
    replica.log.commit()
  }

  #write(replica: Replica, id: string, insert: boolean, fields: Readonly<Record<string, unknown>>): void {
    const { log, clock, device, run } = replica
    log.stage(id, insert, Object.keys(fields), Object.values(fields))
    this.writes.push({ id, insert, stamp: clock.last, replica: `${device}.${run}`, fields })
    const entry = log.entries.get(id)
    for (const [field, value] of Object.entries(fields))
      if (field !== 'purgedAt' && (entry === undefined || fieldOf(entry, field) !== value))
        throw new BrokenLaw(`SEED=${this.#seed}: ${device} does not see its own write of ${id}.${field}`)
  }

  #writeAndTakeBack(replica: Replica): void {
    const before = JSON.stringify([...Simulation.rowsOf(replica.log)])
    const mark = replica.log.mark()
    const count = this.writes.length
    for (let at = 0; at < 3; at++) this.#writeOne(replica)
    replica.log.rollback(mark)
    this.writes.length = count
    if (JSON.stringify([...Simulation.rowsOf(replica.log)].sort()) !== JSON.stringify([...JSON.parse(before)].sort()))
      throw new BrokenLaw(`SEED=${this.#seed}: taking back left something behind`)
  }

  /** One update of the inbox, any of them; sometimes it stays there, to come again. */
  #deliver(replica: Replica): void {
    if (replica.inbox.length === 0) return
    const update = this.#takeAny(replica.inbox)
    Y.applyUpdate(replica.log.document, update, 'relay')
    if (prng.int32(this.#random, 0, 9) === 0) replica.inbox.push(update)
  }

  #takeAny(updates: Uint8Array[]): Uint8Array {
    return updates.splice(prng.int32(this.#random, 0, updates.length - 1), 1)[0] as Uint8Array
  }

  #nextValue(): number {
    this.#lastValue += 1
    return this.#lastValue
  }
}

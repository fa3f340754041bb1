// One seeded history: two replicas, a relay and a backend, faults, restarts and kills, then quiet, then the laws. Knows all parts.
import * as prng from 'lib0/prng'
import type * as Y from 'yjs'
import { createDatabase } from '../../index.ts'
import { documentsAdapter } from '../../table/testing/replicas.ts'
import {
  type Backend,
  type BackendOptions,
  connectBackend,
  type RemoteTable,
  type RestBulk,
  type RestTableOptions,
  restTable,
} from '../index.ts'
import { FakeBackend } from './fake-backend.ts'
import { type Db, schema, type TableName } from './history-schema.ts'
import { checkReplicas } from './laws.ts'
import { Ledger } from './ledger.ts'
import { People } from './people.ts'
import { Disk, type Faults, NO_FAULTS, Process, Relay, World } from './world.ts'

/** What a planted bug may change. */
export interface Plant {
  /** A history that shows it, to begin with. */
  readonly seed?: number
  /** Changes a collection. */
  readonly remote?: (remote: RemoteTable) => RemoteTable
  readonly options?: Partial<BackendOptions>
  /** Changes the network of a process. */
  readonly fetch?: (fetch: typeof globalThis.fetch) => typeof globalThis.fetch
  /** Changes the engine before anything runs; returns what puts it right again. */
  readonly engine?: () => () => void
}

/** A law that did not hold, and the seed that shows it. */
export class BrokenLaw extends Error {}

interface Replica {
  readonly name: string
  readonly disk: Disk
  process: Process
  documents: Map<string, Y.Doc>
  db: Db
  backend: Backend
}

/** One history. */
export class History {
  readonly #seed: number
  readonly #world: World
  readonly #relay = new Relay()
  readonly #fake: FakeBackend
  readonly #plant: Plant
  readonly #replicas: Replica[] = []
  readonly #mapping: Partial<RestTableOptions>
  readonly #ledger = new Ledger()
  readonly #people: People
  readonly #log: (() => string)[] = []

  constructor(seed: number, plant: Plant = {}) {
    this.#seed = seed
    this.#plant = plant
    this.#world = new World(seed)
    const { random } = this.#world
    const heedsKeys = prng.int32(random, 0, 3) > 0
    this.#fake = new FakeBackend({
      tables: { projects: {}, tasks: { project_id: 'projects' } },
      now: () => this.#world.nowMs,
      heedsKeys,
    })
    this.#fake.onRequest = ({ method, path, query, headers, body }, answer) =>
      this.#noteLater(
        () =>
          `  ${method} ${path}?${query} ${headers.get('idempotency-key')?.slice(-6)} ${headers.get('if-match')} ${JSON.stringify(body)} -> ${answer.status} ${JSON.stringify(answer.body)}`,
      )
    this.#people = new People({
      world: this.#world,
      fake: this.#fake,
      ledger: this.#ledger,
      note: (text) => this.note(text),
    })
    this.#mapping = {
      ...(prng.bool(random) ? { versionField: 'version' } : {}),
      ...(heedsKeys ? {} : { localIdField: 'client', naturalKey: (data) => ({ client: String(data['client']) }) }),
      ...(prng.bool(random) ? { localIdField: 'client' } : {}),
      conflict: prng.oneOf(random, ['newest', 'local', 'remote'] as const),
      deletedRemotely: prng.oneOf(random, ['local', 'remote'] as const),
      deletedLocally: prng.oneOf(random, ['local', 'remote'] as const),
      updatedAtField: 'updatedAt',
      ...(prng.int32(random, 0, 2) === 0 ? { bulk: bulkOf(prng.int32(random, 2, 6)) } : {}),
    }
    this.#fake.itemFate = () => {
      const { itemFailed, listBroken } = this.#world.faults
      if (this.#world.chance(itemFailed)) return 'fails'
      return this.#world.chance(listBroken / 4) ? 'ends all' : 'handled'
    }
    this.#fake.listAnswer = (answers) => {
      const answer = this.#world.chance(this.#world.faults.listBroken) ? this.#spoilt(answers) : answers
      this.note(`  a list of ${answers.length} -> ${JSON.stringify(answer)}`)
      return answer
    }
  }

  /** Runs it. @throws {@link BrokenLaw} */
  async run(steps = 40): Promise<void> {
    const restore = this.#plant.engine?.()
    try {
      for (const name of ['A', 'B']) this.#replicas.push(await this.#open({ name, disk: new Disk() }))
      for (let step = 0; step < steps; step++) {
        this.#world.faults = this.#faults()
        await this.#step()
      }
      await this.#quiet()
      this.#check()
    } finally {
      for (const { process } of this.#replicas) process.isAlive = false
      restore?.()
    }
  }

  #faults(): Faults {
    const { random } = this.#world
    const some = (): number => (prng.int32(random, 0, 3) === 0 ? prng.real53(random) * 0.4 : 0)
    return {
      lost: some(),
      answerLost: some(),
      doubled: some(),
      status429: some() / 2,
      status500: some() / 2,
      status500After: some() / 2,
      status401: some() / 2,
      itemFailed: some(),
      listBroken: some() / 4,
      maxDelayMs: prng.int32(random, 0, 400),
    }
  }

  /** What a backend may make of a list of answers that is none of theirs. Whose a refusal is says its place alone: those stay where they are. */
  #spoilt(answers: unknown[]): unknown {
    const others = [answers.slice(1), '<html>', { ok: true }]
    const isAnyRefused = answers.some((answer) => (answer as { readonly status?: unknown }).status !== undefined)
    const moved = isAnyRefused ? [] : [answers.toReversed(), answers.map(() => answers[0])]
    return prng.oneOf(this.#world.luck, [...others, ...moved])
  }

  async #open({ name, disk }: { readonly name: string; readonly disk: Disk }): Promise<Replica> {
    const world = this.#world
    const process = new Process(world)
    const documents = new Map<string, Y.Doc>()
    const own = prng.create(prng.int32(world.random, 1, 2 ** 31 - 1))
    const random = (bytes: Uint8Array<ArrayBuffer>): Uint8Array => {
      for (let at = 0; at < bytes.length; at++) bytes[at] = prng.int32(own, 0, 255)
      return bytes
    }
    const ready = async <T>(promise: Promise<T>): Promise<T> => {
      let result: { readonly value: T } | undefined
      promise.then(
        (value) => (result = { value }),
        (error) => this.#fail(String(error)),
      )
      for (let turn = 0; result === undefined && turn < 20; turn++) await world.pass(5)
      return (result as { readonly value: T } | undefined)?.value ?? this.#fail('it does not open')
    }
    const storage = disk.adapter(process, () => prng.int32(own, 0, 8))
    const onError = (error: unknown): void => void this.#fail(`error: ${String((error as Error)?.stack ?? error)}`)
    const db = await ready(
      createDatabase({
        name: 'history',
        schema,
        storage,
        sync: documentsAdapter(documents),
        now: () => world.nowMs,
        random,
        onError,
      }),
    )
    const list = { kind: 'cursor', param: 'after', read: (answer: unknown) => answer as never } as const
    const plant = this.#plant.remote ?? ((remote: RemoteTable) => remote)
    const tables = {
      projects: plant(restTable({ ...this.#mapping, url: 'http://backend/projects', listChanges: list })),
      tasks: plant(
        restTable({
          ...this.#mapping,
          url: 'http://backend/tasks',
          fields: { projectId: 'project_id' },
          listChanges: list,
        }),
      ),
    }
    const fetch = (this.#plant.fetch ?? ((given) => given))(process.fetch(this.#fake))
    const backend = await ready(
      connectBackend(db, tables, {
        fetch,
        timers: process.timers,
        random: () => prng.real53(own),
        randomBytes: random,
        token: () => String(world.token),
        pollMs: 9000,
        freshMs: 3000,
        timeoutMs: 2000,
        maxConflicts: 20,
        ...this.#plant.options,
      }),
    )
    return { name, disk, process, documents, db, backend }
  }

  async #step(): Promise<void> {
    const world = this.#world
    const replica = prng.oneOf(world.random, this.#replicas)
    const dice = prng.int32(world.random, 0, 99)
    if (dice < 50) this.#people.writeSome(replica)
    else if (dice < 62) this.#exchange(replica)
    else if (dice < 72) this.#people.othersWrite()
    else if (dice < 78) await this.#kill(replica)
    else if (dice < 81) world.isOnline = !world.isOnline
    else if (dice < 83) world.token += 1
    else if (dice < 84) this.#fake.loseCursors()
    else if (dice < 86) replica.backend.pause()
    else if (dice < 89) replica.backend.resume()
    else if (dice < 91) this.#people.undo(replica)
    await world.pass(prng.int32(world.random, 0, prng.bool(world.random) ? 10 : 2500))
  }

  /** What happened, line by line. */
  get log(): readonly string[] {
    return this.#log.map((line) => line())
  }

  /** Adds a line to what happened. */
  note(text: string): void {
    this.#noteLater(() => text)
  }

  /** Writes out what happened only if somebody reads it. */
  #noteLater(text: () => string): void {
    const { nowMs } = this.#world
    this.#log.push(() => `${nowMs - 1_700_000_000_000} ${text()}`)
  }

  #exchange({ documents, name }: Replica): void {
    this.note(`${name} meets the relay`)
    for (const [document, doc] of documents)
      if (prng.int32(this.#world.random, 0, 4) > 0) this.#relay.exchange(document, doc)
  }

  async #kill(replica: Replica): Promise<void> {
    this.note(`${replica.name} is killed`)
    replica.process.isAlive = false
    for (const write of this.#ledger.unsaved(replica.name)) write.isDoubtful = true
    await this.#world.pass(prng.int32(this.#world.random, 0, 300))
    Object.assign(replica, await this.#open(replica))
  }

  /** Everything works, and everybody meets, until nothing happens any more; then the user gives up what failed, and again. */
  async #quiet(): Promise<void> {
    const world = this.#world
    world.faults = NO_FAULTS
    world.isOnline = true
    for (let round = 0; round < 4; round++) {
      for (let turn = 0, calm = 0; turn < 15 && calm < 3; turn++) {
        const isSent = this.#replicas.every(({ backend }) => backend.status.pending === backend.status.failed)
        for (const { backend } of this.#replicas) backend.resume()
        let isNew = false
        for (const { documents } of this.#replicas)
          for (const [name, document] of documents) isNew = this.#relay.exchange(name, document) || isNew
        calm = isSent && !isNew ? calm + 1 : 0
        await world.pass(3000)
      }
      if (this.#replicas.every(({ backend }) => backend.status.failed === 0)) return
      for (const { backend, name } of this.#replicas) {
        this.#expectReasons(name, backend)
        for (const failed of backend.outbox.failed()) {
          if (!backend.outbox.failed().some(({ id }) => id === failed.id)) continue
          for (const one of [failed, ...backend.outbox.dependants(failed)]) this.#taint(name, one)
          this.note(`${name} discards ${failed.kind} of ${failed.table} ${failed.row}`)
          backend.outbox.discard(failed, { withDependants: true })
        }
      }
    }
  }

  #taint(name: string, { table, row }: { readonly table: string; readonly row: string }): void {
    const { db } = this.#replicas.find((replica) => replica.name === name) as Replica
    this.#ledger.tainted.add(String(db.table(table as TableName).get(row, { withDeleted: true })?.uid))
  }

  /** Only what the backend can never take is in the dead letter. */
  #expectReasons(name: string, backend: Backend): void {
    for (const { failure, fields, kind, table } of backend.outbox.failed()) {
      const isKnown =
        failure?.kind === 'reference' ||
        failure?.kind === 'forgotten' ||
        (failure?.kind === 'refused' && /foreign key|referred/.test(failure.answer ?? '')) ||
        (failure?.kind === 'refused' && /poison/.test(failure.answer ?? '') && Object.values(fields).includes('poison'))
      if (!isKnown) this.#fail(`${name}: ${kind} of ${table} failed: ${JSON.stringify(failure)}`)
    }
  }

  #check(): void {
    const [ledger, fake, fail] = [this.#ledger, this.#fake, (why: string): never => this.#fail(why)]
    checkReplicas(this.#replicas, fake, fail)
    ledger.checkNewest(fake, fail)
    ledger.checkReferences(fake, fail)
  }

  #fail(why: string): never {
    throw new BrokenLaw(
      `SEED=${this.#seed} (${this.#mapping.localIdField === undefined ? 'no local ids there, ' : ''}${this.#mapping.bulk === undefined ? '' : 'lists, '}${this.#mapping.versionField ?? 'no versions'}): ${why}`,
    )
  }
}

const bulkOf = (maxItems: number): RestBulk => {
  const requests = { maxItems, keyField: 'key' }
  return { create: requests, update: requests, remove: requests }
}

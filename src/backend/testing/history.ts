// One seeded history: two replicas, a relay and a backend, faults, restarts and kills, then quiet, then the laws. Knows all parts.
import * as prng from 'lib0/prng'
import type * as Y from 'yjs'
import { column as c, createDatabase, type Database, defineSchema, table } from '../../index.ts'
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
import { FakeBackend, type FakeRecord } from './fake-backend.ts'
import { Disk, type Faults, NO_FAULTS, Process, Relay, World } from './world.ts'

const schema = defineSchema({
  projects: table({ uid: c.string(), name: c.string(), note: c.string().optional() }),
  tasks: table({
    uid: c.string(),
    title: c.string(),
    count: c.number().default(0),
    dueAt: c.date().optional(),
    projectId: c.ref('projects').optional(),
  }),
})
type Db = Database<typeof schema>
type TableName = 'projects' | 'tasks'
const TABLES: TableName[] = ['projects', 'tasks']
const WRITTEN: Record<TableName, string[]> = { projects: ['name', 'note'], tasks: ['title', 'count'] }

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

interface Write {
  readonly value: unknown
  isSaved: boolean
  /** Not saved when its process was killed: it may be lost, or have reached others. */
  isDoubtful: boolean
}

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
  /** What each actor wrote to each field of each row, by the row's uid. */
  readonly #writes = new Map<string, Map<string, Write[]>>()
  readonly #tainted = new Set<string>()
  readonly #wasDeleted = new Set<string>()
  /** What tasks were made to refer to, by uid. */
  readonly #references = new Map<string, string>()
  /** Rows that somebody edited while they showed as two. */
  readonly #twins = new Set<string>()
  #count = 0
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
    if (dice < 50) this.#writeSome(replica)
    else if (dice < 62) this.#exchange(replica)
    else if (dice < 72) this.#othersWrite()
    else if (dice < 78) await this.#kill(replica)
    else if (dice < 81) world.isOnline = !world.isOnline
    else if (dice < 83) world.token += 1
    else if (dice < 84) this.#fake.loseCursors()
    else if (dice < 86) replica.backend.pause()
    else if (dice < 89) replica.backend.resume()
    else if (dice < 91) this.#undo(replica)
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

  #writeSome(replica: Replica): void {
    const count = prng.int32(this.#world.random, 1, 4)
    if (prng.bool(this.#world.random)) replica.db.transact(() => this.#writes_(replica, count))
    else this.#writes_(replica, count)
    const saved = this.#unsaved(replica.name)
    const { process } = replica
    replica.db.saved().then(
      () => process.isAlive && saved.forEach((write) => (write.isSaved = true)),
      () => {},
    )
  }

  #writes_(replica: Replica, count: number): void {
    for (let at = 0; at < count; at++) this.#writeOne(replica)
  }

  #unsaved(actor: string): Write[] {
    return [...this.#writes].flatMap(([key, actors]) =>
      key === '' ? [] : (actors.get(actor) ?? []).filter(({ isSaved, isDoubtful }) => !isSaved && !isDoubtful),
    )
  }

  #writeOne({ name, db }: Replica): void {
    const { random } = this.#world
    const table = prng.oneOf(random, TABLES)
    const rows = db.table(table).all() as unknown as { id: string; uid: string }[]
    const row = rows.length === 0 ? undefined : prng.oneOf(random, rows)
    const dice = prng.int32(random, 0, 19)
    if (row === undefined || dice < 7) this.#insert(name, db, table)
    else if (dice < 16) this.#update(name, db, table, row)
    else if (dice < 18) this.#delete(name, db, table, row.id)
    else this.#restore(db, table)
  }

  #insert(actor: string, db: Db, table: TableName): void {
    const { random } = this.#world
    const uid = `${table}${++this.#count}`
    const value = this.#value(table)
    const projects = db.projects.all()
    const projectId =
      projects.length === 0 || prng.int32(random, 0, 3) === 0 ? undefined : prng.oneOf(random, projects).id
    if (table === 'projects') db.projects.insert({ uid, name: value })
    else db.tasks.insert({ uid, title: value, projectId, dueAt: new Date(this.#world.nowMs) })
    if (table === 'tasks' && projectId !== undefined)
      this.#references.set(uid, String(projects.find(({ id }) => id === projectId)?.uid))
    this.#record(uid, table === 'projects' ? 'name' : 'title', actor, value)
    this.#record(uid, table === 'projects' ? 'note' : 'count', actor, table === 'projects' ? undefined : 0)
    this.note(
      `${actor} inserts ${uid} ${value}${projectId === undefined || table === 'projects' ? '' : ` -> ${projectId}`}`,
    )
  }

  /** Seldom one that the backend refuses. */
  #value(table: TableName): string {
    this.#count += 1
    return table === 'tasks' && prng.int32(this.#world.random, 0, 30) === 0 ? 'poison' : `v${this.#count}`
  }

  #update(actor: string, db: Db, table: TableName, row: { readonly id: string; readonly uid: string }): void {
    const { random } = this.#world
    const column = prng.oneOf(random, WRITTEN[table])
    const value = column === 'count' ? ++this.#count : this.#value(table)
    // Two rows for as long as nobody there knows that they are one: which of both edits is the later is nothing that they say.
    const rows = db.table(table).all() as unknown as { readonly uid: string }[]
    if (rows.filter(({ uid }) => uid === row.uid).length > 1) this.#twins.add(row.uid)
    db.table(table).update(row.id, { [column]: value } as never)
    this.#record(row.uid, column, actor, value)
    this.note(`${actor} updates ${row.uid}.${column} = ${value}`)
  }

  /** A project goes with the tasks that are known to refer to it. */
  #delete(actor: string, db: Db, table: TableName, id: string): void {
    this.note(`${actor} deletes ${table} ${id}`)
    const tasks = table === 'projects' ? db.tasks.all().filter(({ projectId }) => projectId === id) : []
    for (const task of tasks) db.tasks.delete(task.id)
    for (const row of [...tasks, db.table(table).get(id)]) this.#wasDeleted.add(String(row?.uid))
    db.table(table).delete(id)
  }

  #restore(db: Db, table: TableName): void {
    const deleted = db
      .table(table)
      .all({ withDeleted: true })
      .filter((row: { deletedAt: unknown }) => row.deletedAt !== undefined)
    if (deleted.length > 0) {
      const { id, uid } = prng.oneOf(this.#world.random, deleted as { id: string; uid: string }[])
      this.note(`restores ${uid}`)
      db.table(table).restore(id)
    }
  }

  /** What it puts back counts as written. */
  #undo({ name, db }: Replica): void {
    const values = (): Map<string, unknown> =>
      new Map(
        TABLES.flatMap((table) =>
          (db.table(table).all({ withDeleted: true }) as unknown as Record<string, unknown>[]).flatMap((row) =>
            [...WRITTEN[table], 'deletedAt'].map((column): [string, unknown] => [
              `${row['uid']}.${column}.${row['id']}`,
              row[column],
            ]),
          ),
        ),
      )
    const before = values()
    db.undo.undo()
    this.note(`${name} takes back`)
    for (const [key, value] of values()) {
      const [uid = '', column = ''] = key.split('.')
      if (before.get(key) !== value && column === 'deletedAt') this.#wasDeleted.add(uid)
      else if (before.get(key) !== value) this.#record(uid, column, name, value)
    }
  }

  /** Another client of the backend's. */
  #othersWrite(): void {
    const { random } = this.#world
    const table = prng.oneOf(random, TABLES)
    const records = this.#fake.live(table)
    const record = records.length === 0 ? undefined : prng.oneOf(random, records)
    const dice = prng.int32(random, 0, 9)
    if (record === undefined || dice < 2) return this.#othersInsert(table)
    if (dice < 8) return this.#othersUpdate(table, record)
    const isReferred =
      table === 'projects' && this.#fake.live('tasks').some(({ fields }) => fields['project_id'] === record.id)
    if (isReferred) return
    this.note(`others delete ${record.fields['uid']}`)
    this.#wasDeleted.add(String(record.fields['uid']))
    record.isDeleted = true
    this.#fake.touch(record)
  }

  #othersInsert(table: TableName): void {
    const uid = `${table}${++this.#count}`
    const value = `o${++this.#count}`
    const projects = this.#fake.live('projects')
    const project_id = projects.length === 0 ? null : prng.oneOf(this.#world.random, projects).id
    const fields =
      table === 'projects' ? { uid, name: value, note: null } : { uid, title: value, count: 0, dueAt: null, project_id }
    const headers = new Headers()
    this.#fake.handle({ method: 'POST', path: `/${table}`, query: new URLSearchParams(), headers, body: fields })
    this.#record(uid, table === 'projects' ? 'name' : 'title', 'others', value)
    this.#record(uid, table === 'projects' ? 'note' : 'count', 'others', table === 'projects' ? undefined : 0)
    this.note(`others insert ${uid} ${value}`)
  }

  #othersUpdate(table: TableName, record: FakeRecord): void {
    const column = prng.oneOf(this.#world.random, WRITTEN[table])
    const value = column === 'count' ? ++this.#count : `o${++this.#count}`
    record.fields[column] = value
    this.#fake.touch(record)
    this.#record(String(record.fields['uid']), column, 'others', value)
    this.note(`others update ${record.fields['uid']}.${column} = ${value}`)
  }

  #record(uid: string, column: string, actor: string, value: unknown): void {
    const key = `${uid}.${column}`
    const actors = this.#writes.get(key) ?? new Map<string, Write[]>()
    this.#writes.set(key, actors)
    actors.set(actor, [...(actors.get(actor) ?? []), { value, isSaved: actor === 'others', isDoubtful: false }])
  }

  #exchange({ documents, name }: Replica): void {
    this.note(`${name} meets the relay`)
    for (const [document, doc] of documents)
      if (prng.int32(this.#world.random, 0, 4) > 0) this.#relay.exchange(document, doc)
  }

  async #kill(replica: Replica): Promise<void> {
    this.note(`${replica.name} is killed`)
    replica.process.isAlive = false
    for (const write of this.#unsaved(replica.name)) write.isDoubtful = true
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
    this.#tainted.add(String(db.table(table as TableName).get(row, { withDeleted: true })?.uid))
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
    for (const { backend, name } of this.#replicas) {
      const left = backend.outbox.list()
      if (left.length > 0) this.#fail(`${name} has not sent ${JSON.stringify(left)}; ${backend.status.connection}`)
      const problems = backend.problems().filter(({ kind }) => !PASSING.includes(kind))
      if (problems.length > 0) this.#fail(`${name}: ${JSON.stringify(problems)}`)
    }
    for (const table of TABLES) {
      const there = new Map(this.#fake.live(table).map((record) => [String(record.fields['uid']), record]))
      if (there.size < this.#fake.live(table).length) this.#fail(`a record of ${table} is doubled`)
      for (const { name, db } of this.#replicas) this.#compare(name, db, table, there)
    }
    this.#checkNewest()
    this.#checkReferences()
  }

  /** What was made with a reference has it there. */
  #checkReferences(): void {
    for (const [uid, projectUid] of this.#references) {
      if ([uid, projectUid].some((one) => this.#tainted.has(one) || this.#wasDeleted.has(one))) continue
      const task = this.#fake.live('tasks').find(({ fields }) => fields['uid'] === uid)
      const project = this.#fake.live('projects').find(({ fields }) => fields['uid'] === projectUid)
      if (task !== undefined && task.fields['project_id'] !== (project?.id ?? null))
        this.#fail(`${uid} refers to ${task.fields['project_id']}, not to ${project?.id}`)
    }
  }

  #compare(name: string, db: Db, table: TableName, there: ReadonlyMap<string, FakeRecord>): void {
    const rows = db.table(table).all() as unknown as {
      readonly id: string
      readonly uid: string
      readonly [column: string]: unknown
    }[]
    const here = new Set(rows.map(({ uid }) => uid))
    if (here.size < rows.length) this.#fail(`${name}: a row of ${table} is doubled: ${rows.map(({ uid }) => uid)}`)
    for (const uid of there.keys()) if (!here.has(uid)) this.#fail(`${name} lacks ${uid}`)
    for (const row of rows) {
      const record = there.get(row.uid)
      if (record === undefined) return this.#fail(`the backend lacks ${row.uid} of ${name}`)
      if (db.ids.remote(table, row.id) !== record.id)
        this.#fail(`${name}: ${row.uid} is linked to ${db.ids.remote(table, row.id)}, not ${record.id}`)
      const fields = rowAsRecord(db, table, row)
      for (const [field, value] of Object.entries(fields))
        if ((record.fields[field] ?? null) !== value)
          this.#fail(`${name}: ${row.uid}.${field} is ${value} here and ${record.fields[field]} there`)
    }
  }

  /** What shows is the last that somebody wrote, not something older. */
  #checkNewest(): void {
    for (const [key, actors] of this.#writes) {
      const [uid = '', column = ''] = key.split('.')
      // Of an edit that meets a delete, either may win, as told; equality is all that can be asked of such rows.
      if (this.#tainted.has(uid) || this.#wasDeleted.has(uid) || this.#twins.has(uid)) continue
      const record = TABLES.flatMap((table) => this.#fake.live(table)).find(({ fields }) => fields['uid'] === uid)
      // Without keys and versions nobody can tell a request that comes twice, the second time late, from a new one.
      if (record === undefined || this.#fake.repeated.has(record)) continue
      const allowed = [...actors.values()].flatMap((writes) =>
        writes.slice(
          Math.max(
            0,
            writes.findLastIndex(({ isSaved }) => isSaved),
          ),
        ),
      )
      const value = record.fields[column]
      if (!allowed.some((write) => (write.value ?? null) === (value ?? null)))
        this.#fail(`${key} is ${String(value)}, which everybody has overwritten: ${JSON.stringify([...actors])}`)
    }
  }

  #fail(why: string): never {
    throw new BrokenLaw(
      `SEED=${this.#seed} (${this.#mapping.localIdField === undefined ? 'no local ids there, ' : ''}${this.#mapping.bulk === undefined ? '' : 'lists, '}${this.#mapping.versionField ?? 'no versions'}): ${why}`,
    )
  }
}

/** Problems that the faults of a history cause, and that pass. */
const PASSING = ['cursor', 'answer']

const bulkOf = (maxItems: number): RestBulk => {
  const requests = { maxItems, keyField: 'key' }
  return { create: requests, update: requests, remove: requests }
}

const rowAsRecord = (
  db: Db,
  table: TableName,
  row: { readonly [column: string]: unknown },
): Record<string, unknown> => {
  if (table === 'projects') return { name: row['name'], note: row['note'] ?? null }
  const project =
    row['projectId'] === undefined ? null : (db.ids.remote('projects', String(row['projectId'])) ?? 'unknown')
  const due = row['dueAt'] instanceof Date ? row['dueAt'].toISOString() : null
  return { title: row['title'], count: row['count'], dueAt: due, project_id: project }
}

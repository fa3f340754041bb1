// What people do in a seeded history: at a replica, and at the backend as another client of it. Draws from the world; keeps the ledger.
import * as prng from 'lib0/prng'
import type { FakeBackend, FakeRecord } from './fake-backend.ts'
import { type Db, TABLES, type TableName, WRITTEN } from './history-schema.ts'
import type { Ledger } from './ledger.ts'
import type { Process, World } from './world.ts'

/** Somebody at a replica. */
export interface Person {
  readonly name: string
  readonly process: Process
  readonly db: Db
}

/** What people are given to work with. */
export interface PeopleOptions {
  readonly world: World
  readonly fake: FakeBackend
  readonly ledger: Ledger
  /** Adds a line to what happened. */
  readonly note: (text: string) => void
}

/** Acts as the dice say. */
export class People {
  readonly #world: World
  readonly #fake: FakeBackend
  readonly #ledger: Ledger
  readonly #note: (text: string) => void
  #count = 0

  constructor({ world, fake, ledger, note }: PeopleOptions) {
    this.#world = world
    this.#fake = fake
    this.#ledger = ledger
    this.#note = note
  }

  /** A few writes, in a transaction or not. */
  writeSome(replica: Person): void {
    const count = prng.int32(this.#world.random, 1, 4)
    if (prng.bool(this.#world.random)) replica.db.transact(() => this.#writes_(replica, count))
    else this.#writes_(replica, count)
    const saved = this.#ledger.unsaved(replica.name)
    const { process } = replica
    replica.db.saved().then(
      () => process.isAlive && saved.forEach((write) => (write.isSaved = true)),
      () => {},
    )
  }

  #writes_(replica: Person, count: number): void {
    for (let at = 0; at < count; at++) this.#writeOne(replica)
  }

  #writeOne({ name, db }: Person): void {
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
      this.#ledger.references.set(uid, String(projects.find(({ id }) => id === projectId)?.uid))
    this.#ledger.record(uid, table === 'projects' ? 'name' : 'title', actor, value)
    this.#ledger.record(uid, table === 'projects' ? 'note' : 'count', actor, table === 'projects' ? undefined : 0)
    this.#note(
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
    if (rows.filter(({ uid }) => uid === row.uid).length > 1) this.#ledger.twins.add(row.uid)
    db.table(table).update(row.id, { [column]: value } as never)
    this.#ledger.record(row.uid, column, actor, value)
    this.#note(`${actor} updates ${row.uid}.${column} = ${value}`)
  }

  /** A project goes with the tasks that are known to refer to it. */
  #delete(actor: string, db: Db, table: TableName, id: string): void {
    this.#note(`${actor} deletes ${table} ${id}`)
    const tasks = table === 'projects' ? db.tasks.all().filter(({ projectId }) => projectId === id) : []
    for (const task of tasks) db.tasks.delete(task.id)
    for (const row of [...tasks, db.table(table).get(id)]) this.#ledger.deleted.add(String(row?.uid))
    db.table(table).delete(id)
  }

  #restore(db: Db, table: TableName): void {
    const deleted = db
      .table(table)
      .all({ withDeleted: true })
      .filter((row: { deletedAt: unknown }) => row.deletedAt !== undefined)
    if (deleted.length > 0) {
      const { id, uid } = prng.oneOf(this.#world.random, deleted as { id: string; uid: string }[])
      this.#note(`restores ${uid}`)
      db.table(table).restore(id)
    }
  }

  /** What it puts back counts as written. */
  undo({ name, db }: Person): void {
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
    this.#note(`${name} takes back`)
    for (const [key, value] of values()) {
      const [uid = '', column = ''] = key.split('.')
      if (before.get(key) !== value && column === 'deletedAt') this.#ledger.deleted.add(uid)
      else if (before.get(key) !== value) this.#ledger.record(uid, column, name, value)
    }
  }

  /** Another client of the backend's. */
  othersWrite(): void {
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
    this.#note(`others delete ${record.fields['uid']}`)
    this.#ledger.deleted.add(String(record.fields['uid']))
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
    this.#ledger.record(uid, table === 'projects' ? 'name' : 'title', 'others', value)
    this.#ledger.record(uid, table === 'projects' ? 'note' : 'count', 'others', table === 'projects' ? undefined : 0)
    this.#note(`others insert ${uid} ${value}`)
  }

  #othersUpdate(table: TableName, record: FakeRecord): void {
    const column = prng.oneOf(this.#world.random, WRITTEN[table])
    const value = column === 'count' ? ++this.#count : `o${++this.#count}`
    record.fields[column] = value
    this.#fake.touch(record)
    this.#ledger.record(String(record.fields['uid']), column, 'others', value)
    this.#note(`others update ${record.fields['uid']}.${column} = ${value}`)
  }
}

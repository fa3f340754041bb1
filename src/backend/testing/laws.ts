// What is to hold once all is quiet: outboxes empty, tables and backend equal field by field. Knows no history.
import type { Backend } from '../index.ts'
import type { FakeBackend, FakeRecord } from './fake-backend.ts'
import { type Db, rowAsRecord, TABLES, type TableName } from './history-schema.ts'

/** A replica that is looked at. */
export interface Compared {
  readonly name: string
  readonly db: Db
  readonly backend: Backend
}

/** Problems that the faults of a history cause, and that pass. */
const PASSING = ['cursor', 'answer']

/** Compares replicas with the backend. @param fail - Told the first law that does not hold. */
export const checkReplicas = (replicas: readonly Compared[], fake: FakeBackend, fail: (why: string) => never): void => {
  for (const { backend, name } of replicas) {
    const left = backend.outbox.list()
    if (left.length > 0) fail(`${name} has not sent ${JSON.stringify(left)}; ${backend.status.connection}`)
    const problems = backend.problems().filter(({ kind }) => !PASSING.includes(kind))
    if (problems.length > 0) fail(`${name}: ${JSON.stringify(problems)}`)
  }
  for (const table of TABLES) {
    const there = new Map(fake.live(table).map((record) => [String(record.fields['uid']), record]))
    if (there.size < fake.live(table).length) fail(`a record of ${table} is doubled`)
    for (const { name, db } of replicas) compare({ name, db }, table, there, fail)
  }
}

const compare = (
  { name, db }: Pick<Compared, 'name' | 'db'>,
  table: TableName,
  there: ReadonlyMap<string, FakeRecord>,
  fail: (why: string) => never,
): void => {
  const rows = db.table(table).all() as unknown as {
    readonly id: string
    readonly uid: string
    readonly [column: string]: unknown
  }[]
  const here = new Set(rows.map(({ uid }) => uid))
  if (here.size < rows.length) fail(`${name}: a row of ${table} is doubled: ${rows.map(({ uid }) => uid)}`)
  for (const uid of there.keys()) if (!here.has(uid)) fail(`${name} lacks ${uid}`)
  for (const row of rows) {
    const record = there.get(row.uid)
    if (record === undefined) return fail(`the backend lacks ${row.uid} of ${name}`)
    if (db.ids.remote(table, row.id) !== record.id)
      fail(`${name}: ${row.uid} is linked to ${db.ids.remote(table, row.id)}, not ${record.id}`)
    const fields = rowAsRecord(db, table, row)
    for (const [field, value] of Object.entries(fields))
      if ((record.fields[field] ?? null) !== value)
        fail(`${name}: ${row.uid}.${field} is ${value} here and ${record.fields[field]} there`)
  }
}

// What is to hold after the kills: each write once or in the dead letter, nothing doubled, tables and service equal field by field.
import type { Sql } from 'postgres'
import { DATABASES, POISON } from './tables.ts'

interface LookedAt {
  readonly remote: number | undefined
  readonly mark: string
}

/** What a database says of itself. */
export interface Look {
  readonly projects: readonly (LookedAt & { readonly name: string })[]
  readonly tasks: readonly (LookedAt & {
    readonly title: string
    readonly done: boolean
    readonly project: number | null
  })[]
  readonly outbox: readonly {
    readonly table: string
    readonly row: string
    readonly kind: string
    readonly state: string
    readonly reason: string | undefined
    readonly mark: string | undefined
  }[]
}

/** What was found. */
export interface Law {
  /** What does not hold, in words; none if all does. */
  readonly faults: readonly string[]
  /** Whether something is wrong that no look at an outbox will explain. */
  readonly isUnequalButForOutbox: boolean
  readonly records: number
  readonly deadLetters: number
}

interface Record_ {
  readonly id: string
  readonly mark: string
  readonly deleted: boolean
}

/** Compares databases with the service. @param saved - Marks of inserts that the tab was told are saved. */
export const check = async (
  sql: Sql,
  saved: ReadonlySet<string>,
  looks: Readonly<Record<(typeof DATABASES)[number], Look>>,
): Promise<Law> => {
  const faults: string[] = []
  let [records, deadLetters, unequal] = [0, 0, 0]
  for (const name of DATABASES) {
    const { outbox, ...tables } = looks[name]
    const failed = outbox.filter(({ state }) => state === 'failed')
    deadLetters += failed.length
    const dead = new Set(failed.map(({ mark }) => mark))
    for (const { kind, state, reason } of failed)
      if (reason?.includes('violates check constraint') !== true)
        faults.push(`${name}: a ${kind} is in the dead letter (${state}): ${reason}`)
    for (const { mark, kind, state } of outbox)
      if (!dead.has(mark)) faults.push(`${name}: a ${kind} of ${mark} is still ${state}`)
    for (const table of ['projects', 'tasks'] as const) {
      const rows: readonly (LookedAt & object)[] = tables[table]
      const all = (await sql.unsafe(`select * from ${name}_${table}`)) as unknown as (Record_ &
        Record<string, unknown>)[]
      records += all.length
      const counts = new Map<string, number>()
      for (const { mark } of all) counts.set(mark, (counts.get(mark) ?? 0) + 1)
      for (const [mark, count] of counts)
        if (count > 1) faults.push(`${name}.${table}: ${mark} is there ${count} times`)
      const here = new Map<string, LookedAt & object>()
      for (const row of rows) {
        if (here.has(row.mark)) faults.push(`${name}.${table}: row ${row.mark} is here twice`)
        here.set(row.mark, row)
      }
      const live = new Map(all.filter(({ deleted }) => !deleted).map((record) => [record.mark, record]))
      const differences: string[] = []
      for (const [mark, record] of live) {
        const row = here.get(mark)
        const expected = JSON.stringify(rowOf(table, record))
        const found = row === undefined ? 'no row' : JSON.stringify(row)
        if (expected !== found) differences.push(`${name}.${table}: the service has ${expected}, the table ${found}`)
      }
      for (const [mark, row] of here)
        if (!live.has(mark) && !dead.has(mark) && !isPoison(row))
          differences.push(`${name}.${table}: the service lacks ${JSON.stringify(row)}`)
      const isOf = (mark: string): boolean =>
        mark.startsWith(`${name}-`) && mark.endsWith('-p') === (table === 'projects')
      for (const mark of saved)
        if (isOf(mark) && !counts.has(mark) && !dead.has(mark) && here.has(mark) && !isPoison(here.get(mark)))
          differences.push(`${name}.${table}: ${mark} was saved, and is nowhere`)
      unequal += differences.length
      faults.push(...differences)
    }
  }
  return { faults, isUnequalButForOutbox: unequal > 0, records, deadLetters }
}

/** Its operation is in the dead letter, which is looked at last. */
const isPoison = (row: object | undefined): boolean => row !== undefined && 'title' in row && row.title === POISON

const rowOf = (table: 'projects' | 'tasks', record: Record_ & Record<string, unknown>): object => {
  const { mark, name, title, done } = record
  const remote = Number(record.id)
  if (table === 'projects') return { remote, mark, name }
  return { remote, mark, title, done, project: record['project_id'] === null ? null : Number(record['project_id']) }
}

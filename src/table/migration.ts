// Migration of one table's rows: what steps give, as patches that merge. Knows row logs and columns; not when it is done, or why.
//
// A migration's patch is stamped just after the last write of the row that it saw, not with the time of the migration: replicas that
// migrate at once write the same values under the same stamps, and whatever anybody wrote later, unseen here, wins as it should.
import { DELETED, type Entry, FIRST_VALUE, fieldOf, isCreated, KNEW, type RowLog } from '../rowlog/index.ts'
import {
  deepFreeze,
  isColumnName,
  type MigrateRow,
  type StoredFields,
  type StoredRow,
  type TableSchema,
  toStored,
  VERSION_FIELD,
} from '../schema/index.ts'
import { StampClock } from '../stamp.ts'
import { countOf, elementsOf, parseField, Registers } from './registers.ts'

/** A clock that can be held at a stamp while a patch is staged. */
export class MigrationClock extends StampClock {
  #held: number | undefined

  override next(): number {
    return this.#held ?? super.next()
  }

  /** Runs work with the clock held; later readings come after it. */
  holdAt<T>(stamp: number, work: () => T): T {
    this.#held = stamp
    try {
      return work()
    } finally {
      this.#held = undefined
      this.see(stamp)
    }
  }
}

/** What a migration of one table is given to work with. */
export interface TableMigration {
  readonly table: string
  readonly schema: TableSchema
  readonly log: RowLog
  readonly clock: MigrationClock
  /** The version to come to. */
  readonly version: number
  /** The steps that rows of a version lack, in order. */
  readonly stepsAfter: (version: number) => readonly { readonly to: number; readonly step: MigrateRow }[]
}

/**
 * Brings all rows of a table to a version: one Yjs transaction, or nothing if a step throws. Before anybody else uses the log.
 *
 * Only columns that differ are written, and the row's version with them; so a row is never migrated twice, whoever did it.
 *
 * @throws What a step throws; `invalid_value` for what the schema refuses.
 */
export const migrateTable = (migration: TableMigration): void => {
  const { log, clock, version, stepsAfter } = migration
  if (stepsAfter(1).length === 0) return
  const registers = new Registers(migration.schema, log.replica)
  const mark = log.mark()
  try {
    for (const entry of [...log.entries.values()]) {
      if (!isCreated(entry)) continue
      const steps = stepsAfter(versionOf(entry))
      if (steps.length === 0) continue
      const { columns, values } = fieldsOf(migration, entry, registers, runSteps(migration, entry, steps))
      clock.holdAt((entry.patches.at(-1)?.stamp ?? 0) + version, () =>
        log.stage(entry.id, false, [...columns, VERSION_FIELD], [...values, version]),
      )
    }
    log.release(mark)
  } catch (error) {
    log.rollback(mark)
    throw error
  }
  log.commit()
  // Later patches may be stamped below those of a migration of rows from the future; a segment counts stamps upwards.
  log.seal()
  log.takeLocalChanges()
}

/** The version of the schema that inserted or last migrated a row. */
const versionOf = (entry: Entry): number => {
  const version = fieldOf(entry, VERSION_FIELD)
  return typeof version === 'number' ? version : 1
}

/** What steps give in the end: columns of the schema, and columns of versions between, which older apps may still show. */
interface Given {
  readonly known: Record<string, unknown>
  readonly between: Map<string, unknown>
}

const runSteps = (
  { schema, version }: TableMigration,
  entry: Entry,
  steps: readonly { readonly to: number; readonly step: MigrateRow }[],
): Given => {
  const given: Given = { known: {}, between: new Map() }
  let row = storedRow(entry)
  for (const { to, step } of steps) {
    const patch = step(row)
    if (patch === undefined) continue
    const stored: Record<string, unknown> = {}
    for (const [column, value] of Object.entries(patch)) {
      stored[column] = toStored(value)
      const isOurs = Object.hasOwn(schema.columns, column) || to === version || !isColumnName(column)
      if (isOurs) given.known[column] = value
      else given.between.set(column, stored[column])
    }
    row = { ...row, ...stored }
  }
  return given
}

/** All that is stored of a row, counters and sets put together. */
const storedRow = (entry: Entry): StoredRow => {
  const row = new Map<string, unknown>()
  const parted = new Map<string, unknown>()
  for (const { shape, raw } of entry.valid)
    shape.columns.forEach((field, at) => {
      if (field === DELETED || field === VERSION_FIELD || field.endsWith(KNEW)) return
      const { column, part } = parseField(field)
      if (part === undefined) row.set(column, deepFreeze(raw[FIRST_VALUE + at]))
      else parted.set(column, raw[FIRST_VALUE + at])
    })
  for (const [column, part] of parted)
    row.set(column, typeof part === 'boolean' ? elementsOf(entry, column) : countOf(entry, column))
  return { ...Object.fromEntries(row), id: entry.id }
}

/** The fields to write: those whose value differs from what the row holds. */
const fieldsOf = (
  { table, schema }: TableMigration,
  entry: Entry,
  registers: Registers,
  { known, between }: Given,
): StoredFields => {
  const columns: string[] = []
  const values: unknown[] = []
  const add = (field: string, value: unknown): void => {
    if (JSON.stringify(fieldOf(entry, field)) === JSON.stringify(value)) return
    columns.push(field)
    values.push(value)
  }
  const checked = schema.storePatch(table, entry.id, known)
  checked.columns.forEach((column, at) => {
    const value = checked.values[at]
    const kind = schema.columns[column]?.rule.kind
    // What replicas add in all is theirs; a migration gives what they add to.
    if (kind === 'counter') add(column, (value as number) - countOf(entry, column) + baseOf(entry, column))
    else if (kind === 'set') {
      const parts = registers.ofUpdate({ columns: [column], values: [value] }, entry)
      parts.columns.forEach((field, part) => void add(field, parts.values[part]))
    } else add(column, value)
  })
  for (const [column, value] of between) add(column, value)
  return { columns, values }
}

const baseOf = (entry: Entry, column: string): number => {
  const base = fieldOf(entry, column)
  return typeof base === 'number' ? base : 0
}

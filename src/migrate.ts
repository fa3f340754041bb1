// Versions of a database's data: migrates it on opening, and says when nothing may be written. Knows schemas and row logs; no storage.
import { MerrowError } from './errors.ts'
import type { RowLog } from './rowlog/index.ts'
import { type Schema, stepsAfter } from './schema/index.ts'
import { type MigrationClock, migrateTable, readMinVersion, writeMinVersion } from './table/index.ts'

/** What a {@link VersionGuard} is given to work with. */
export interface VersionGuardOptions {
  /** Name of the database. */
  readonly name: string
  readonly schema: Schema
  /** The table's logs, loaded, by table name. */
  readonly logs: ReadonlyMap<string, RowLog>
  readonly clock: MigrationClock
  /** Told when the data has become read-only. */
  readonly onChange: () => void
}

/** Keeps an app from writing to data that its schema is too old for, or whose migration failed. */
export class VersionGuard {
  readonly #options: VersionGuardOptions
  #reason: MerrowError | undefined

  constructor(options: VersionGuardOptions) {
    this.#options = options
  }

  /** Why the database is read-only; undefined if it is not. */
  get reason(): MerrowError | undefined {
    return this.#reason
  }

  /** The error of a write; undefined while writing is allowed. */
  refuse(): MerrowError | undefined {
    const reason = this.#reason
    if (reason === undefined) return undefined
    return new MerrowError('read_only', `Nothing was written. ${reason.message}`, { cause: reason })
  }

  /** Looks whether a table, in one of its logs, asks for a newer schema than this one. */
  look(table: string, log = this.#options.logs.get(table)): void {
    const { name, schema, onChange } = this.#options
    if (this.#reason !== undefined || log === undefined) return
    const needed = readMinVersion(log)
    if (needed <= schema.version) return
    this.#reason = new MerrowError(
      'read_only',
      `Database "${name}" is read-only here: its data asks for version ${needed} of the schema or a later one, and this app has version ${schema.version}. Update the app; reads work meanwhile.`,
      { table },
    )
    onChange()
  }

  /**
   * Brings loaded tables to the schema's version, one transaction a table, and says what `minVersion` there is. The first table that
   * fails is left as it was, and those after it; the database is read-only then.
   */
  migrate(): void {
    const { schema, logs } = this.#options
    for (const table of logs.keys()) this.look(table)
    for (const [table, log] of logs) if (this.#reason === undefined) this.#migrateTable(table, log)
    for (const log of logs.values()) if (this.#reason === undefined) writeMinVersion(log, schema.minVersion)
  }

  /** Does for a table's log that is loaded later what {@link migrate} does for all. */
  migrateLater(table: string, log: RowLog): void {
    const { schema, onChange } = this.#options
    this.look(table, log)
    if (this.#reason !== undefined) return
    this.#migrateTable(table, log)
    if (this.#reason === undefined) writeMinVersion(log, schema.minVersion)
    else onChange()
  }

  #migrateTable(table: string, log: RowLog): void {
    const { name, schema, clock } = this.#options
    const { version, tables } = schema
    const byVersion = new Map<number, ReturnType<typeof stepsAfter>>()
    const steps = (from: number): ReturnType<typeof stepsAfter> => {
      const known = byVersion.get(from) ?? stepsAfter(schema, table, from)
      byVersion.set(from, known)
      return known
    }
    try {
      migrateTable({ table, schema: tables[table] as never, log, clock, version, stepsAfter: steps })
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause)
      this.#reason = new MerrowError(
        'migration_failed',
        `Database "${name}" is read-only here: the migration of table "${table}" to version ${version} failed, and its rows are as they were: ${why} Mend the step in defineSchema() and open the database again.`,
        { table, cause },
      )
    }
  }
}

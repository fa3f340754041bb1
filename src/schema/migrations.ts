// Versions of a schema, and the steps that carry rows from one to the next: their types, and whether they make sense. Runs none.
import { MerrowError, show } from '../errors.ts'

/** A row as it is stored: its `id` and every column it has, unknown ones included; dates as milliseconds. */
export type StoredRow = Readonly<Record<string, unknown>> & { readonly id: string }

/**
 * Brings one row to a version: gives the columns to write, checked as an update is, or nothing to leave it as it is.
 *
 * Pure: replicas that migrate at once must write the same.
 */
export type MigrateRow = (row: StoredRow) => Readonly<Record<string, unknown>> | undefined

/** One step: what it does to the rows of each table that it changes. */
export interface Migration {
  /** The version that it leads to. */
  readonly to: number
  readonly tables: Readonly<Record<string, MigrateRow>>
}

/** What `defineSchema` takes beside the tables. */
export interface SchemaOptions {
  /** Version of this schema: 1 unless given, raised by one or more whenever rows need a step. */
  readonly version?: number
  /** The oldest version that may still write; older apps that share the data become read-only. */
  readonly minVersion?: number
  /** The steps from any version to this one, in ascending order. Columns and tables that are added need none. */
  readonly migrations?: readonly Migration[]
}

/** Checked versions of a schema. */
export interface Versions {
  readonly version: number
  readonly minVersion: number
  readonly migrations: readonly Migration[]
}

/** Highest version there may be. */
export const MAX_VERSION = 1_000_000

/**
 * Fills in and checks the versions of a schema.
 *
 * @param tables - Names of its tables. A step to an earlier version may name tables that are gone.
 * @throws {@link MerrowError} `invalid_schema`
 */
export const checkVersions = (options: SchemaOptions, tables: readonly string[]): Versions => {
  const { version = 1, minVersion = 1, migrations = [] } = options
  checkVersion('version', version, 1, MAX_VERSION)
  checkVersion('minVersion', minVersion, 1, version)
  let last = 1
  for (const { to, tables: steps } of migrations) {
    checkVersion('migrations: to', to, 2, version)
    if (to <= last)
      throw invalid(`migrations: { to: ${to} } stands after { to: ${last} }. Put them in ascending order, each once.`)
    last = to
    for (const [table, step] of Object.entries(steps ?? {})) {
      if (typeof step !== 'function')
        throw invalid(`migrations: { to: ${to} } gives table "${table}" ${show(step)}. Give a function of its rows.`)
      if (to === version && !tables.includes(table))
        throw invalid(
          `migrations: { to: ${to} } names table "${table}", which the schema does not have. Correct the name.`,
        )
    }
  }
  return { version, minVersion, migrations: Object.freeze([...migrations]) }
}

const checkVersion = (what: string, value: unknown, lowest: number, highest: number): void => {
  if (typeof value === 'number' && Number.isSafeInteger(value) && value >= lowest && value <= highest) return
  throw invalid(`${what} = ${show(value)}: give a whole number from ${lowest} to ${highest}.`)
}

const invalid = (reason: string): MerrowError => new MerrowError('invalid_schema', `defineSchema(): ${reason}`)

/** The steps of one table that lead further than a version, in order. */
export const stepsAfter = (
  { migrations }: Pick<Versions, 'migrations'>,
  table: string,
  version: number,
): readonly { readonly to: number; readonly step: MigrateRow }[] =>
  migrations.flatMap(({ to, tables }) => {
    const step = Object.hasOwn(tables, table) ? tables[table] : undefined
    return step === undefined || to <= version ? [] : [{ to, step }]
  })

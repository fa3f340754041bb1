// A database's tables, checked as a whole. Knows nothing of where they live.
import { MerrowError, show } from '../errors.ts'
import { checkVersions, type SchemaOptions, type Versions } from './migrations.ts'
import { TableSchema } from './table-schema.ts'
import type { Columns, InsertOf, PatchOf, RowOf } from './types.ts'

/** Tables by name. */
// biome-ignore lint/suspicious/noExplicitAny: any table, whatever its columns.
export type Tables = Readonly<Record<string, TableSchema<any>>>

/** A checked set of tables; made by {@link defineSchema}. */
export interface Schema<T extends Tables = Tables> extends Versions {
  readonly tables: T
}

type ColumnsOf<T> = T extends TableSchema<infer C extends Columns> ? C : never

/** The row type of a table: `Row<typeof schema, 'tasks'>`. */
export type Row<S extends Schema, N extends keyof S['tables']> = RowOf<ColumnsOf<S['tables'][N]>>
/** What inserting into a table takes: `Insert<typeof schema, 'tasks'>`. */
export type Insert<S extends Schema, N extends keyof S['tables']> = InsertOf<ColumnsOf<S['tables'][N]>>
/** What updating a table takes: `Patch<typeof schema, 'tasks'>`. */
export type Patch<S extends Schema, N extends keyof S['tables']> = PatchOf<ColumnsOf<S['tables'][N]>>

const TABLE_NAME = /^[A-Za-z][A-Za-z0-9_]{0,63}$/

/**
 * Declares the tables of a database.
 *
 * A table may be called like one of the database's own members (`status`, `transact`, ...); it is then reached by
 * `db.table('status')` alone, which `createDatabase` says once on the console.
 *
 * @param tables - Tables by name; names are `[A-Za-z][A-Za-z0-9_]*`, at most 64 characters.
 * @param options - Its version, and the steps from earlier ones. A step sees each row as it is stored and gives the columns to write;
 * all steps that a table's rows lack run in one transaction when the database opens. What a step throws leaves the table as it
 * was, and the database read-only, `db.status.error` saying why. Rows that older apps go on to write are brought up at the next
 * opening.
 * @throws {@link MerrowError} `invalid_schema` if a name is malformed, a ref points to no table, or versions are out of order.
 *
 * @example
 * defineSchema({ tasks: table({ title: c.string(), priority: c.number() }) }, {
 *   version: 2,
 *   migrations: [{ to: 2, tables: { tasks: (row) => ({ priority: row.urgent ? 1 : 0 }) } }],
 * })
 */
export const defineSchema = <const T extends Tables>(tables: T, options: SchemaOptions = {}): Schema<T> => {
  const names = Object.keys(tables)
  if (names.length === 0)
    throw new MerrowError(
      'invalid_schema',
      'A schema needs at least one table: defineSchema({ tasks: table({ ... }) }).',
    )
  for (const [name, definition] of Object.entries(tables)) {
    if (!TABLE_NAME.test(name))
      throw new MerrowError(
        'invalid_schema',
        `A table cannot be called ${show(name)}: use letters, digits and _, at most 64, a letter first.`,
      )
    if (!(definition instanceof TableSchema))
      throw new MerrowError('invalid_schema', `Table "${name}" is no table: declare it with table({ ... }).`)
    checkRefs(name, definition, names)
  }
  const versions = checkVersions(options, names)
  const atVersion = Object.entries(tables).map(([name, definition]) => [name, definition.at(versions.version)])
  return Object.freeze({ tables: Object.freeze(Object.fromEntries(atVersion)) as T, ...versions })
}

const checkRefs = (table: string, { columns }: TableSchema, names: readonly string[]): void => {
  for (const [column, { target }] of Object.entries(columns)) {
    if (target !== undefined && !names.includes(target))
      throw new MerrowError(
        'invalid_schema',
        `Column "${column}" of table "${table}" refers to table "${target}", which the schema does not have (it has ${names.join(', ')}). Add it or correct the name.`,
      )
  }
}

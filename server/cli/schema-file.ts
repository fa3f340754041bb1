// Schemas from modules: `--schema schema.js`. Knows how a module is loaded; not what its schema is for.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { MerrowError, show } from '../../src/errors.ts'
import type { Schema, TableSchema } from '../../src/schema/index.ts'

/**
 * Loads a schema: the export `schema`, or the default one, of a JavaScript module; of a TypeScript one where Node.js runs those.
 *
 * @throws {@link MerrowError} `invalid_config` saying what the file lacks.
 */
export const loadSchema = async (file: string): Promise<Schema> => {
  const exported = await importModule(file, (reason, cause) => unusable(file, reason, cause))
  const schema = exported['schema'] ?? exported['default']
  if (schema === undefined) throw unusable(file, 'it has neither an export "schema" nor a default export')
  if (!isSchema(schema)) throw unusable(file, 'what it exports was not made by defineSchema()')
  return schema
}

/** One table of a schema. @throws {@link MerrowError} `invalid_config` if it has none of that name. */
export const tableOf = (schema: Schema, name: string): TableSchema => {
  const table = Object.hasOwn(schema.tables, name) ? schema.tables[name] : undefined
  if (table !== undefined) return table
  throw new MerrowError(
    'invalid_config',
    `Option --table: the schema has no table ${show(name)}; it has ${Object.keys(schema.tables).join(', ')}.`,
  )
}

/**
 * Loads a JavaScript module, or a TypeScript one where Node.js runs those.
 *
 * @param unusable - Makes the error that says why it cannot be.
 */
export const importModule = async (
  file: string,
  unusable: (reason: string, cause?: unknown) => MerrowError,
): Promise<Readonly<Record<string, unknown>>> => {
  const path = resolve(file)
  if (!existsSync(path)) throw unusable('there is no such file')
  try {
    return (await import(pathToFileURL(path).href)) as Readonly<Record<string, unknown>>
  } catch (cause) {
    const isUnknownKind = (cause as NodeJS.ErrnoException)?.code === 'ERR_UNKNOWN_FILE_EXTENSION'
    const reason = isUnknownKind
      ? `Node.js ${process.versions.node} does not run such files; compile it to JavaScript`
      : `it cannot be loaded: ${cause instanceof Error ? cause.message : String(cause)}`
    throw unusable(reason, cause)
  }
}

// By shape, not by class: an app's own copy of Merrow may have made it.
/** Whether a value was made by `defineSchema`. */
export const isSchema = (value: unknown): value is Schema =>
  typeof value === 'object' &&
  value !== null &&
  'tables' in value &&
  typeof value.tables === 'object' &&
  value.tables !== null &&
  Object.values(value.tables).every((table: Partial<TableSchema>) => typeof table?.storeInsert === 'function')

const unusable = (file: string, reason: string, cause?: unknown): MerrowError =>
  new MerrowError(
    'invalid_config',
    `Schema ${show(file)} cannot be used: ${reason}. Give a module with "export const schema = defineSchema({ ... })".`,
    { cause },
  )

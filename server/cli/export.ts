// `merrow export`: the rows of one table as a file that `merrow import` reads. Knows the arguments and the formats' names.

import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { extname } from 'node:path'
import type { Writable } from 'node:stream'
import { MerrowError, show } from '../../src/errors.ts'
import { type Arguments, invalidArguments, readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { formatRows } from './export/format-rows.ts'
import { FORMATS, type Format } from './import/importer.ts'
import { isThere, openPlace, PLACE_OPTIONS, PLACE_USAGE, readPlace } from './place.ts'
import { loadSchema, tableOf } from './schema-file.ts'

const STDOUT = '-'

/** Exports a table. */
export const command: Command = {
  usage: `Usage: merrow export [file.csv|.ndjson|.json] --table <name> --schema <module> --db <name> (--store <folder> | --relay <url>)

The file: standard output without one, or as "-". It gets its name once it is whole.
  --table <name>        the table
  --schema <module>     module that exports defineSchema(...) as "schema" or by default
${PLACE_USAGE}
  --format <format>     csv, ndjson or json; by the file's name if left out, csv on standard output
  --delimiter <char>    between cells (,), or "tab"
  --with-deleted        soft-deleted rows too, and a column deletedAt; import it with --with-deleted
  --formula-safe        put ' before cells that a spreadsheet would run; what is imported then has it too

Exit codes: 0 written, 1 failed.
`,
  async run(args, env) {
    const options = readOptions(readArguments('export', args, NAMES), env)
    const { place, table, file } = options
    const schema = await loadSchema(options.schema)
    const tableSchema = tableOf(schema, table)
    if (!isThere(place))
      throw new MerrowError('invalid_config', `There is no store of database "${place.name}" in the folder of --store.`)
    const db = await openPlace(place, schema)
    try {
      const rows = db.table(table).rows({ withDeleted: options.withDeleted }) as Iterable<
        Readonly<Record<string, unknown>>
      >
      const pieces = formatRows(rows, { ...options, schema: tableSchema })
      const count = file === STDOUT ? await writeAll(process.stdout, pieces) : await writeFile(file, pieces)
      if (file !== STDOUT) console.error(`Exported ${count} rows of ${table} to ${file}.`)
      return 0
    } finally {
      await db.close()
    }
  },
}

const NAMES = {
  values: ['table', 'schema', ...PLACE_OPTIONS, 'format', 'delimiter'],
  flags: ['with-deleted', 'formula-safe'],
}

const readOptions = (given: Arguments, env: Readonly<NodeJS.ProcessEnv>) => {
  const { values, flags, positionals, faults } = given
  const [file = STDOUT, ...more] = positionals
  if (more.length > 0) faults.push(`One file at a time: ${more.map(show).join(', ')} is one too many.`)
  for (const name of ['table', 'schema']) if (!values.has(name)) faults.push(`Option --${name} is missing.`)
  const place = readPlace(given, env)
  const name = values.get('format') ?? (file === STDOUT ? 'csv' : extname(file).slice(1).toLowerCase())
  const format = FORMATS.find((candidate) => candidate === name)
  if (format === undefined) faults.push(`Format ${show(name)} is not one of ${FORMATS.join(', ')}: give --format.`)
  const delimiter = values.get('delimiter') === 'tab' ? '\t' : (values.get('delimiter') ?? ',')
  if (delimiter.length !== 1 || /["\r\n]/.test(delimiter))
    faults.push(`Option --delimiter: ${show(delimiter)} is not one character, or no possible one.`)
  if (faults.length > 0) throw invalidArguments(faults)
  return {
    ...{ file, place, delimiter },
    format: format as Format,
    table: values.get('table') as string,
    schema: values.get('schema') as string,
    withDeleted: flags.has('with-deleted'),
    isFormulaSafe: flags.has('formula-safe'),
  }
}

/** Under another name until it is whole, so that nobody takes a part of it for the table. */
const writeFile = async (file: string, pieces: Iterable<string>): Promise<number> => {
  const unfinished = `${file}.unfinished`
  const stream = createWriteStream(unfinished)
  try {
    const count = await writeAll(stream, pieces)
    stream.end()
    await once(stream, 'close')
    await rename(unfinished, file)
    return count
  } catch (cause) {
    stream.destroy()
    await rm(unfinished, { force: true })
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MerrowError('invalid_config', `File ${show(file)} cannot be written: ${reason}.`, { cause })
  }
}

/** @returns How many rows there were: pieces but the first and the last. */
const writeAll = async (stream: Writable, pieces: Iterable<string>): Promise<number> => {
  const failed = once(stream, 'error').then(([error]) => {
    // Whoever reads our output may have enough of it, as `head` does.
    if (stream === process.stdout && (error as NodeJS.ErrnoException).code === 'EPIPE') process.exit(0)
    throw error
  })
  failed.catch(() => {})
  let count = -2
  for (const piece of pieces) {
    count += 1
    if (!stream.write(piece)) await Promise.race([once(stream, 'drain'), failed])
  }
  return count
}

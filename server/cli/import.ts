// `merrow import`: a file's rows into one table, all or none. Knows the arguments and what an import is made of.
import { createReadStream, statSync } from 'node:fs'
import { extname, resolve } from 'node:path'
import { openBulkInsert } from '../../src/bulk-insert.ts'
import { MerrowError, show } from '../../src/errors.ts'
import { type IdScheme, type Schema, snowflake, type TableSchema } from '../../src/index.ts'
import { lmdb, memory } from '../../src/storage/index.ts'
import { type Arguments, invalidArguments, readArguments } from './arguments.ts'
import type { Command } from './command.ts'
import { BulkTarget } from './import/bulk-target.ts'
import { FORMATS, type Format, readRows } from './import/importer.ts'
import { Progress } from './import/progress.ts'
import { RefusedRecords } from './import/refused.ts'
import { RowMapper } from './import/row-mapper.ts'
import { TableTarget } from './import/table-target.ts'
import type { RowTarget, Written } from './import/target.ts'
import { inTime, isThere, openPlace, PLACE_OPTIONS, PLACE_USAGE, readPlace } from './place.ts'
import { loadSchema, tableOf } from './schema-file.ts'

/** What the exit code says when records were refused. */
const REFUSED_CODE = 3
const READ_BYTES = 256 * 1024
const STDIN = '-'

/** Imports a file. */
export const command: Command = {
  usage: `Usage: merrow import <file.csv|.ndjson|.json> --table <name> --schema <module> --db <name> (--store <folder> | --relay <url>)

The file: "-" is standard input. CSV names its columns in the first line; .json is one array of objects, .ndjson one object a line.
  --table <name>        the table
  --schema <module>     module that exports defineSchema(...) as "schema" or by default
${PLACE_USAGE}
How to read it:
  --format <format>     csv, ndjson or json, whatever the file is called
  --delimiter <char>    between cells; found in the first line (, ; | or "tab")
  --encoding <name>     utf-8 unless a byte order mark says otherwise; or utf-16le, windows-1252, shift_jis, ...
  --map <there>=<here>  a column is called otherwise in the file; may be given several times
  --ignore <column>     leave a column of the file out; may be given several times
  --ignore-unknown      leave out all that the table does not have

What to do:
  --key <column>        change the row that has this value (or id) already, insert the others
  --with-deleted        a column deletedAt says which rows are soft-deleted
  --user <name>         who the rows are by
  --ids <scheme>        ids of records that bring none: uuid, the default, or snowflake, or snowflake:<worker>
  --dry-run             write nothing, say what would be
  --skip-refused        import the rest when records are refused; otherwise nothing is imported
  --report <file>       write refused records there, each under the reason; mend them and import that file

Exit codes: 0 all records are in (or would be), 1 failed and nothing imported, 3 records were refused.
`,
  async run(args, env) {
    const options = readOptions(readArguments('import', args, NAMES), env)
    const schema = await loadSchema(options.schema)
    const mapper = new RowMapper(options.table, tableOf(schema, options.table), options)
    const refused = new RefusedRecords(options.report)
    try {
      const target = await openTarget(options, schema)
      try {
        return await runImport({ options, mapper, target, refused })
      } finally {
        await target.close()
      }
    } finally {
      refused.close()
    }
  },
}

const NAMES = {
  values: ['table', 'schema', ...PLACE_OPTIONS, 'format', 'delimiter', 'encoding', 'key', 'user', 'ids', 'report'],
  lists: ['map', 'ignore'],
  flags: ['ignore-unknown', 'with-deleted', 'dry-run', 'skip-refused'],
}

type Options = ReturnType<typeof readOptions>

const readOptions = (given: Arguments, env: Readonly<NodeJS.ProcessEnv>) => {
  const { values, lists, flags, positionals, faults } = given
  const [file = '', ...more] = positionals
  if (file === '') faults.push('Name the file to import, or "-" for standard input.')
  if (more.length > 0) faults.push(`One file at a time: ${more.map(show).join(', ')} is one too many.`)
  for (const name of ['table', 'schema']) if (!values.has(name)) faults.push(`Option --${name} is missing.`)
  const place = readPlace(given, env)
  const format = formatOf(values.get('format') ?? extname(file).slice(1).toLowerCase(), faults)
  const report = values.get('report')
  if (report !== undefined && resolve(report) === resolve(file)) faults.push('Option --report names the file itself.')
  if (report !== undefined && format !== 'csv' && extname(report) !== '.ndjson')
    faults.push('Option --report: refused JSON records are written one a line, so call the file .ndjson.')
  const delimiter = values.get('delimiter') === 'tab' ? '\t' : values.get('delimiter')
  if (delimiter !== undefined && (delimiter.length !== 1 || /["\r\n]/.test(delimiter)))
    faults.push(`Option --delimiter: ${show(delimiter)} is not one character, or no possible one.`)
  const renamed = readRenamed(lists.get('map') ?? [], faults)
  const ids = readIds(values.get('ids') ?? 'uuid', faults)
  if (faults.length > 0) throw invalidArguments(faults)
  return {
    ...{ file, place, format, report, delimiter, renamed, ids },
    table: values.get('table') as string,
    schema: values.get('schema') as string,
    encoding: values.get('encoding'),
    key: values.get('key'),
    user: values.get('user'),
    ignored: new Set(lists.get('ignore')),
    ignoresUnknown: flags.has('ignore-unknown'),
    withDeleted: flags.has('with-deleted'),
    isPartial: values.has('key'),
    isDryRun: flags.has('dry-run'),
    skipsRefused: flags.has('skip-refused'),
  }
}

const formatOf = (name: string, faults: string[]): Format => {
  const format = FORMATS.find((candidate) => candidate === name)
  if (format === undefined) faults.push(`Format ${show(name)} is not one of ${FORMATS.join(', ')}: give --format.`)
  return format ?? 'csv'
}

/** How ids are made; undefined for UUIDs. */
const readIds = (scheme: string, faults: string[]): IdScheme | undefined => {
  const [, worker] = /^snowflake(?::(\d{1,4}))?$/.exec(scheme) ?? ['', '1024']
  if (scheme !== 'uuid' && Number(worker ?? 0) > 1023)
    faults.push(`Option --ids: ${show(scheme)} is not uuid, snowflake or snowflake:<worker>, a number from 0 to 1023.`)
  else if (scheme !== 'uuid') return snowflake(worker === undefined ? {} : { worker: Number(worker) })
  return undefined
}

const readRenamed = (pairs: readonly string[], faults: string[]): ReadonlyMap<string, string> =>
  new Map(
    pairs.map((pair): [string, string] => {
      const at = pair.lastIndexOf('=')
      if (at <= 0 || at === pair.length - 1) faults.push(`Option --map: ${show(pair)} is not <there>=<here>.`)
      return [pair.slice(0, at), pair.slice(at + 1)]
    }),
  )

/** Whether rows have to be looked at together with those that are there, or spread over documents. */
const needsTable = ({
  lookups,
  partition,
}: TableSchema & { readonly lookups?: { readonly indexes: readonly { readonly isUnique: boolean }[] } }): boolean =>
  partition !== undefined || (lookups?.indexes.some(({ isUnique }) => isUnique) ?? false)

/** New rows go straight into a store; keys, unique columns, partitions, soft deletes and relays need the table open. */
const openTarget = async (options: Options, schema: Schema): Promise<RowTarget> => {
  const { place, table, key, user, ids, withDeleted, isDryRun } = options
  const known = schema.tables[table]
  if (key !== undefined && key !== 'id' && !Object.hasOwn(known?.columns ?? {}, key))
    throw invalidArguments([`Option --key: table "${table}" has no column ${show(key)}.`])
  if (place.kind === 'store' && key === undefined && !withDeleted && !needsTable(tableOf(schema, table))) {
    // A dry run makes no store.
    const storage = isDryRun && !isThere(place) ? memory() : lmdb({ path: place.folder })
    return new BulkTarget(await openBulkInsert({ name: place.name, schema, table, storage, user, ids }))
  }
  const db = await openPlace(place, schema, { user, ids, isTrial: isDryRun })
  const isStore = place.kind === 'store'
  const written = () => (isStore ? db.saved() : inTime(db, place, db.acknowledged()))
  return new TableTarget({ db, schema, table, key, isOneTransaction: isStore, written })
}

interface Import {
  readonly options: Options
  readonly mapper: RowMapper
  readonly target: RowTarget
  readonly refused: RefusedRecords
}

const runImport = async ({ options, mapper, target, refused }: Import): Promise<number> => {
  const { file, isDryRun, skipsRefused } = options
  const progress = new Progress(process.stderr, file === STDIN ? undefined : sizeOf(file))
  const records = await readRows(openFile(file), { ...options, mapper, target, refused, progress })
  const isHeldBack = refused.count > 0 && !skipsRefused
  const written = isDryRun || isHeldBack ? target.count() : await target.commit()
  for (const line of refused.shown) console.error(`merrow: ${line}`)
  console.log(summaryOf(options, { records, refused: refused.count, written, isHeldBack }))
  return refused.count > 0 ? REFUSED_CODE : 0
}

const sizeOf = (file: string): number => {
  try {
    return statSync(file).size
  } catch (cause) {
    throw new MerrowError('invalid_config', `File ${show(file)} cannot be read: there is none, or it may not be.`, {
      cause,
    })
  }
}

const openFile = (file: string): AsyncIterable<Buffer> =>
  file === STDIN ? process.stdin : createReadStream(file, { highWaterMark: READ_BYTES })

interface Outcome {
  readonly records: number
  readonly refused: number
  readonly written: Written
  readonly isHeldBack: boolean
}

const summaryOf = (
  { table, isDryRun, report }: Options,
  { records, refused, written, isHeldBack }: Outcome,
): string => {
  const { inserted, changed, unchanged } = written
  const counts = `${inserted} inserted${changed + unchanged > 0 ? `, ${changed} changed, ${unchanged} as they were` : ''}`
  const where = report === undefined ? 'see them all with --report <file>' : `see ${report}`
  const lost = refused === 0 ? '' : `; ${refused} of ${records} records refused, ${where}`
  if (isHeldBack)
    return `Nothing imported into ${table}${lost}. Mend them, or give --skip-refused to import the other ${records - refused}.`
  return `${isDryRun ? `Dry run, nothing written: ${table} would have` : `Imported into ${table}:`} ${counts}${lost}.`
}

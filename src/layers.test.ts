// Holds the layer rules: imports point downwards, without cycles, and each outside package has its place.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const root = normalize(join(dirname(fileURLToPath(import.meta.url)), '..'))

/** Layers of `src` and `server`, lowest first. A file may import its own layer and those below. */
const LAYERS: readonly (readonly string[])[] = [
  ['src/errors.ts', 'src/stamp.ts', 'src/ids.ts', 'src/listeners.ts', 'src/turn.ts'],
  ['src/snowflake.ts', 'src/status.ts'],
  ['src/schema/'],
  ['src/rowlog/', 'src/storage/'],
  ['src/table/', 'src/sync/'],
  ['src/query/', 'src/backend/'],
  ['src/view/'],
  ['src/migrate.ts', 'src/delivery.ts', 'src/compactor.ts', 'src/bring-in.ts', 'src/store-marks.ts'],
  ['src/forks.ts'],
  ['src/fork-mender.ts'],
  ['src/partitions/'],
  ['src/database-types.ts'],
  ['src/database.ts'],
  ['src/bulk-insert.ts'],
  ['src/index.ts', 'src/react/', 'src/editor/', 'src/devtools/', 'src/testing/'],
  ['server/logger.ts', 'server/version.ts'],
  ['server/log/', 'server/bus/'],
  ['server/prometheus.ts'],
  ['server/metrics.ts'],
  ['server/guard/', 'server/auth/'],
  ['server/room/'],
  ['server/http/'],
  ['server/settings.ts', 'server/limits.ts'],
  ['server/config.ts'],
  ['server/relay.ts'],
  ['server/index.ts'],
  ['server/cli/'],
  ['server/main.ts'],
  ['bench/'],
  ['demo/'],
]

/** Where an outside package may be imported. */
const PLACES: Readonly<Record<string, readonly string[]>> = {
  yjs: ['src/rowlog/', 'src/sync/', 'src/editor/', 'server/guard/', 'server/room/', 'bench/'],
  jose: ['server/auth/'],
  'y-indexeddb': ['src/storage/'],
  lmdb: ['src/storage/', 'server/log/'],
  'sorted-btree': ['src/query/'],
  minisearch: ['src/query/'],
  hono: ['server/http/', 'bench/backend/'],
  '@hono/node-server': ['server/http/', 'bench/backend/'],
  pino: ['server/logger.ts'],
  'prom-client': ['server/prometheus.ts'],
  '@opentelemetry/api': ['server/metrics.ts'],
  react: ['src/react/', 'demo/'],
  'react-dom': ['src/react/', 'demo/'],
}

const IMPORT =
  /(?:import|export)\s[^'"]*?from\s*['"]([^'"]+)['"]|import\s*\(\s*['"]([^'"]+)['"]\s*\)|^import\s+['"]([^'"]+)['"]/gm

const files = ['src', 'server', 'demo', 'bench'].flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name.replaceAll('\\', '/')}`)
    .filter((name) => /\.(ts|tsx|js)$/.test(name)),
)
const isTest = (file: string): boolean => /\.test(-d)?\.tsx?$|(?<!^src)\/testing\/|contract\.ts$/.test(file)
const sources = files.filter((file) => !isTest(file))

const importsOf = (file: string): string[] => {
  const text = readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '')
  return Array.from(text.matchAll(IMPORT), (match) => match[1] ?? match[2] ?? match[3] ?? '')
}
const resolve = (file: string, specifier: string): string =>
  relative(root, join(root, dirname(file), specifier)).replaceAll('\\', '/')
const layerOf = (file: string): number => LAYERS.findIndex((layer) => layer.some((place) => file.startsWith(place)))
const packageOf = (specifier: string): string =>
  specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')

it('[A1] every source file belongs to a layer', () => {
  expect(sources.length).toBeGreaterThan(30)
  expect(sources.filter((file) => layerOf(file) < 0)).toEqual([])
})

it('[A2] imports point downwards, types included', () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => specifier.startsWith('.'))
      .map((specifier) => resolve(file, specifier))
      .filter((target) => {
        const [from, to] = [layerOf(file), layerOf(target)]
        const sibling =
          from === to &&
          folderOf(file) !== folderOf(target) &&
          (LAYERS[from]?.length ?? 0) > 1 &&
          folderOf(target).split('/').length > 1
        return to > from || sibling
      })
      .map((target) => `${file} -> ${target}`),
  )
  expect(wrong).toEqual([])
})

it('[A3] no file imports itself by any way round', () => {
  const graph = new Map(
    sources.map((file) => [
      file,
      importsOf(file)
        .filter((s) => s.startsWith('.'))
        .map((s) => resolve(file, s)),
    ]),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const visit = (file: string, path: readonly string[]): void => {
    if (path.includes(file)) cycles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
    if (done.has(file) || path.includes(file)) return
    for (const next of graph.get(file) ?? []) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of graph.keys()) visit(file, [])
  expect(cycles).toEqual([])
})

it('[A4] outside packages are imported in their places alone', () => {
  const wrong = sources.flatMap((file) =>
    importsOf(file)
      .filter((specifier) => !specifier.startsWith('.'))
      .filter((specifier) => PLACES[packageOf(specifier)]?.some((place) => file.startsWith(place)) === false)
      .map((specifier) => `${file} -> ${specifier}`),
  )
  expect(wrong).toEqual([])
})

it('[A5] indexedDB is touched in storage alone', () => {
  const touching = sources.filter((file) =>
    /\bindexedDB\b\s*[.)?!=]/.test(readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, '')),
  )
  expect(touching.filter((file) => !file.startsWith('src/storage/') && !file.startsWith('demo/'))).toEqual([])
})

const folderOf = (file: string): string => file.split('/').slice(0, 2).join('/')

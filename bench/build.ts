// Which Merrow is measured: the built one that apps get if it is up to date, else the source. Knows files alone.
import { existsSync, readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type * as Merrow from '../src/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const built = join(root, 'dist/src/index.js')

const isUpToDate = (): boolean => {
  if (!existsSync(built)) return false
  const builtAtMs = statSync(built).mtimeMs
  return ['src', 'server'].every((folder) =>
    readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
      .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
      .every((path) => statSync(join(root, folder, path)).mtimeMs <= builtAtMs),
  )
}

/** `build`, or `source`, which tsx makes somewhat slower by naming every function at run time. */
export const measuredBuild: 'build' | 'source' = isUpToDate() ? 'build' : 'source'

/** What an import is made of. */
export const loadImporter = async () => {
  const load = async <T>(path: string): Promise<T> =>
    (await import(measuredBuild === 'build' ? join(root, 'dist', `${path}.js`) : `../${path}.ts`)) as T
  return {
    ...(await load<typeof import('../src/bulk-insert.ts')>('src/bulk-insert')),
    ...(await load<typeof import('../src/storage/index.ts')>('src/storage/index')),
    ...(await load<typeof import('../server/cli/import/bulk-target.ts')>('server/cli/import/bulk-target')),
    ...(await load<typeof import('../server/cli/import/importer.ts')>('server/cli/import/importer')),
    ...(await load<typeof import('../server/cli/import/progress.ts')>('server/cli/import/progress')),
    ...(await load<typeof import('../server/cli/import/refused.ts')>('server/cli/import/refused')),
    ...(await load<typeof import('../server/cli/import/row-mapper.ts')>('server/cli/import/row-mapper')),
  }
}

/** Merrow's public names. */
export const loadMerrow = async (): Promise<typeof Merrow> =>
  (await import(measuredBuild === 'build' ? built : '../src/index.ts')) as typeof Merrow

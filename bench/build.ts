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
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
    .every((path) => statSync(join(root, 'src', path)).mtimeMs <= builtAtMs)
}

/** `build`, or `source`, which tsx makes somewhat slower by naming every function at run time. */
export const measuredBuild: 'build' | 'source' = isUpToDate() ? 'build' : 'source'

/** Merrow's public names. */
export const loadMerrow = async (): Promise<typeof Merrow> =>
  (await import(measuredBuild === 'build' ? built : '../src/index.ts')) as typeof Merrow

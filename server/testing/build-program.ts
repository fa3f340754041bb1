// Programs of ours in one file of JavaScript, for tests that start them often: a process that compiles is slow to start.
import { cpSync, rmSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url))

/**
 * Compiles a program, with everything but native code, into a folder of its own that {@link removeProgram} removes.
 *
 * @param entry - Its module, from this folder.
 * @returns Its file.
 */
export const buildProgram = async (entry: string): Promise<string> => {
  const name = basename(entry, '.ts')
  const outDir = source(`../../.scratch/${name}-${process.pid}`)
  await build({
    configFile: false,
    ssr: { noExternal: true, external: ['lmdb'] },
    logLevel: 'silent',
    build: {
      ssr: source(entry),
      outDir,
      emptyOutDir: true,
      minify: false,
      target: 'node20',
      rollupOptions: { output: { codeSplitting: false } },
    },
  })
  // Rooms find their worker beside themselves.
  cpSync(source('../room/snapshot-worker.js'), join(outDir, 'snapshot-worker.js'))
  return join(outDir, `${name}.js`)
}

/** Removes a program with its folder. */
export const removeProgram = (file: string): void => rmSync(dirname(file), { recursive: true, force: true })

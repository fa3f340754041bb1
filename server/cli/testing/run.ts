// Commands run in this process, on files of a folder that goes with the test.
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { vi } from 'vitest'
import { createDatabase, type Database, MerrowError } from '../../../src/index.ts'
import { lmdb } from '../../../src/storage/index.ts'
import { testFolder } from '../../testing/folder.ts'
import type { Command } from '../command.ts'
import { command as exportCommand } from '../export.ts'
import { command as importCommand } from '../import.ts'
import { schema } from './schema.ts'

/** The file that `--schema` names. */
export const SCHEMA_FILE = fileURLToPath(new URL('./schema.ts', import.meta.url))

/** What a command came to. */
export interface Outcome {
  /** Exit code; 1 if it threw what a user can mend. */
  readonly code: number
  /** Its sentences: what it printed, or what it threw. */
  readonly text: string
}

const run = async (command: Command, args: readonly string[]): Promise<Outcome> => {
  const lines: string[] = []
  const print = (line: unknown): void => void lines.push(String(line))
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(print),
    vi.spyOn(console, 'error').mockImplementation(print),
  ]
  try {
    return { code: (await command.run(args, {})) ?? 0, text: lines.join('\n') }
  } catch (error) {
    if (!(error instanceof MerrowError)) throw error
    return { code: 1, text: error.message }
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
}

/** A folder with a store, and the commands on it. */
export const createBench = () => {
  const folder = testFolder()
  const store = join(folder, 'store')
  const schemaFile = (args: readonly string[]): readonly string[] =>
    args.includes('--schema') ? [] : ['--schema', SCHEMA_FILE]
  const write = (name: string, content: string | Buffer): string => {
    const file = join(folder, name)
    writeFileSync(file, content)
    return file
  }
  const table = (args: readonly string[]): readonly string[] => (args.includes('--table') ? [] : ['--table', 'people'])
  const place = (args: readonly string[]): readonly string[] =>
    args.includes('--relay') || args.includes('--store') ? [] : ['--store', store]
  const named = (args: readonly string[]) => ['--db', 'acme', ...schemaFile(args), ...table(args), ...place(args)]
  return {
    folder,
    store,
    write,
    /** Imports a file, or a content under a name. */
    import: (file: string, ...args: string[]) => run(importCommand, [file, ...named(args), ...args]),
    export: (file: string, ...args: string[]) => run(exportCommand, [file, ...named(args), ...args]),
    /** What `look` sees in the store. */
    async read<T>(look: (db: Database<typeof schema>) => T | Promise<T>, path = store): Promise<T> {
      const db = await createDatabase({ name: 'acme', schema, storage: lmdb({ path }) })
      try {
        return await look(db)
      } finally {
        await db.close()
      }
    },
  }
}

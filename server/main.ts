#!/usr/bin/env node
// The command line: finds the command and runs it. Prints sentences, not stack traces. Knows the commands by their port alone.
import { show } from '../src/errors.ts'
import type { Command } from './cli/command.ts'
import { reportError } from './cli/report-error.ts'
import { version } from './version.ts'

/** One of the commands: what it does in a few words, and the module of it. */
interface Listed {
  readonly summary: string
  readonly load: () => Promise<{ readonly command: Command }>
}

/** The commands, as `--help` lists them. Each is loaded when it is asked for: a relay that starts again has no time for those of others. */
const COMMANDS: Readonly<Record<string, Listed>> = {
  relay: { summary: 'run a relay', load: () => import('./cli/relay.ts') },
  token: { summary: 'sign a token for development', load: () => import('./cli/token.ts') },
  revoke: { summary: "revoke a user's tokens", load: () => import('./cli/revoke.ts') },
  bridge: { summary: 'send to backends for all devices', load: () => import('./cli/bridge.ts') },
  import: { summary: 'read a CSV or JSON file into a table', load: () => import('./cli/import.ts') },
  export: { summary: 'write a table to a CSV or JSON file', load: () => import('./cli/export.ts') },
  inspect: { summary: 'say what a document is made of', load: () => import('./cli/inspect.ts') },
  snapshots: {
    summary: 'list the snapshots of a document, or all documents',
    load: () => import('./cli/snapshots.ts'),
  },
  restore: { summary: 'bring a document back to a snapshot', load: () => import('./cli/restore.ts') },
  backup: { summary: 'copy the data folder of a relay, running or not', load: () => import('./cli/backup.ts') },
  verify: { summary: 'read every record of a data folder', load: () => import('./cli/verify.ts') },
}

const help = (): string =>
  [
    `merrow ${version()}: a collaborative data layer`,
    '',
    ...Object.entries(COMMANDS).map(([name, { summary }]) => `  ${`merrow ${name} [options]`.padEnd(28)}${summary}`),
    '',
    'merrow <command> --help says more; merrow --version names the version.',
  ].join('\n')

/** @returns The exit code; undefined while a command goes on. */
const run = async (args: readonly string[]): Promise<number | undefined> => {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(help())
  if (name === '--version') return print(version())
  const listed = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (listed === undefined) {
    const known = Object.keys(COMMANDS).join(', ')
    console.error(`merrow: there is no command ${show(name)}; there are ${known}. Try "merrow --help".`)
    return 2
  }
  const { command } = await listed.load()
  if (rest.includes('--help') || rest.includes('-h')) return print(command.usage.trimEnd())
  return command.run(rest, process.env)
}

const print = (text: string): undefined => console.log(text) as undefined

run(process.argv.slice(2)).then(
  (code) => {
    if (code !== undefined) process.exitCode = code
  },
  (error: unknown) => {
    reportError(error)
    process.exit(1)
  },
)

#!/usr/bin/env node
// The command line: finds the command and runs it. Prints sentences, not stack traces. Knows the commands by their port alone.
import { show } from '../src/errors.ts'
import { backupCommand } from './cli/backup.ts'
import { bridgeCommand } from './cli/bridge.ts'
import type { Command } from './cli/command.ts'
import { exportCommand } from './cli/export.ts'
import { importCommand } from './cli/import.ts'
import { inspectCommand } from './cli/inspect.ts'
import { relayCommand } from './cli/relay.ts'
import { reportError } from './cli/report-error.ts'
import { restoreCommand } from './cli/restore.ts'
import { revokeCommand } from './cli/revoke.ts'
import { snapshotsCommand } from './cli/snapshots.ts'
import { tokenCommand } from './cli/token.ts'
import { verifyCommand } from './cli/verify.ts'
import { version } from './relay.ts'

/** The commands, as `--help` lists them. */
const COMMANDS: readonly Command[] = [
  relayCommand,
  tokenCommand,
  revokeCommand,
  bridgeCommand,
  importCommand,
  exportCommand,
  inspectCommand,
  snapshotsCommand,
  restoreCommand,
  backupCommand,
  verifyCommand,
]

const help = (): string =>
  [
    `merrow ${version()}: a collaborative data layer`,
    '',
    ...COMMANDS.map(({ name, summary }) => `  ${`merrow ${name} [options]`.padEnd(28)}${summary}`),
    '',
    'merrow <command> --help says more; merrow --version names the version.',
  ].join('\n')

/** @returns The exit code; undefined while a command goes on. */
const run = async (args: readonly string[]): Promise<number | undefined> => {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(help())
  if (name === '--version') return print(version())
  const command = COMMANDS.find((candidate) => candidate.name === name)
  if (command === undefined) {
    const known = COMMANDS.map((candidate) => candidate.name).join(', ')
    console.error(`merrow: there is no command ${show(name)}; there are ${known}. Try "merrow --help".`)
    return 2
  }
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

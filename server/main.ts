#!/usr/bin/env node
// The command line: finds the command and runs it. Prints sentences, not stack traces. Knows the commands by their port alone.
import { show } from '../src/errors.ts'
import type { Command } from './cli/command.ts'
import { reportError } from './cli/report-error.ts'
import { version } from './version.ts'

/** The commands, as `--help` lists them. Each is loaded when it is asked for: a relay that starts again has no time for those of others. */
const COMMANDS: Readonly<Record<string, () => Promise<Command>>> = {
  relay: async () => (await import('./cli/relay.ts')).relayCommand,
  token: async () => (await import('./cli/token.ts')).tokenCommand,
  revoke: async () => (await import('./cli/revoke.ts')).revokeCommand,
  bridge: async () => (await import('./cli/bridge.ts')).bridgeCommand,
  import: async () => (await import('./cli/import.ts')).importCommand,
  export: async () => (await import('./cli/export.ts')).exportCommand,
  inspect: async () => (await import('./cli/inspect.ts')).inspectCommand,
  snapshots: async () => (await import('./cli/snapshots.ts')).snapshotsCommand,
  restore: async () => (await import('./cli/restore.ts')).restoreCommand,
  backup: async () => (await import('./cli/backup.ts')).backupCommand,
  verify: async () => (await import('./cli/verify.ts')).verifyCommand,
}

const help = async (): Promise<string> => {
  const commands = await Promise.all(Object.values(COMMANDS).map((load) => load()))
  return [
    `merrow ${version()}: a collaborative data layer`,
    '',
    ...commands.map(({ name, summary }) => `  ${`merrow ${name} [options]`.padEnd(28)}${summary}`),
    '',
    'merrow <command> --help says more; merrow --version names the version.',
  ].join('\n')
}

/** @returns The exit code; undefined while a command goes on. */
const run = async (args: readonly string[]): Promise<number | undefined> => {
  const [name, ...rest] = args
  if (name === undefined || name === '--help' || name === '-h' || name === 'help') return print(await help())
  if (name === '--version') return print(version())
  const load = Object.hasOwn(COMMANDS, name) ? COMMANDS[name] : undefined
  if (load === undefined) {
    const known = Object.keys(COMMANDS).join(', ')
    console.error(`merrow: there is no command ${show(name)}; there are ${known}. Try "merrow --help".`)
    return 2
  }
  const command = await load()
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

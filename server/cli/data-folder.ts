// The data folder that a command reads, and how it shows what it found. Knows arguments and the environment; no command.
import { resolve } from 'node:path'
import { type Arguments, invalidArguments } from './arguments.ts'

/** The data folder: of `--data`, else of the environment, else the one that `merrow relay` uses without a word. */
export const dataFolder = ({ values }: Arguments, env: Readonly<NodeJS.ProcessEnv>): string =>
  resolve(values.get('data') ?? env['MERROW_DATA'] ?? './merrow-data')

/** Usage line of `--data`. */
export const DATA_USAGE = '  --data <folder>       data folder of the relay (./merrow-data, MERROW_DATA)'

/** What stands beside the options; throws all faults, and if it is not what is wanted. */
export const positionalsOf = ({ positionals, faults }: Arguments, ...wanted: readonly string[]): readonly string[] => {
  for (const name of wanted.slice(positionals.length)) faults.push(`Give the ${name}.`)
  for (const extra of positionals.slice(wanted.length)) faults.push(`Argument "${extra}" is not understood.`)
  if (faults.length > 0) throw invalidArguments(faults)
  return positionals
}

/** A time as it is shown and compared: ISO, in UTC. */
export const timeOf = (ms: number): string => new Date(ms).toISOString()

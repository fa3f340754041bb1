// The arguments of a command: options with values, flags, and what is neither. Names all faults at once. Knows no command.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MerrowError, show } from '../../src/errors.ts'

/** The options of a command. */
export interface OptionNames {
  /** Options with a value. */
  readonly values: readonly string[]
  /** Options with a value that may be given several times. */
  readonly lists?: readonly string[]
  /** Options without a value. */
  readonly flags?: readonly string[]
}

/** Arguments, told apart. */
export interface Arguments {
  readonly values: ReadonlyMap<string, string>
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly flags: ReadonlySet<string>
  readonly positionals: readonly string[]
  /** What is wrong so far, as sentences; a command adds its own, and throws {@link invalidArguments} if there is any. */
  readonly faults: string[]
}

/** Tells the arguments after a command's name apart. */
export const readArguments = (command: string, args: readonly string[], names: OptionNames): Arguments => {
  const { values: single, lists: several = [], flags: plain = [] } = names
  const options = Object.fromEntries([
    ...[...single, ...several].map((name) => [name, { type: 'string' as const }]),
    ...plain.map((name) => [name, { type: 'boolean' as const }]),
  ])
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values = new Map<string, string>()
  const lists = new Map<string, string[]>()
  const flags = new Set<string>()
  const positionals: string[] = []
  const faults: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind !== 'option') continue
    const { name, rawName, value } = token
    if (plain.includes(name)) {
      if (value === undefined) flags.add(name)
      else faults.push(`Option ${rawName} takes no value.`)
    } else if (!single.includes(name) && !several.includes(name)) faults.push(unknownOption(command, rawName))
    else if (value === undefined || value === '') faults.push(`Option ${rawName} needs a value.`)
    else if (several.includes(name)) lists.set(name, [...(lists.get(name) ?? []), value])
    else if (values.has(name)) faults.push(`Option ${rawName} is given twice.`)
    else values.set(name, value)
  }
  return { values, lists, flags, positionals, faults }
}

/** All faults as one error. */
export const invalidArguments = (faults: readonly string[]): MerrowError =>
  new MerrowError('invalid_config', faults.join('\n'))

/** The token for a relay: of a file, else of the environment. Arguments can be read by other users, so it is never one. */
export const readToken = (
  { values, faults }: Arguments,
  { MERROW_TOKEN: token }: Readonly<NodeJS.ProcessEnv>,
): string | undefined => {
  const file = values.get('token-file')
  if (file === undefined) return token
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    faults.push(`Token file ${show(file)} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
    return undefined
  }
}

const unknownOption = (command: string, name: string): string =>
  name === '--token'
    ? 'Option --token is refused, since other users can read arguments: set MERROW_TOKEN or --token-file.'
    : `Option ${name} is unknown: see "merrow ${command} --help".`

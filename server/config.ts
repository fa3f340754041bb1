// What a relay may be told: by options, by the command line and by the environment. Starts nothing.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MerrowError, show } from '../src/errors.ts'
import { isLoopback } from './http/gate.ts'

/** Where a relay listens, rests and what guards it. */
export interface RelayConfig {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly demo?: string
  readonly token?: string
}

/** The environment variables that are read. */
export interface Environment {
  readonly MERROW_PORT?: string | undefined
  readonly MERROW_HOST?: string | undefined
  readonly MERROW_DATA?: string | undefined
  readonly MERROW_TOKEN?: string | undefined
}

/** Port without a word about it. */
export const DEFAULT_PORT = 8787
/** Host without a word about it: this machine alone. */
export const DEFAULT_HOST = '127.0.0.1'
/** Fewest characters of a token; shorter ones can be guessed. */
export const MIN_TOKEN_LENGTH = 16

/** Names of the options of `merrow relay`, each with a value. */
const OPTIONS = ['port', 'host', 'data', 'demo', 'token-file'] as const

/**
 * Reads the configuration of `merrow relay`.
 *
 * @param args - Arguments after the command.
 * @param env - The environment; arguments win.
 * @throws {@link MerrowError} `invalid_config` naming every fault at once.
 */
export const readConfig = (args: readonly string[], env: Environment): RelayConfig => {
  const { values, faults } = readArguments(args)
  const token = readToken(values.get('token-file'), env.MERROW_TOKEN, faults)
  const demo = values.get('demo')
  const config: RelayConfig = {
    port: readPort(values.get('port') ?? env.MERROW_PORT, faults),
    host: values.get('host') ?? env.MERROW_HOST ?? DEFAULT_HOST,
    data: values.get('data') ?? env.MERROW_DATA ?? './merrow-data',
    ...(demo === undefined ? {} : { demo }),
    ...(token === undefined ? {} : { token }),
  }
  faults.push(...faultsOf(config))
  if (faults.length > 0) throw invalidConfig(faults)
  return config
}

/** What is wrong with a configuration, as sentences that name the cure. */
export const faultsOf = ({
  port,
  host,
  token,
  asksForToken = token !== undefined,
}: Pick<RelayConfig, 'port' | 'host' | 'token'> & { readonly asksForToken?: boolean }): string[] => {
  const faults: string[] = []
  if (!Number.isInteger(port) || port < 0 || port > 65_535) faults.push(portFault(port))
  if (!asksForToken && !isLoopback(host)) {
    faults.push(
      `Host ${show(host)} can be reached from other machines, and there is no token: set MERROW_TOKEN or --token-file, or listen on 127.0.0.1.`,
    )
  }
  if (token !== undefined && token.length < MIN_TOKEN_LENGTH) {
    faults.push(
      `The token has ${token.length} characters: use at least ${MIN_TOKEN_LENGTH}, for instance from "openssl rand -hex 32".`,
    )
  }
  return faults
}

/** All faults as one error. */
export const invalidConfig = (faults: readonly string[]): MerrowError =>
  new MerrowError('invalid_config', faults.join('\n'))

const readArguments = (args: readonly string[]) => {
  const options = Object.fromEntries(OPTIONS.map((name) => [name, { type: 'string' as const }]))
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string>()
  const faults: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional')
      faults.push(`Argument ${show(token.value)} is not understood: see "merrow --help".`)
    if (token.kind !== 'option') continue
    if (!OPTIONS.some((name) => name === token.name)) faults.push(unknownOption(token.rawName))
    else if (token.value === undefined || token.value === '') faults.push(`Option ${token.rawName} needs a value.`)
    else values.set(token.name, token.value)
  }
  return { values, faults }
}

const unknownOption = (name: string): string =>
  name === '--token'
    ? 'Option --token is refused, since other users can read arguments: set MERROW_TOKEN or --token-file.'
    : `Option ${name} is unknown: see "merrow --help".`

const readPort = (text: string | undefined, faults: string[]): number => {
  if (text === undefined) return DEFAULT_PORT
  if (/^\d{1,5}$/.test(text)) return Number(text)
  faults.push(portFault(text))
  return DEFAULT_PORT
}

const portFault = (port: unknown): string => `Port ${show(port)} is not a whole number from 0 to 65535.`

const readToken = (file: string | undefined, token: string | undefined, faults: string[]): string | undefined => {
  if (file === undefined) return token
  try {
    return readFileSync(file, 'utf8').trim()
  } catch (error) {
    faults.push(`Token file ${show(file)} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
    return undefined
  }
}

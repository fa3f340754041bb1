// What a relay is told: by the command line, the environment and a file, in this order. Finds every fault at once; starts nothing.
import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { MerrowError, show } from '../src/errors.ts'
import { type JwtOptions, jwtFaults } from './auth/jwt.ts'
import { isLoopback } from './http/gate.ts'
import type { RelayLimits } from './limits.ts'
import type { Retention } from './log/port.ts'
import type { Level } from './logger.ts'
import { flagOf, SETTING_NAMES, SETTINGS, type Setting, type SettingName, variableOf } from './settings.ts'

/** Where a relay listens, rests and what guards it. */
export interface RelayConfig {
  readonly port: number
  readonly host: string
  readonly data: string
  readonly demo?: string
  readonly token?: string
  readonly adminToken?: string
  readonly jwt?: JwtOptions
  readonly origins?: readonly string[]
  /** Certificate and key, PEM. */
  readonly tls?: { readonly cert: string; readonly key: string }
  readonly logLevel?: Level
  readonly retention?: Retention
  readonly snapshotAfterUpdates?: number
  readonly snapshotAfterBytes?: number
  readonly limits?: RelayLimits
  readonly yjsTokenInUrl?: boolean
}

/** The environment variables that are read: `MERROW_CONFIG`, and one for each setting. */
export type Environment = Readonly<Record<string, string | undefined>>

/** Port without a word about it. */
export const DEFAULT_PORT = 8787
/** Host without a word about it: this machine alone. */
export const DEFAULT_HOST = '127.0.0.1'
/** Fewest characters of a token; shorter ones can be guessed. */
export const MIN_TOKEN_LENGTH = 16

const MINUTE_MS = 60_000
const DAY_MS = 86_400_000

/** Settings that stand together in the relay's options. */
const LIMITS = [
  'maxUpdateBytes',
  'maxDocumentBytes',
  'maxBacklogBytes',
  'maxDocuments',
  'maxConnectionsPerAddress',
  'maxConnectionsPerSubject',
  'addressHeader',
] as const

type Values = Partial<Record<SettingName, unknown>>

/**
 * Reads the configuration of `merrow relay`.
 *
 * @param args - Arguments after the command; `--config <file>` names a JSON file.
 * @param env - The environment; arguments win over it, and it over the file.
 * @throws {@link MerrowError} `invalid_config` naming every fault at once.
 */
export const readConfig = (args: readonly string[], env: Environment): RelayConfig => {
  const faults: string[] = []
  const { values: fromArgs, configFile } = readArguments(args, faults)
  const file = configFile ?? env['MERROW_CONFIG']
  const fromFile = file === undefined ? {} : readFile(file, faults)
  const values = { ...fromFile, ...readEnvironment(env, faults), ...fromArgs }
  const config = configOf(values, faults)
  faults.push(...faultsOf({ ...config, asksForToken: config.token !== undefined || config.jwt !== undefined }))
  if (config.jwt !== undefined) faults.push(...jwtFaults(config.jwt))
  if (faults.length > 0) throw invalidConfig(faults)
  return config
}

/** What is wrong with a configuration, as sentences that name the cure. */
export const faultsOf = ({
  port,
  host,
  token,
  adminToken,
  asksForToken = token !== undefined,
}: Pick<RelayConfig, 'port' | 'host' | 'token' | 'adminToken'> & { readonly asksForToken?: boolean }): string[] => {
  const faults: string[] = []
  if (!Number.isInteger(port) || port < 0 || port > 65_535)
    faults.push(`Port ${show(port)} is not a whole number from 0 to 65535.`)
  if (!asksForToken && !isLoopback(host)) {
    faults.push(
      `Host ${show(host)} can be reached from other machines, and there is no token: set MERROW_TOKEN or --token-file, or listen on 127.0.0.1.`,
    )
  }
  for (const [name, secret] of Object.entries({ token, 'admin token': adminToken })) {
    if (secret === undefined || secret.length >= MIN_TOKEN_LENGTH) continue
    faults.push(
      `The ${name} has ${secret.length} characters: use at least ${MIN_TOKEN_LENGTH}, for instance from "openssl rand -hex 32".`,
    )
  }
  return faults
}

/** All faults as one error. */
export const invalidConfig = (faults: readonly string[]): MerrowError =>
  new MerrowError('invalid_config', faults.join('\n'))

const configOf = (values: Values, faults: string[]): RelayConfig => {
  const given = <T>(name: SettingName): T | undefined => values[name] as T | undefined
  const secret = (name: 'token' | 'adminToken' | 'jwtSecret') => {
    const file = given<string>(`${name}File`)
    return file === undefined ? given<string>(name) : readText(file, faults)?.trim()
  }
  const [cert, key] = [given<string>('tlsCert'), given<string>('tlsKey')]
  if ((cert === undefined) !== (key === undefined))
    faults.push('TLS needs both a certificate and its key: give tlsCert and tlsKey, or neither.')
  const [certText, keyText] = [cert, key].map((path) => (path === undefined ? undefined : readText(path, faults)))
  const { count, ageDays, spacingMinutes } = {
    count: given<number>('keepSnapshots'),
    ageDays: given<number>('keepDays'),
    spacingMinutes: given<number>('keepEveryMinutes'),
  }
  const simple = ['demo', 'origins', 'logLevel', 'snapshotAfterUpdates', 'snapshotAfterBytes', 'yjsTokenInUrl'] as const
  return defined({
    ...Object.fromEntries(simple.map((name) => [name, values[name]])),
    port: given<number>('port') ?? DEFAULT_PORT,
    host: given<string>('host') ?? DEFAULT_HOST,
    data: given<string>('data') ?? './merrow-data',
    token: secret('token'),
    adminToken: secret('adminToken'),
    jwt: jwtOf(values, secret('jwtSecret'), faults),
    tls: certText === undefined || keyText === undefined ? undefined : { cert: certText, key: keyText },
    limits: defined(Object.fromEntries(LIMITS.map((name) => [name, values[name]]))),
    retention: {
      count: count ?? 100,
      ageMs: (ageDays ?? 30) * DAY_MS,
      spacingMs: (spacingMinutes ?? 60) * MINUTE_MS,
    },
  }) as unknown as RelayConfig
}

/** How users' tokens are verified, if anything is said of them. */
const jwtOf = (values: Values, secret: string | undefined, faults: string[]): JwtOptions | undefined => {
  const { jwtPublicKeyFile: file, jwksUrl, jwtIssuer: issuer, jwtAudience: audience } = values
  const publicKey = typeof file === 'string' ? readText(file, faults) : undefined
  const keys = [
    secret === undefined ? undefined : { secret },
    publicKey === undefined ? undefined : { publicKey },
    typeof jwksUrl === 'string' ? { jwksUrl } : undefined,
  ].filter((key) => key !== undefined)
  const [key, ...others] = keys
  if (key === undefined && file === undefined && issuer === undefined && audience === undefined) return undefined
  if (key !== undefined && others.length === 0 && typeof issuer === 'string' && typeof audience === 'string')
    return { key, issuer, audience }
  faults.push('Tokens of users need jwtIssuer, jwtAudience and one of jwtSecretFile, jwtPublicKeyFile and jwksUrl.')
  return undefined
}

const defined = (values: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> =>
  Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined))

const readArguments = (args: readonly string[], faults: string[]) => {
  const options = Object.fromEntries(
    ['config', ...SETTING_NAMES.map(flagOf)].map((name) => [name, { type: 'string' as const }]),
  )
  const { tokens } = parseArgs({ args: [...args], options, strict: false, allowPositionals: true, tokens: true })
  const values: Values = {}
  let configFile: string | undefined
  for (const token of tokens) {
    if (token.kind === 'positional')
      faults.push(`Argument ${show(token.value)} is not understood: see "merrow --help".`)
    if (token.kind !== 'option') continue
    const name = SETTING_NAMES.find((known) => flagOf(known) === token.name)
    if (name !== undefined && isSecret(name)) faults.push(secretArgument(name))
    else if (name === undefined && token.name !== 'config')
      faults.push(`Option ${token.rawName} is unknown: see "merrow --help".`)
    else if (token.value === undefined || token.value === '') faults.push(`Option ${token.rawName} needs a value.`)
    else if (name === undefined) configFile = token.value
    else take(values, name, token.value, `Option ${token.rawName}`, faults)
  }
  return { values, configFile }
}

const isSecret = (name: SettingName): boolean => {
  const setting: Setting = SETTINGS[name]
  return setting.isSecret === true
}

const secretArgument = (name: SettingName): string =>
  `Option --${flagOf(name)} is refused, since other users can read arguments: set ${variableOf(name)} or --${flagOf(name)}-file.`

const readEnvironment = (env: Environment, faults: string[]): Values => {
  const values: Values = {}
  for (const name of SETTING_NAMES) {
    const value = env[variableOf(name)]
    // Compose files set what is not given to nothing.
    if (value !== undefined && value !== '') take(values, name, value, `Variable ${variableOf(name)}`, faults)
  }
  return values
}

const readFile = (path: string, faults: string[]): Values => {
  const text = readText(path, faults)
  if (text === undefined) return {}
  const values: Values = {}
  for (const [key, value] of Object.entries(objectIn(path, text, faults))) {
    const name = SETTING_NAMES.find((known) => known === key)
    if (name === undefined) faults.push(`${show(key)} in ${path} is no setting: see "merrow --help".`)
    else take(values, name, value, `${show(key)} in ${path}`, faults)
  }
  return values
}

const objectIn = (path: string, text: string, faults: string[]): object => {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value
    faults.push(`Config file ${path} holds no JSON object: write { "port": 8787 }.`)
  } catch (error) {
    faults.push(`Config file ${path} is no JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
  return {}
}

const take = (values: Values, name: SettingName, value: unknown, where: string, faults: string[]): void => {
  const parsed = SETTINGS[name].parse(value)
  // The words of a fault show the value, which of a secret nobody is to see.
  if ('fault' in parsed) faults.push(`${where} ${isSecret(name) ? 'is not a text' : parsed.fault}.`)
  else values[name] = parsed.value
}

const readText = (file: string, faults: string[]): string | undefined => {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    faults.push(`File ${show(file)} cannot be read: ${error instanceof Error ? error.message : String(error)}.`)
    return undefined
  }
}

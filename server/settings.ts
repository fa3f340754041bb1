// Every setting of a relay: its names in the config file, on the command line and in the environment, and what it may be.
// Reads nothing; `config.ts` does.
import { show } from '../src/errors.ts'

/** A value, or the sentence that says what is wrong with it. */
export type Parsed = { readonly value: unknown } | { readonly fault: string }

/** One setting. Its flag is `--its-name`, its variable `MERROW_ITS_NAME`. */
export interface Setting {
  /** What `merrow relay --help` says. */
  readonly help: string
  /** What the help shows in place of a value. */
  readonly shows: string
  /** Whether it may not stand among arguments, where other users see it. */
  readonly isSecret?: boolean
  /** Reads a value: text from arguments and environment, JSON from the file. */
  parse(value: unknown): Parsed
}

const fault = (value: unknown, wanted: string): Parsed => ({ fault: `is ${show(value)}, not ${wanted}` })

const wholeNumber = (value: unknown): number =>
  typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : typeof value === 'number' ? value : Number.NaN

const count =
  (least: number, most: number) =>
  (value: unknown): Parsed => {
    const number = wholeNumber(value)
    const isRight = Number.isInteger(number) && number >= least && number <= most
    return isRight ? { value: number } : fault(value, `a whole number from ${least} to ${most}`)
  }

const text = (value: unknown): Parsed =>
  typeof value === 'string' && value !== '' ? { value } : fault(value, 'a text that is not empty')

const oneOf =
  (...words: readonly string[]) =>
  (value: unknown): Parsed =>
    typeof value === 'string' && words.includes(value) ? { value } : fault(value, `one of ${words.join(', ')}`)

const flag = (value: unknown): Parsed =>
  value === true || value === 'true'
    ? { value: true }
    : value === false || value === 'false'
      ? { value: false }
      : fault(value, 'true or false')

const origins = (value: unknown): Parsed => {
  const list: unknown[] = Array.isArray(value) ? value : typeof value === 'string' ? value.split(',') : [value]
  const wrong = list.find((origin) => !isOrigin(origin))
  return wrong === undefined
    ? { value: list.map(String) }
    : fault(wrong, 'an origin like "https://app.example.org", without a path')
}

const isOrigin = (value: unknown): boolean =>
  typeof value === 'string' && URL.canParse(value) && new URL(value).origin === value

const KIBIBYTE = 1024
const GIBIBYTE = 1024 ** 3

/** The settings, by their name in the config file. */
export const SETTINGS = {
  port: { help: 'port to listen on, 0 for a free one (8787)', shows: 'number', parse: count(0, 65_535) },
  host: {
    help: "host to listen on; others than this machine's own need a token (127.0.0.1)",
    shows: 'host',
    parse: text,
  },
  data: { help: 'folder for documents (./merrow-data)', shows: 'folder', parse: text },
  demo: { help: 'folder with the built demo, served at /', shows: 'folder', parse: text },
  token: { help: 'what clients must give', shows: 'text', isSecret: true, parse: text },
  tokenFile: { help: 'file with the token that clients must give', shows: 'file', parse: text },
  jwtSecret: {
    help: "secret that users' tokens (JWT, HS256) are signed with",
    shows: 'text',
    isSecret: true,
    parse: text,
  },
  jwtSecretFile: { help: 'file with that secret', shows: 'file', parse: text },
  jwtPublicKeyFile: { help: "file with the public key (PEM) of users' tokens", shows: 'file', parse: text },
  jwksUrl: { help: "address of the key set of users' tokens", shows: 'url', parse: text },
  jwtIssuer: { help: 'who signs them: the claim "iss"', shows: 'text', parse: text },
  jwtAudience: { help: 'whom they are for: the claim "aud"', shows: 'text', parse: text },
  adminToken: {
    help: 'what the admin page asks for; without one there is none',
    shows: 'text',
    isSecret: true,
    parse: text,
  },
  adminTokenFile: { help: 'file with the token of the admin page', shows: 'file', parse: text },
  origins: { help: 'origins whose pages may connect, with commas between (all)', shows: 'list', parse: origins },
  tlsCert: { help: 'file with the TLS certificate (PEM), for https and wss', shows: 'file', parse: text },
  tlsKey: { help: 'file with its key (PEM)', shows: 'file', parse: text },
  logLevel: {
    help: 'debug, info, warn or error (info)',
    shows: 'level',
    parse: oneOf('debug', 'info', 'warn', 'error'),
  },
  snapshotAfterUpdates: {
    help: 'updates that are made into a snapshot (500)',
    shows: 'number',
    parse: count(1, 1_000_000),
  },
  snapshotAfterBytes: {
    help: 'bytes of updates that are made into a snapshot (4194304)',
    shows: 'bytes',
    parse: count(KIBIBYTE, GIBIBYTE),
  },
  keepSnapshots: {
    help: 'former snapshots of a document that are kept (100)',
    shows: 'number',
    parse: count(1, 100_000),
  },
  keepDays: { help: 'days for which they are kept (30)', shows: 'number', parse: count(0, 36_500) },
  keepEveryMinutes: { help: 'minutes between those that are kept (60)', shows: 'number', parse: count(0, 525_600) },
  maxUpdateBytes: { help: 'largest frame of a client (67108864)', shows: 'bytes', parse: count(KIBIBYTE, GIBIBYTE) },
  maxBacklogBytes: {
    help: 'unsent bytes at which a slow client is closed (4194304)',
    shows: 'bytes',
    parse: count(KIBIBYTE, GIBIBYTE),
  },
  maxDocumentBytes: {
    help: 'most bytes of one document (536870912)',
    shows: 'bytes',
    parse: count(KIBIBYTE, 1024 * GIBIBYTE),
  },
  maxConnectionsPerAddress: {
    help: 'connections of one address at a time (2000)',
    shows: 'number',
    parse: count(1, 1_000_000),
  },
  maxConnectionsPerSubject: {
    help: 'connections of one user at a time (100)',
    shows: 'number',
    parse: count(1, 1_000_000),
  },
  addressHeader: {
    help: "header in which a proxy of yours names the client's address (none)",
    shows: 'name',
    parse: text,
  },
  maxDocuments: { help: 'documents open at once on one connection (1000)', shows: 'number', parse: count(1, 100_000) },
  yjsTokenInUrl: {
    help: 'whether stock clients may give the token as ?token= (false)',
    shows: 'true|false',
    parse: flag,
  },
} as const satisfies Readonly<Record<string, Setting>>

/** Name of a setting. */
export type SettingName = keyof typeof SETTINGS

/** All of them, in the order of the help. */
export const SETTING_NAMES = Object.keys(SETTINGS) as readonly SettingName[]

const spaced = (name: string, between: string): string => name.replace(/[A-Z]/g, (letter) => `${between}${letter}`)

/** Its name on the command line. */
export const flagOf = (name: SettingName): string => spaced(name, '-').toLowerCase()

/** Its name in the environment. */
export const variableOf = (name: SettingName): string => `MERROW_${spaced(name, '_').toUpperCase()}`

/** The lines of `merrow relay --help`. */
export const settingsHelp = (): string =>
  SETTING_NAMES.map((name): string => {
    const setting: Setting = SETTINGS[name]
    const { help, shows } = setting
    const left = setting.isSecret === true ? variableOf(name) : `--${flagOf(name)} <${shows}>`
    return `  ${left.padEnd(34)} ${help}`
  }).join('\n')

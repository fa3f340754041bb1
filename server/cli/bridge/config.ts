// What a bridge is to do: from its arguments, the environment and its module, all faults at once. Knows no database.
import { readFileSync } from 'node:fs'
import type { BridgeBackend, BridgeConfig } from '../../../src/backend/index.ts'
import { MerrowError, show } from '../../../src/errors.ts'
import type { Schema } from '../../../src/schema/index.ts'
import type { Level } from '../../logger.ts'
import { type Arguments, invalidArguments, readToken } from '../arguments.ts'
import { importModule, isSchema } from '../schema-file.ts'

/** The options of the command. */
export const BRIDGE_OPTIONS = ['config', 'db', 'relay', 'store', 'token-file', 'log-level'] as const

/** What a bridge is to do. */
export interface BridgeSettings {
  readonly schema: Schema
  readonly db: string
  readonly relay: string
  readonly store: string
  /** Asked at each connection, so that a file may be replaced while the bridge runs. */
  readonly relayToken: string | (() => string) | undefined
  readonly logLevel: Level
  /** By name, with their tokens. */
  readonly backends: ReadonlyMap<string, BridgeBackend<Schema>>
}

const LEVELS: readonly Level[] = ['debug', 'info', 'warn', 'error']

/**
 * Reads it all.
 *
 * @param options.isRun - Whether the bridge is to run: only then a store and the backends' tokens are needed.
 * @throws {@link MerrowError} `invalid_config` that names every fault; never a token.
 */
export const readBridge = async (
  args: Arguments,
  env: Readonly<NodeJS.ProcessEnv>,
  { isRun = true }: { readonly isRun?: boolean } = {},
): Promise<BridgeSettings> => {
  const { values, faults } = args
  const file = values.get('config')
  if (file === undefined) faults.push('Option --config is missing: the module that says what goes to which backend.')
  const tokenFile = values.get('token-file')
  const token = readToken(args, env)
  const logLevel = LEVELS.find((level) => level === (values.get('log-level') ?? 'info'))
  if (logLevel === undefined) faults.push(`Option --log-level is one of ${LEVELS.join(', ')}.`)
  if (file === undefined) throw invalidArguments(faults)
  const config = await loadConfig(file)
  const place = (name: 'db' | 'relay' | 'store', what: string): string => {
    const value = values.get(name) ?? config[name]
    if (typeof value === 'string' && value !== '') return value
    faults.push(`The ${what} is missing: give --${name}, or ${show(name)} in ${show(file)}.`)
    return ''
  }
  const settings = {
    schema: config.schema,
    db: place('db', 'name of the database'),
    relay: place('relay', 'address of the relay'),
    store: isRun ? place('store', 'folder of this bridge') : '',
    relayToken: tokenFile === undefined ? token : () => readFileSync(tokenFile, 'utf8').trim(),
    logLevel: logLevel ?? 'info',
    backends: readBackends(config, isRun ? env : undefined, faults),
  }
  if (faults.length > 0) throw invalidArguments(faults)
  return settings
}

const loadConfig = async (file: string): Promise<BridgeConfig> => {
  const unusable = (reason: string, cause?: unknown): MerrowError =>
    new MerrowError(
      'invalid_config',
      `Configuration ${show(file)} cannot be used: ${reason}. Give a module with "export default { schema, db, relay, store, backends: { shop: { tables: { ... } } } }".`,
      { cause },
    )
  const { default: config } = (await importModule(file, unusable)) as { default?: Partial<BridgeConfig> }
  if (typeof config !== 'object' || config === null) throw unusable('it has no default export that is an object')
  if (!isSchema(config.schema)) throw unusable('its "schema" was not made by defineSchema()')
  if (typeof config.backends !== 'object' || config.backends === null || Object.keys(config.backends).length === 0)
    throw unusable('its "backends" name none')
  return config as BridgeConfig
}

const readBackends = (
  { backends }: BridgeConfig,
  env: Readonly<NodeJS.ProcessEnv> | undefined,
  faults: string[],
): ReadonlyMap<string, BridgeBackend<Schema>> =>
  new Map(
    Object.entries(backends).map(([name, given]) => {
      const { tokenVariable, ...backend } = given
      if (typeof backend.tables !== 'object' || backend.tables === null)
        faults.push(`Backend ${show(name)} has no "tables".`)
      if (env === undefined || tokenVariable === undefined || backend.token !== undefined) return [name, backend]
      const token = env[tokenVariable]
      if (!token)
        faults.push(`Backend ${show(name)}: variable ${tokenVariable}, which is to hold its token, is not set.`)
      return [name, { ...backend, token: token ?? '' }]
    }),
  )

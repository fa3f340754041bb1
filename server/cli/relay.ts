// `merrow relay`: runs a relay until it is told to end. Knows the configuration and the relay; no rooms.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { readConfig } from '../config.ts'
import { createLogger } from '../logger.ts'
import { createRelay, type Relay } from '../relay.ts'
import { settingsHelp } from '../settings.ts'
import type { Command } from './command.ts'
import { reportError } from './report-error.ts'

/** Runs a relay. */
export const command: Command = {
  usage: `Usage: merrow relay [options]

  --config <file>                    JSON file with any of these, named like "maxDocuments" (or MERROW_CONFIG)
${settingsHelp()}

Each is also a variable: --max-documents is MERROW_MAX_DOCUMENTS. Arguments win over variables, and those over the file.
`,
  async run(args, env) {
    const config = readConfig(args, env)
    const demo = config.demo ?? builtDemo()
    const logger = createLogger({ level: config.logLevel ?? 'info' })
    const relay = await createRelay({ ...config, demo, logger })
    console.log(`merrow relay listening on ${relay.url} (data in ${resolve(config.data)})`)
    if (demo !== undefined) console.log(`demo: ${relay.url}/`)
    endOnSignal(relay)
    return undefined
  },
}

/** The demo beside the compiled server; beside the sources lies the demo's source, which no browser runs. */
const builtDemo = (): string | undefined => {
  const isCompiled = import.meta.url.endsWith('.js')
  const folder = fileURLToPath(new URL(isCompiled ? '../../demo' : '../../dist/demo', import.meta.url))
  return existsSync(resolve(folder, 'index.html')) ? folder : undefined
}

const endOnSignal = (relay: Relay): void => {
  let isEnding = false
  const end = () => {
    if (isEnding) process.exit(1)
    isEnding = true
    relay.close().then(() => process.exit(0), fail)
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

const fail = (error: unknown): void => {
  reportError(error)
  process.exit(1)
}

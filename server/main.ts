#!/usr/bin/env node
// The command line: `merrow relay`. Prints sentences, not stack traces, and ends the relay when it is told to.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MerrowError, show } from '../src/errors.ts'
import { readConfig } from './config.ts'
import { createRelay, type Relay, version } from './relay.ts'

const HELP = `merrow ${version()}: a collaborative data layer

Usage: merrow relay [options]     run a relay
       merrow --help | --version

Options of relay:
  --port <number>       port to listen on, 0 for a free one (8787, MERROW_PORT)
  --host <host>         host to listen on; others than this machine's own need a token (127.0.0.1, MERROW_HOST)
  --data <folder>       folder for documents (./merrow-data, MERROW_DATA)
  --demo <folder>       folder with the built demo, served at /
  --token-file <file>   file with the token that clients must give (or MERROW_TOKEN)
`

const run = async (args: readonly string[]): Promise<void> => {
  const [command, ...rest] = args
  if (command === '--version') console.log(version())
  else if (command === undefined || command === '--help' || rest.includes('--help')) console.log(HELP.trimEnd())
  else if (command === 'relay') await runRelay(rest)
  else {
    console.error(`merrow: there is no command ${show(command)}. Try "merrow relay", or "merrow --help".`)
    process.exitCode = 2
  }
}

const runRelay = async (args: readonly string[]): Promise<void> => {
  const config = readConfig(args, process.env)
  const demo = config.demo ?? builtDemo()
  const relay = await createRelay({ ...config, demo })
  console.log(`merrow relay listening on ${relay.url} (data in ${resolve(config.data)})`)
  if (demo !== undefined) console.log(`demo: ${relay.url}/`)
  endOnSignal(relay)
}

/** The demo beside the compiled server; beside the sources lies the demo's source, which no browser runs. */
const builtDemo = (): string | undefined => {
  const isCompiled = import.meta.url.endsWith('.js')
  const folder = fileURLToPath(new URL(isCompiled ? '../demo' : '../dist/demo', import.meta.url))
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
  // Faults that a user can mend are told in one sentence each; anything else is a bug and keeps its stack.
  if (error instanceof MerrowError) for (const line of error.message.split('\n')) console.error(`merrow: ${line}`)
  else console.error(error)
  process.exit(1)
}

run(process.argv.slice(2)).catch(fail)

// `merrow bridge`: sends to backends what all devices write, until it is told to end; and looks after one that runs. Knows its settings and the bridge.
import { show } from '../../src/errors.ts'
import { createLogger } from '../logger.ts'
import { readArguments } from './arguments.ts'
import { type Bridge, startBridge } from './bridge/bridge.ts'
import { BRIDGE_OPTIONS, readBridge } from './bridge/config.ts'
import { ACTIONS, type Action, OPERATE_OPTIONS, operate } from './bridge/operate.ts'
import type { Command } from './command.ts'
import { reportError } from './report-error.ts'

/** Runs a bridge. */
export const command: Command = {
  usage: `Usage: merrow bridge --config <module> [options]
       merrow bridge failed|retry|edit|discard|trace --config <module> [<id>...] [options]

Sends to REST services what all devices write, and pulls for them. Of several bridges one works at a time, by a lease of the relay's;
another takes over within 15 s. SIGTERM ends it: what is on its way is waited for.

  --config <module>     module whose default export says what goes where: { schema, db, relay, store, backends }
  --db <name>           name of the database
  --relay <url>         the relay, ws(s):// or http(s)://; the token from MERROW_TOKEN or --token-file
  --store <folder>      folder of this bridge alone
  --token-file <file>   file with the relay's token; read again at each connection
  --log-level <level>   debug, info, warn or error (info)

A backend's token is in the variable that its "tokenVariable" names.

What the service refused stands in the dead letter. From any machine that reaches the relay, with the bridge's relay token:

  failed                lists it: what was sent, what came back, what waits for it (--json)
  retry <id>... | --all sends again, as the rows are now
  edit <id> --data <json>  writes these columns, and sends again
  discard <id>...       gives up, and takes back for everybody what was written; --with-dependants with all that waits for it
  trace                 what became of the last operations, as JSON, for replayTraces()

  --backend <name>      which of several
  --timeout <seconds>   how long to wait for the bridge (30)

"failed" and "trace" need no bridge; the others are done by the one that leads, and withdrawn if none answers.
`,
  async run(args, env) {
    const [name = ''] = args
    if (isAction(name)) return operate(name, readArguments('bridge', args, OPERATE_OPTIONS), env)
    const given = readArguments('bridge', args, { values: BRIDGE_OPTIONS })
    for (const word of given.positionals) given.faults.push(`${show(word)} is not one of ${ACTIONS.join(', ')}.`)
    const settings = await readBridge(given, env)
    const logger = createLogger({ level: settings.logLevel })
    let bridge: Bridge | undefined
    let isRefused = false
    const refused = (error: unknown): void => {
      if (isRefused) return
      isRefused = true
      reportError(error)
      void (bridge?.close() ?? Promise.resolve()).finally(() => process.exit(1))
    }
    bridge = await startBridge(settings, logger, refused)
    console.log(`merrow bridge of ${settings.db}, to ${[...settings.backends.keys()].join(', ')}`)
    endOnSignal(bridge)
    return undefined
  },
}

const isAction = (name: string): name is Action => (ACTIONS as readonly string[]).includes(name)

const endOnSignal = (bridge: Bridge): void => {
  let isEnding = false
  const end = (): void => {
    if (isEnding) process.exit(1)
    isEnding = true
    bridge.close().then(
      () => process.exit(0),
      (error: unknown) => {
        reportError(error)
        process.exit(1)
      },
    )
  }
  process.on('SIGTERM', end)
  process.on('SIGINT', end)
}

// What an operator does about a bridge's dead letter, from any machine: see, send again, mend, give up; and the trace. Prints; runs no bridge.
import { type BridgeOutbox, type Operation, openBridgeOutbox } from '../../../src/backend/index.ts'
import { show } from '../../../src/errors.ts'
import { type Arguments, invalidArguments } from '../arguments.ts'
import { openPlace } from '../place.ts'
import { readBridge } from './config.ts'

/** What can be done, by the word for it. */
export const ACTIONS = ['failed', 'retry', 'edit', 'discard', 'trace'] as const
export type Action = (typeof ACTIONS)[number]

/** The options of these. */
export const OPERATE_OPTIONS = {
  values: ['config', 'db', 'relay', 'token-file', 'backend', 'data', 'timeout'],
  flags: ['all', 'with-dependants', 'json'],
}

const DEFAULT_TIMEOUT_S = 30
/** How long the relay may take to show what it has. */
const RELAY_TIMEOUT_MS = 30_000

/** Does one of them. @returns the exit code. @throws {@link MerrowError} for faults of the arguments, and what the bridge answered. */
export const operate = async (
  action: Action,
  args: Arguments,
  env: Readonly<NodeJS.ProcessEnv>,
): Promise<number | undefined> => {
  const { flags } = args
  const what = readWhat(action, args)
  const { schema, db: name, relay: url, relayToken, backends } = await readBridge(args, env, { isRun: false })
  const token = typeof relayToken === 'function' ? relayToken() : relayToken
  const backend = backendOf(args, [...backends.keys()])
  const { timeoutMs } = what
  const db = await openPlace({ kind: 'relay', name, url, token, timeoutMs: RELAY_TIMEOUT_MS }, schema)
  try {
    const tables = backends.get(backend)?.tables ?? {}
    const outbox = await openBridgeOutbox(db, { name: backend, tables, timeoutMs })
    switch (action) {
      case 'failed':
        return print(flags.has('json') ? asJson(failedIn(outbox)) : textOf(outbox))
      case 'trace':
        return print(asJson(outbox.trace()))
      default:
        return await repair(action, outbox, what)
    }
  } finally {
    await db.close()
  }
}

interface What {
  readonly ids: readonly string[]
  readonly isAll: boolean
  readonly data: Readonly<Record<string, unknown>>
  readonly withDependants: boolean
  readonly timeoutMs: number
}

const readWhat = (action: Action, { values, flags, positionals, faults }: Arguments): What => {
  const ids = positionals.slice(1)
  const isAll = flags.has('all')
  const repairs = action === 'retry' || action === 'edit' || action === 'discard'
  if (repairs && ids.length === 0 && !isAll)
    faults.push('Name operations by their ids, as "merrow bridge failed" lists them.')
  if (!repairs && ids.length > 0) faults.push(`"merrow bridge ${action}" takes no ids.`)
  if (isAll && (action !== 'retry' || ids.length > 0)) faults.push('Option --all is for "retry", without ids.')
  if (action === 'edit' && ids.length > 1) faults.push('Edit one operation at a time.')
  const timeoutS = Number(values.get('timeout') ?? DEFAULT_TIMEOUT_S)
  if (!(timeoutS > 0)) faults.push('Option --timeout needs a number of seconds above 0.')
  const data = action === 'edit' ? readData(values.get('data'), faults) : {}
  return { ids, isAll, data, withDependants: flags.has('with-dependants'), timeoutMs: timeoutS * 1000 }
}

const readData = (text: string | undefined, faults: string[]): Readonly<Record<string, unknown>> => {
  try {
    const data = JSON.parse(text ?? '')
    if (typeof data === 'object' && data !== null && !Array.isArray(data)) return data
  } catch {
    // Told below.
  }
  faults.push('Option --data needs a JSON object of columns and values, like {"title":"Write"}.')
  return {}
}

const backendOf = ({ values }: Arguments, names: readonly string[]): string => {
  const [only = ''] = names
  const name = values.get('backend') ?? (names.length === 1 ? only : '')
  if (names.includes(name)) return name
  throw invalidArguments([`Option --backend: say which of ${names.join(', ')}.`])
}

const repair = async (
  action: 'retry' | 'edit' | 'discard',
  outbox: BridgeOutbox,
  { ids, isAll, data, withDependants }: What,
): Promise<number> => {
  const failed = new Map(outbox.failed().map((operation) => [operation.id, operation]))
  let refused = 0
  for (const id of isAll ? failed.keys() : ids) {
    try {
      if (action === 'retry') await outbox.retry({ id })
      else if (action === 'edit') await outbox.edit({ id }, data)
      else await outbox.discard({ id }, { withDependants })
      console.log(`${DONE[action]}: ${id}`)
    } catch (error) {
      refused += 1
      console.error(`Not ${DONE[action]}: ${id}: ${error instanceof Error ? error.message : String(error)}`)
      const operation = failed.get(id)
      if (action === 'discard' && operation !== undefined) console.error(dependantsText(outbox, operation))
    }
  }
  return refused === 0 ? 0 : 1
}

const DONE = { retry: 'queued again', edit: 'edited and queued again', discard: 'discarded' } as const

const failedIn = (outbox: BridgeOutbox): readonly object[] =>
  outbox.failed().map((operation) => ({ ...operation, dependants: outbox.dependants(operation).map(({ id }) => id) }))

const textOf = (outbox: BridgeOutbox): string => {
  const failed = outbox.failed()
  if (failed.length === 0) return 'The dead letter is empty.'
  return failed.map((operation) => `${operationText(operation)}${dependantsText(outbox, operation)}`).join('\n\n')
}

const operationText = (operation: Operation): string => {
  const { id, timeMs, tries, fields, failure } = operation
  const { status, kind, message, request, answer } = failure ?? { kind: 'refused', message: '' }
  return [
    `${id}: ${nameOf(operation)}, written ${new Date(timeMs).toISOString()}, tried ${tries} times`,
    `  ${kind}${status === undefined ? '' : ` (${status})`}: ${message}`,
    `  fields:  ${JSON.stringify(fields)}`,
    ...(request === undefined ? [] : [`  request: ${JSON.stringify(request)}`]),
    ...(answer === undefined ? [] : [`  answer:  ${answer}`]),
    '',
  ].join('\n')
}

/** What waits for an operation, and would go with it. */
const dependantsText = (outbox: BridgeOutbox, operation: Operation): string => {
  const dependants = outbox.dependants(operation)
  if (dependants.length === 0) return '  nothing waits for it'
  return [`  ${dependants.length} wait for it:`, ...dependants.map((one) => `    ${one.id}: ${nameOf(one)}`)].join('\n')
}

const nameOf = ({ kind, table, row }: Operation): string => `${kind} of ${show(row)} in ${show(table)}`

const asJson = (value: unknown): string => JSON.stringify(value, undefined, 2)

const print = (text: string): number => {
  console.log(text)
  return 0
}

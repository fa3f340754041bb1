// The outbox that bridges share, from anywhere the relay is reached: looked at here, repaired by the bridge that leads. Sends nothing itself.
import { MerrowError, show } from '../../errors.ts'
import { type Schema, type TableSchema, toStored } from '../../schema/index.ts'
import { Codec } from '../codec.ts'
import type { Timers } from '../core.ts'
import { type Host, hostOf } from '../host.ts'
import { IdMap } from '../identity/ids.ts'
import { KeyedLog } from '../keyed-log.ts'
import type { BackendTables } from '../options.ts'
import type { Operation } from '../outbox/operation.ts'
import { operationsIn } from '../outbox/outbox.ts'
import { Queue } from '../outbox/queue.ts'
import { Trace, type TraceEntry } from '../trace.ts'
import { outboxName, type Repair, type RepairRequest, requestsName } from './repair-requests.ts'

/** What {@link openBridgeOutbox} takes. */
export interface BridgeOutboxOptions<S extends Schema> {
  /** The backend's name among the bridge's; `backend`. */
  readonly name?: string
  /** The bridge's tables: they tell what an operation refers to. */
  readonly tables: BackendTables<S>
  /** How long a bridge's answer is waited for, in milliseconds; 30,000. */
  readonly timeoutMs?: number
  readonly timers?: Timers
}

/** The outbox of one backend's bridges. */
export interface BridgeOutbox {
  /** All operations that are not at the backend yet, in order of writing, as far as the relay has told. */
  list(): readonly Operation[]
  /** The dead letter: operations that will not be sent again by themselves, each with its `failure`. */
  failed(): readonly Operation[]
  /** All that waits for an operation, near or far. */
  dependants(operation: Operation): readonly Operation[]
  /** What became of operations, the newest last: plain JSON, for export and `replayTraces`. */
  trace(): readonly TraceEntry[]
  /**
   * Has a failed operation sent again as its row is now. Resolves once the bridge that leads has taken it back into its queue.
   *
   * @throws {@link MerrowError} `invalid_argument` with the bridge's reason; `relay_unreachable` if none answers in time.
   */
  retry(operation: Pick<Operation, 'id'>): Promise<void>
  /**
   * Has columns of a failed operation's row written, and it sent again with them.
   *
   * @param data - Dates as `Date`, ISO text or milliseconds.
   * @throws as {@link retry}; the bridge's table may refuse the values.
   */
  edit(operation: Pick<Operation, 'id'>, data: Readonly<Record<string, unknown>>): Promise<void>
  /**
   * Gives up an operation, and takes back in the tables, for everybody, what it wrote; an insert's row is soft-deleted.
   *
   * @param options.withDependants - Gives up all that waits for it, too; see {@link dependants}.
   * @throws as {@link retry}; `invalid_argument` if something waits for it and `withDependants` is not given.
   */
  discard(operation: Pick<Operation, 'id'>, options?: { readonly withDependants?: boolean }): Promise<void>
}

/**
 * Opens the outbox that the bridges of a backend share: its dead letter and its trace, from any machine that reaches the relay and may
 * write `<db>/_bridge-*`. The bridge that leads does what is asked for, while it runs.
 *
 * @param db - The bridge's database, opened anywhere with its relay and schema, in memory for instance.
 * @throws {@link MerrowError} `unsupported` for a database without a relay.
 */
export const openBridgeOutbox = async <S extends Schema>(
  db: { readonly schema: S },
  { name = 'backend', tables, timeoutMs = 30_000, timers = globalThis }: BridgeOutboxOptions<S>,
): Promise<BridgeOutbox> => {
  const host = hostOf(db)
  if (host.lease === undefined)
    throw new MerrowError('unsupported', 'Bridges meet at a relay: give createDatabase({ sync: relay({ url }) }).')
  const openLog = (document: string) => host.openLog(document, { isMerged: true })
  const journal = new KeyedLog(await openLog(outboxName(name)))
  const idsKeyed: KeyedLog = new KeyedLog(await openLog('_ids'), (key, value) => ids.noteRemote(key, value))
  const ids: IdMap = new IdMap(name, idsKeyed, () => {})
  const asker = new Asker({ host, name, timeoutMs, timers, log: await openLog(requestsName(name)) })
  await host.synced()
  const codecs = new Map(
    Object.entries(tables).flatMap(([table, remote]) =>
      remote === undefined ? [] : [[table, new Codec(table, db.schema.tables[table] as TableSchema, remote, ids)]],
    ),
  )
  const list = (): readonly Operation[] => operationsIn(journal)
  return {
    list,
    failed: () => list().filter(({ state }) => state === 'failed'),
    dependants(operation) {
      const queue = new Queue({
        isLinked: (row) => ids.isLinked(row),
        needs: ({ table, fields }) => codecs.get(table)?.references(fields) ?? [`${table}/`],
      })
      for (const one of list()) queue.add(one)
      return queue.dependants(operation)
    },
    trace: () => new Trace(journal, Number.POSITIVE_INFINITY).list(),
    retry: ({ id }) => asker.ask(id, { kind: 'retry' }),
    edit: ({ id }, data) => asker.ask(id, { kind: 'edit', data: toStored(data) as never }),
    discard: ({ id }, { withDependants = false } = {}) => asker.ask(id, { kind: 'discard', withDependants }),
  }
}

/** A request whose asker went away is dropped this long after nobody waits for it any more: so much may clocks differ. */
const CLOCKS_DIFFER_MS = 5 * 60_000

interface AskerOptions {
  readonly host: Host
  readonly name: string
  readonly timeoutMs: number
  readonly timers: Timers
  readonly log: ConstructorParameters<typeof KeyedLog>[0]
}

/** Puts requests where the bridge that leads looks, waits for its answer, and takes them away. */
class Asker {
  readonly #options: AskerOptions
  readonly #requests: KeyedLog
  readonly #waiting = new Map<string, (refusal: string | null) => void>()

  constructor(options: AskerOptions) {
    this.#options = options
    this.#requests = new KeyedLog(options.log, (key, value) => {
      const { refusal } = (value ?? {}) as unknown as Partial<RepairRequest>
      if (refusal !== undefined) this.#waiting.get(key)?.(refusal)
    })
  }

  async ask(operation: string, repair: Repair): Promise<void> {
    const { host, name, timeoutMs, timers } = this.#options
    const key = `${operation} ${crypto.randomUUID()}`
    let timer: unknown
    const answer = new Promise<string | null | undefined>((resolve) => {
      this.#waiting.set(key, resolve)
      timer = timers.setTimeout(() => resolve(undefined), timeoutMs)
    })
    const untilMs = host.now() + timeoutMs + CLOCKS_DIFFER_MS
    this.#requests.put(key, { operation, repair, untilMs } satisfies RepairRequest as never)
    this.#requests.commit()
    const refusal = await answer
    timers.clearTimeout(timer)
    this.#waiting.delete(key)
    this.#requests.delete(key)
    this.#requests.commit()
    if (refusal === null) return
    if (refusal !== undefined) throw new MerrowError('invalid_argument', refusal)
    throw new MerrowError(
      'relay_unreachable',
      `No bridge of ${show(name)} answered within ${timeoutMs / 1000} s; the request was withdrawn. Does one run, and hold the lease? List anew: it may just have been done.`,
    )
  }
}

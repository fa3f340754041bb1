// connectBackend: puts the parts of one backend together. Everything else in this folder knows less.
import { MerrowError, show } from '../errors.ts'
import { createIdSource, systemRandom } from '../ids.ts'
import type { Schema } from '../schema/index.ts'
import { Backend } from './backend.ts'
import { outboxName, requestsName } from './bridge/repair-requests.ts'
import { Repairer } from './bridge/repairer.ts'
import { Codec } from './codec.ts'
import type { Core, MappedTable, Timers } from './core.ts'
import { Engine } from './engine.ts'
import { hostOf } from './host.ts'
import { IdMap, rowKey } from './identity/ids.ts'
import { Unifier } from './identity/unify.ts'
import { KeyedLog } from './keyed-log.ts'
import { defaultLease, relayLease } from './lease.ts'
import { listenToNews } from './news.ts'
import type { BackendOptions, BackendTables } from './options.ts'
import type { Operation } from './outbox/operation.ts'
import { Outbox } from './outbox/outbox.ts'
import { Recorder } from './outbox/recorder.ts'
import { Puller } from './pull/puller.ts'
import { readingCalls } from './pull/reading-calls.ts'
import { Answers } from './push/answers.ts'
import { Breaker } from './push/breaker.ts'
import { Sender } from './push/sender.ts'
import type { RemoteTable } from './remote-table.ts'
import { Client } from './rest/client.ts'
import { Rows } from './rows.ts'
import { SeenRecords } from './seen.ts'
import { Trace } from './trace.ts'

const BACKEND_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$/
const DAY_MS = 24 * 60 * 60 * 1000
const systemTimers: Timers = {
  setTimeout: (work, ms) => setTimeout(work, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
}

/**
 * Keeps tables of a database and collections of a backend in step.
 *
 * Each local write of these tables becomes an operation in a durable outbox, stored in the same batch as the write itself; operations are
 * sent in order per row, an insert before what refers to it, others at the same time. Row ids never change: an id map, which every
 * replica learns, links rows and records, and references are translated by it both ways.
 *
 * Resolves once the outbox is read. Connect before writing: what this device wrote before is sent as well, but not in the batch it was
 * stored in.
 *
 * @param tables - Table name -> its collection: `restTable({ url })`, a preset, or functions of your own.
 * @throws {@link MerrowError} `invalid_argument` for a malformed name or something that is no database; `unknown_table`.
 *
 * @example
 * const backend = await connectBackend(db, { tasks: restTable({ url: 'https://api.example.com/tasks' }) }, { token: () => signIn() })
 */
export const connectBackend = async <S extends Schema>(
  db: { readonly schema: S },
  tables: BackendTables<S>,
  options: BackendOptions = {},
): Promise<Backend> => {
  const { name = 'backend' } = options
  if (!BACKEND_NAME.test(name))
    throw new MerrowError(
      'invalid_argument',
      `connectBackend({ name: ${show(name)} }): use 1 to 32 letters, digits, "_" or "-".`,
    )
  const host = hostOf(db)
  const idsLog = await host.openLog('_ids', { isMerged: true })
  const isBridge = options.isBridge ?? false
  const isPassive = options.sender === 'bridge' && !isBridge
  const lent = isBridge && options.lease === undefined ? host.lease : undefined
  // Bridges share one outbox through the relay; whoever takes over goes on with it.
  const isSharing = lent !== undefined
  const journalName = isSharing ? outboxName(name) : `_outbox-${name}`
  const outboxLog = await host.openLog(journalName, { isMerged: isSharing })
  const requestsLog = isSharing ? await host.openLog(requestsName(name), { isMerged: true }) : undefined
  const lease = options.lease ?? (lent === undefined ? defaultLease() : relayLease(lent, host.remoteName(journalName)))
  const { timers = systemTimers, random = Math.random, randomBytes = systemRandom, limits = {} } = options

  const journal: KeyedLog = new KeyedLog(outboxLog, () => recorder.noteOthers())
  const idsKeyed: KeyedLog = new KeyedLog(idsLog, (key, value) => ids.noteRemote(key, value))
  let onIdentity: (table: string, row: string) => void = () => {}
  const ids: IdMap = new IdMap(name, idsKeyed, (table, row) => onIdentity(table, row))
  const mapped = new Map<string, MappedTable>()
  for (const [table, remote] of Object.entries(tables) as [string, RemoteTable | undefined][]) {
    if (remote === undefined) continue
    const rows = host.table(table)
    const codec = new Codec(table, host.schema.tables[table] as Schema['tables'][string], remote, ids)
    mapped.set(table, { name: table, rows, remote, codec })
  }

  let changed: () => void = () => {}
  const seen = new SeenRecords(journal)
  const trace = new Trace(journal, options.traces ?? 1000)
  const isLinked = (row: string): boolean => ids.isLinked(row)
  const outbox = new Outbox({
    journal,
    ids,
    trace,
    makeId: createIdSource(host.now, randomBytes),
    now: host.now,
    isLinked,
    // What has no table here any more waits until it has.
    needs: ({ table, fields }) => mapped.get(table)?.codec.references(fields) ?? [`${table}/`],
    withhold: ({ table, fields }, row) => mapped.get(table)?.codec.withhold(fields, row),
    isLive: ({ table, row }) => mapped.get(table)?.rows.get(row) !== undefined,
    isNeedless: (operation) => isNeedless(mapped.get(operation.table), operation, ids),
    onNeedless: ({ table, row }) => rows.givenUp(mapped.get(table) as MappedTable, row),
    onChange: () => changed(),
  })
  const commitLogs = (): void => {
    ids.commit()
    journal.commit()
  }
  const core: Core = {
    name,
    host,
    tables: mapped,
    ids,
    journal,
    seen,
    outbox,
    trace,
    timers,
    random,
    clockOffsetMs: 0,
    report(problem) {
      trace.report({ ...problem, timeMs: host.now() })
      changed()
    },
    async reload() {
      if (!isSharing) await host.refreshLog(journalName)
      journal.reload()
      seen.reload()
      trace.reload()
      outbox.reload()
    },
    mayRepair: () => !isSharing || engine.term !== undefined,
    noted: () => (isSharing ? host.acknowledged() : host.saved()),
    commit() {
      host.commit()
      commitLogs()
    },
  }
  const mayUnify = (): boolean => !engine.isStopped && !isPassive && (!isSharing || engine.term !== undefined)
  const unifier = new Unifier(core, {
    mayUnify,
    schedule: (work) => void timers.setTimeout(work, 0),
    onDoubt: () => void engine.pull(),
  })
  const noteAll = (): void => {
    for (const table of mapped.values())
      for (const row of table.rows.rows({ withDeleted: true })) {
        unifier.noteReferences(table, row)
        if (ids.isNeverRow(rowKey(table.name, row.id)) || ids.canonical(table.name, row.id) !== row.id)
          unifier.note(table.name, row.id)
      }
    for (const { table, row } of ids.manifold()) unifier.note(table, row)
  }
  noteAll()
  onIdentity = (table, row) => {
    for (const alias of ids.aliases(table, row)) outbox.noteRow(rowKey(table, alias))
    unifier.note(table, row)
  }
  const rows: Rows = new Rows(core)
  const client = new Client({
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    token: options.token,
    authorize: options.authorize,
    maxAnswerBytes: options.maxAnswerBytes ?? 8 * 1024 * 1024,
    now: host.now,
    onClock: (offsetMs) => {
      core.clockOffsetMs = offsetMs
    },
  })
  const { timeoutMs = 30_000 } = options
  const call = readingCalls({ client, timers, timeoutMs, makeId: createIdSource(host.now, randomBytes) })
  const breaker: Breaker = new Breaker({ timers, now: host.now, random, onTry: () => void engine.pull() })
  const puller = new Puller({
    core,
    rows,
    call,
    fullScanMs: options.fullScanMs ?? Number.POSITIVE_INFINITY,
    term: () => engine.term,
  })
  const { maxConflicts = 5, maxInFlight = 6, maxTries = 12 } = options
  const answers = new Answers({
    core,
    rows,
    call,
    pull: (table) => puller.pull(table),
    refresh: (table) => puller.refresh(table),
    maxConflicts,
  })
  const sender: Sender = new Sender({
    core,
    answers,
    breaker,
    request: (request, signal) => client.send(request, signal),
    maxInFlight,
    timeoutMs,
    maxTries,
    mayStart: () => engine.mayPush(),
    term: () => engine.term,
    onChange: () => changed(),
  })
  const onRemote = (table: MappedTable, id: string): void => {
    if (ids.remote(table.name, id) !== undefined) unifier.note(table.name, id)
    outbox.noteRow(rowKey(table.name, id))
  }
  const recorder: Recorder = new Recorder({
    core,
    isShared: lease.tell !== undefined,
    isBridge,
    isSharing,
    existing: options.existing ?? 'push',
    onRow: (table, row) => {
      unifier.noteReferences(table, row)
      if (ids.canonical(table.name, row.id) !== row.id) unifier.note(table.name, row.id)
    },
    onRemote,
  })
  const engine: Engine = new Engine({
    core,
    recorder,
    sender,
    puller,
    breaker,
    lease,
    isBridge: isSharing,
    onLead() {
      recorder.lead()
      if (isSharing) noteAll()
      repairer?.look()
    },
    pollMs: options.pollMs ?? 60_000,
    freshMs: options.freshMs ?? 30_000,
    listen: (listener) =>
      listenToNews(
        {
          page: options.page ?? (globalThis as unknown as Partial<EventTarget>),
          stream: options.listen,
          opened: (onOpened) => host.onOpened(onOpened),
        },
        listener,
      ),
    onChange: () => backend.touch(),
  })
  host.beforeStoring(() => {
    if (engine.isStopped || isPassive) return
    recorder.noteRecorded()
    commitLogs()
  })
  const backend: Backend = new Backend({
    core,
    engine,
    sender,
    breaker,
    puller,
    limits: { operations: limits.operations ?? 10_000, ageMs: limits.ageMs ?? 7 * DAY_MS },
  })
  const repairer: Repairer | undefined =
    requestsLog && new Repairer(core, new KeyedLog(requestsLog, () => repairer?.look()), backend.outbox)
  changed = () => {
    backend.touch()
    engine.kick()
  }
  host.onClose(() => backend.close())
  if (!isPassive) engine.start()
  return backend
}

/** Whether the row as it is now has made an operation needless. */
const isNeedless = (table: MappedTable | undefined, { kind, row: id }: Operation, ids: IdMap): boolean => {
  if (table === undefined || kind === 'insert') return false
  const row = table.rows.get(id, { withDeleted: true })
  // Another row stands for it, whose record is the same.
  if (ids.canonical(table.name, id) !== id || row === undefined) return false
  if (kind === 'delete') return row.deletedAt === undefined
  // A row that others have deleted may be restored, and takes this with it then; unless the record is known to be gone.
  const remote = ids.remote(table.name, id)
  return row.deletedAt !== undefined && remote !== undefined && ids.isGone(table.name, remote)
}

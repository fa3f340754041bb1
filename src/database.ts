// The composition root: puts schema, row logs, tables, storage and sync together. Everything below knows less.
import { BackendIds, type Host, registerHost } from './backend/host.ts'
import { bringInSoon } from './bring-in.ts'
import { Compactor } from './compactor.ts'
import type { Database, DatabaseCore, DatabaseOptions, TableOf, TransactOptions } from './database-types.ts'
import { DeliveryBook } from './delivery.ts'
import { MerrowError, show } from './errors.ts'
import { ForkMender } from './fork-mender.ts'
import { Forks } from './forks.ts'
import { createIdSource, randomName, systemRandom } from './ids.ts'
import { VersionGuard } from './migrate.ts'
import { PartitionedTables } from './partitions/partitioned-tables.ts'
import { createCatalog, PartitionedTable, QueryEngine, Table } from './query/index.ts'
import { RowLog, scratchDocuments } from './rowlog/index.ts'
import type { Columns, PartitionedSchema, Schema, TableSchema } from './schema/index.ts'
import { type RowStatus, Status } from './status.ts'
import { memory } from './storage/memory.ts'
import type { Storage } from './storage/port.ts'
import { Saver } from './storage/saver.ts'
import { checkFormat, deviceOf } from './store-marks.ts'
import type { Connection, SyncSession } from './sync/port.ts'
import { systemTimers } from './sync/socket.ts'
import { Conflicts, MigrationClock, Quarantine, UndoStack, WriteBatch } from './table/index.ts'
import { createUnion, createView, type TableSource } from './view/index.ts'

const DATABASE_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/
/** How long the note of a purge is kept, so that replicas which were away that long learn of it: 90 days. */
const PURGE_RETENTION_MS = 90 * 24 * 60 * 60 * 1000

/**
 * Opens a database: loads it from storage, and starts keeping it in step.
 *
 * Rows of earlier versions of the schema are migrated first. If a step fails, or the data asks for a newer schema, the database opens
 * read-only: `db.status.error` says why, and writes throw `read_only`.
 *
 * @throws {@link MerrowError} `invalid_argument` for a malformed name, `newer_format` for a store that a newer version made,
 * `storage_failed` or `folder_unusable` for one that cannot be read.
 *
 * @example
 * const db = await createDatabase({ name: 'acme', schema, storage: lmdb({ path: './data' }), sync: relay({ url }) })
 */
export const createDatabase = async <const S extends Schema>(options: DatabaseOptions<S>): Promise<Database<S>> => {
  const { name, user } = options
  if (typeof name !== 'string' || !DATABASE_NAME.test(name))
    throw new MerrowError(
      'invalid_argument',
      `createDatabase({ name: ${show(name)} }): use 1 to 64 letters, digits, ".", "_" or "-", a letter or digit first.`,
    )
  if (user !== undefined && (user === '' || user.length > 256))
    throw new MerrowError(
      'invalid_argument',
      `createDatabase({ user: ${show(user)} }): use 1 to 256 characters, or leave it out.`,
    )
  const storage = await (options.storage ?? memory()).open({ database: name, scratch: scratchDocuments })
  try {
    return await openDatabase(options, storage)
  } catch (error) {
    await storage.close()
    throw error
  }
}

const openDatabase = async <S extends Schema>(options: DatabaseOptions<S>, opened: Storage): Promise<Database<S>> => {
  const { name, schema, sync, user, now = Date.now, random = systemRandom, onError = console.error } = options
  const { timers = systemTimers } = options
  await checkFormat(opened, name)
  const forks = new Forks(opened, onError)
  const { storage } = forks
  const device = await deviceOf(storage, random)
  const replica = `${device}.${randomName(random)}`
  const clock = new MigrationClock(now)
  const createLog = (table: TableSchema): RowLog =>
    new RowLog({
      replica,
      author: user,
      clock,
      random,
      history: table.history,
      isFoldable: (field) => isFoldable(table, field),
      // Rows of partitions are deleted where they do not belong, too.
      purgesKeptMs: isPartitioned(table) ? undefined : PURGE_RETENTION_MS,
    })
  const logs = new Map<string, RowLog>()
  for (const [table, tableSchema] of Object.entries(schema.tables))
    if (!isPartitioned(tableSchema)) logs.set(table, createLog(tableSchema))
  /** Logs that backends keep beside the tables. */
  const backendLogs = new Map<string, RowLog>()
  const allLogs = (): readonly RowLog[] => [...logs.values(), ...backendLogs.values(), ...partitioned.logs()]

  const saver = new Saver({
    storage,
    encode: (document) =>
      (logs.get(document) ?? backendLogs.get(document) ?? (partitioned.logOf(document) as RowLog)).encode(),
    onStatus: () => status.touch(),
    timers,
  })
  let session: SyncSession | undefined
  const status = new Status<Connection>(
    {
      get connection() {
        return session?.connection ?? 'offline'
      },
      get unsaved() {
        return saver.unsaved + (batch.isPending ? 1 : 0)
      },
      get unsent() {
        return session === undefined ? 0 : session.unsent + partitioned.unjoined
      },
      get refused() {
        return allLogs().reduce((sum, { refused }) => sum + refused, 0)
      },
      get forks() {
        return forks.list
      },
      get error() {
        return guard.reason ?? saver.error ?? session?.error
      },
    },
    onError,
  )

  const guard = new VersionGuard({ name, schema, logs, clock, onChange: () => status.touch() })
  const compactor = new Compactor({
    logs: () => [...logs.values(), ...partitioned.tables()],
    timers,
    random: () => (random(new Uint8Array(1))[0] as number) / 256,
    isReady: () => guard.reason === undefined && (session === undefined || session.connection === 'connected'),
    flush: () => batch.flush(),
    onError,
  })
  const loadLog = async (document: string, log: RowLog, createLike: () => RowLog, isFirst = false): Promise<void> => {
    const stored = await forks.load(document, createLike, { isFirst })
    log.show(stored.map(({ update }) => update))
    saver.noteLoaded(document, stored)
    log.onUpdate((update) => saver.save(document, update, log.position))
    log.forgetPurges(now() - PURGE_RETENTION_MS)
  }
  for (const [table, log] of logs) {
    await loadLog(table, log, () => createLog(schema.tables[table] as TableSchema), true)
    log.onUpdate(() => {
      guard.look(table)
      compactor.noteChange()
    })
  }
  guard.migrate()
  await saver.compact()

  // A clock that was given decides of everything, so that a whole system runs the same under a seed.
  const schedule = options.now === undefined ? {} : { nowMs: options.now }
  const batch = new WriteBatch({ schedule, refuse: () => guard.refuse(), holdStorage: () => saver.hold() })
  /** Puts what waits into the documents, unless a transaction is still at work. */
  const commit = (): void => {
    if (batch.isPending && !batch.isInTransaction) batch.flush()
  }
  const undo = new UndoStack(now, (work) => batch.transact(work, 'undo'))
  const conflicts = new Conflicts(onError)
  const transact = <T>(work: () => T, { label, origin }: TransactOptions = {}): T =>
    undo.step(label, () => batch.transact(work, origin))
  const makeId = (options.ids ?? createIdSource)(now, random)
  const documentOf = (table: string): string => `${name}/${table}`
  const partitioned = new PartitionedTables({
    database: name,
    storage,
    saver,
    forks,
    timers,
    replica,
    author: user,
    clock,
    guard,
    createLog,
    onChange: () => compactor.noteChange(),
    now,
    session: () => session,
    flush: () => batch.flush(),
    isWritable: () => guard.reason === undefined,
    retentionMs: PURGE_RETENTION_MS,
    onPending: () => batch.noteWork(),
    onError,
  })
  const plainLogs = new Map(Array.from(logs, ([table, log]) => [documentOf(table), log]))
  const delivery = new DeliveryBook({
    logOf: (document) => plainLogs.get(document) ?? partitioned.logOf(document.slice(name.length + 1)),
    saved: (table) => saver.position(table),
    isSynced: sync !== undefined,
  })
  const ids = new BackendIds()
  const queries = { catalog: createCatalog(schema.tables), engine: new QueryEngine(onError) }
  batch.onFlushed(() => queries.engine.refresh())
  const tables = new Map<string, Table<Columns>>()
  for (const [table, tableSchema] of Object.entries(schema.tables)) {
    const statusOf = (id: string): RowStatus => ids.statusOf(table, id)
    const shared = { name: table, schema: tableSchema, batch, undo, conflicts, makeId, statusOf, now, onError, queries }
    if (isPartitioned(tableSchema)) {
      const { log, host } = await partitioned.add(table, tableSchema)
      const facts = delivery.factsOfAll(() =>
        Array.from(host.documents(), ({ name: stored }) => ({ stored, sent: documentOf(stored) })),
      )
      tables.set(table, new PartitionedTable({ ...shared, facts, log }, host))
    } else {
      const facts = delivery.factsOf({ stored: table, sent: documentOf(table) })
      tables.set(table, new Table({ ...shared, facts, log: logs.get(table) as RowLog }))
    }
  }

  const quarantine = new Quarantine(() => tables.values(), onError)
  const mender = new ForkMender({
    forks,
    saver,
    session: () => session,
    logOf: (document) => logs.get(document),
    remoteName: documentOf,
    async flushed() {
      await batch.settled()
      if (closing === undefined) batch.flush()
      return closing === undefined
    },
    onStatus: () => status.touch(),
  })

  session = sync?.start({
    documents: new Map([...plainLogs].flatMap(([document, log]) => (log.isWhole ? [[document, log.document]] : []))),
    onStatus: () => status.touch(),
    position: (document) => delivery.position(document),
    flush: commit,
    onAcknowledged: (document, position) => delivery.noteAcknowledged(document, position),
    isIntact: (document) => plainLogs.get(document)?.isIntact ?? true,
    onForked: (document) => void mender.found(document.slice(name.length + 1)).catch(onError),
  })
  for (const [document, log] of plainLogs) if (!log.isWhole) log.onWhole(() => session?.join(document, log.document, 0))
  const bringingIn = bringInSoon(logs.values(), { timers, onError })
  const bringAllIn = (): void => {
    for (const log of logs.values()) log.bringIn()
  }
  partitioned.start()
  let closing: Promise<void> | undefined

  const source: TableSource<S> = {
    schema,
    table: (table) => core.table(table) as unknown as Table<Columns>,
    transact,
    onError,
  }
  const core: DatabaseCore<S> = {
    name,
    schema,
    status,
    table: (table) => {
      const found = tables.get(table)
      if (found === undefined)
        throw new MerrowError(
          'unknown_table',
          `There is no table ${show(table)}; the schema has ${[...tables.keys()].join(', ')}.`,
        )
      return found as unknown as TableOf<S, typeof table>
    },
    transact,
    undo,
    conflicts,
    quarantine,
    ids,
    view: (parts, options) => createView(source, parts, options) as never,
    union: (names) => createUnion(source, names),
    stats: () => Object.fromEntries(Array.from(tables, ([name, own]) => [name, own.stats()])) as never,
    async saved() {
      batch.flush()
      await Promise.all([saver.saved(), partitioned.saved(), mender.noted()])
    },
    async acknowledged() {
      if (session === undefined)
        throw new MerrowError(
          'unsupported',
          'acknowledged() needs a relay: give createDatabase({ sync: relay({ url }) }). Without one, await saved().',
        )
      bringAllIn()
      batch.flush()
      await partitioned.loaded()
      await session.acknowledged()
    },
    async synced() {
      if (session === undefined)
        throw new MerrowError('unsupported', 'synced() needs a relay: give createDatabase({ sync: relay({ url }) }).')
      bringAllIn()
      await session.synced()
    },
    connect: () => session?.connect(),
    disconnect: () => session?.disconnect(),
    async close() {
      batch.flush()
      closing ??= closeDatabase()
      await closing
    },
  }

  const opening = new Map<string, Promise<RowLog>>()
  const openLog = async (document: string, isMerged: boolean): Promise<RowLog> => {
    const createLog = (): RowLog => new RowLog({ replica, author: user, clock, random })
    const log = createLog()
    backendLogs.set(document, log)
    await loadLog(document, log, createLog)
    if (isMerged) session?.join(documentOf(document), log.document, 0)
    return log
  }
  const closers: (() => void)[] = []
  const host: Host = {
    name,
    schema,
    conflicts,
    now,
    onError,
    table(table) {
      const found = core.table(table)
      host.log(table)
      return found as unknown as Table<Columns>
    },
    log(table) {
      const log = logs.get(table)
      log?.bringIn()
      if (log !== undefined) return log
      throw new MerrowError(
        'unsupported',
        `Table ${show(table)} is partitioned: give connectBackend() tables that are not.`,
      )
    },
    openLog(document, { isMerged }) {
      const opened = opening.get(document) ?? openLog(document, isMerged)
      opening.set(document, opened)
      return opened
    },
    async refreshLog(document) {
      batch.flush()
      await saver.saved()
      const stored = await storage.load(document)
      batch.flush()
      backendLogs.get(document)?.load(stored.map(({ update }) => update))
    },
    beforeStoring: (work) => batch.last(work),
    commit,
    write(work) {
      batch.flush()
      const result = batch.transact(work, 'backend')
      batch.flush()
      return result
    },
    saved: () => core.saved(),
    acknowledged: () => core.acknowledged(),
    synced: () => core.synced(),
    get lease() {
      return session?.lease
    },
    remoteName: documentOf,
    joinBackend: (backend) => ids.join(backend),
    onOpened: (work) => queries.engine.onOpened(work),
    onClose: (work) => closers.push(work),
  }

  const closeDatabase = async (): Promise<void> => {
    const bulk = batch.settled()
    if (bulk !== undefined) {
      await bulk
      batch.flush()
    }
    for (const work of closers) work()
    batch.close()
    compactor.close()
    bringingIn.stop()
    await partitioned.close()
    // What came has deleted it, and nobody has had time to look since.
    for (const log of logs.values()) log.restoreLost()
    for (const log of allLogs()) log.seal()
    session?.close()
    try {
      await Promise.all([saver.saved(), partitioned.saved()])
    } finally {
      saver.close()
      await storage.close()
      for (const log of allLogs()) log.destroy()
    }
  }
  const database = Object.freeze(withTables(core, tables)) as Database<S>
  registerHost(database, host)
  return database
}

/**
 * A column that one name writes, the later write winning: nothing else tells its writes apart by their exact time. In partitions they are:
 * a row may lie in several, and its copies know one another by stamp and writer.
 */
const isFoldable = ({ columns, hasFormers, partition }: TableSchema, field: string): boolean =>
  !hasFormers && partition === undefined && Object.hasOwn(columns, field) && columns[field]?.rule.kind === 'latest'

const isPartitioned = (schema: TableSchema): schema is PartitionedSchema<Columns> => schema.partition !== undefined

const withTables = <S extends Schema>(core: DatabaseCore<S>, tables: ReadonlyMap<string, Table<Columns>>): object => {
  const shadowed = [...tables.keys()].filter((name) => name in core)
  if (shadowed.length > 0)
    console.warn(
      `Merrow: ${shadowed.map((name) => `table "${name}" is reached by db.table('${name}')`).join(', ')}, since a database has a member of that name.`,
    )
  return { ...Object.fromEntries(tables), ...core }
}

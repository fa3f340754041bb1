// A bridge that runs: its database, its backends, what it reports, how it ends. Knows neither arguments nor signals.
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Backend, connectBackend } from '../../../src/backend/index.ts'
import { MerrowError, show } from '../../../src/errors.ts'
import { createDatabase, type Database, type Schema } from '../../../src/index.ts'
import { lmdb } from '../../../src/storage/index.ts'
import { makeFolder } from '../../../src/storage/make-folder.ts'
import { relay } from '../../../src/sync/index.ts'
import { takeLock } from '../../log/files/lock.ts'
import { errorFields, type Logger } from '../../logger.ts'
import type { BridgeSettings } from './config.ts'

/** Requests on their way are waited for so long at the end, and the relay's acknowledgement after that. */
const DRAIN_MS = 10_000
const ACKNOWLEDGE_MS = 5_000

/** A bridge that runs. */
export interface Bridge {
  /** Sends nothing more, waits for what is on its way (10 s at most), saves, and gives the lease back. */
  close(): Promise<void>
}

/**
 * Starts a bridge; it sends as soon as the relay lends it the lease.
 *
 * @param onRefused - Told once that the relay has refused it for good.
 * @throws {@link MerrowError} `folder_unusable` if another process uses its folder; as `createDatabase` and `connectBackend`.
 */
export const startBridge = async (
  settings: BridgeSettings,
  logger: Logger,
  onRefused: (error: unknown) => void,
): Promise<Bridge> => {
  const { store } = settings
  makeOwnFolder(store)
  const lock = await takeLock(store, join(store, 'bridge.lock'), { logger })
  try {
    const { db, backends } = await connect(settings, logger, onRefused)
    const close = async (): Promise<void> => {
      await drain(db, backends, logger)
      lock.release()
    }
    let closing: Promise<void> | undefined
    return { close: () => (closing ??= close()) }
  } catch (error) {
    lock.release()
    throw error
  }
}

const makeOwnFolder = (folder: string): void => {
  try {
    makeFolder(folder)
  } catch (cause) {
    throw new MerrowError('folder_unusable', `Folder ${show(folder)} cannot be made: ${String(cause)}.`, { cause })
  }
}

const connect = async (settings: BridgeSettings, logger: Logger, onRefused: (error: unknown) => void) => {
  const { db: name, schema, relay: url, relayToken: token, store } = settings
  const onError = (error: unknown): void => {
    logger('error', 'something failed', errorFields(error))
    if (error instanceof MerrowError && error.code === 'relay_refused') onRefused(error)
  }
  const sync = relay(token === undefined ? { url } : { url, token })
  const db: Database<Schema> = await createDatabase({ name, schema, sync, storage: lmdb({ path: store }), onError })
  try {
    db.status.subscribe(() => db.status.connection === 'refused' && onRefused(db.status.error))
    const backends: Backend[] = []
    for (const [backendName, { tables, tokenVariable: _, ...options }] of settings.backends) {
      const backend = await connectBackend(db, tables, { ...options, name: backendName, isBridge: true })
      report(backend, logger)
      backends.push(backend)
    }
    return { db, backends }
  } catch (error) {
    await db.close()
    throw error
  }
}

/** Says what an operator is to know, once per change; names and counts, no data and no tokens. */
const report = (backend: Backend, logger: Logger): void => {
  const { name, status } = backend
  let [connection, failed, problems] = ['', 0, 0]
  const look = (): void => {
    if (status.connection !== connection) {
      connection = status.connection
      const isWell = connection === 'online' || connection === 'waiting' || connection === 'closed'
      logger(isWell ? 'info' : 'warn', SAID[status.connection], { backend: name, pending: status.pending })
    }
    if (status.failed > failed)
      logger('error', 'operations are in the dead letter', { backend: name, failed: status.failed })
    failed = status.failed
    const news = backend.problems().length - problems
    if (news > 0)
      logger('warn', 'problems', {
        backend: name,
        kinds: backend
          .problems()
          .slice(-news)
          .map(({ kind }) => kind),
      })
    problems = backend.problems().length
  }
  status.subscribe(look)
  look()
}

const SAID: Readonly<Record<Backend['status']['connection'], string>> = {
  waiting: 'waits: another bridge holds the lease, or the relay is away',
  online: 'holds the lease, sends and pulls for all',
  offline: 'the backend does not answer',
  failing: 'the backend fails',
  unauthorized: 'the backend refuses the token',
  paused: 'sends nothing more',
  closed: 'has ended',
}

const drain = async (db: Database<Schema>, backends: readonly Backend[], logger: Logger): Promise<void> => {
  for (const backend of backends) backend.pause()
  const isIdle = (): boolean => backends.every(({ status }) => status.sending === 0)
  const ended = new AbortController()
  const idle = new Promise<void>((resolve) => {
    for (const { status } of backends) status.subscribe(() => isIdle() && resolve())
    if (isIdle()) resolve()
  })
  const within = (ms: number): Promise<void> => sleep(ms, undefined, { signal: ended.signal }).catch(() => {})
  await Promise.race([idle, within(DRAIN_MS)])
  if (!isIdle()) logger('warn', 'requests were given up; the next bridge sends them again under their ids')
  const isConnected = db.status.connection === 'connected'
  if (isConnected) await Promise.race([db.acknowledged(), within(ACKNOWLEDGE_MS)])
  ended.abort()
  await db.close()
}

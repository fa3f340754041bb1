// The relay's composition root: puts log, rooms and HTTP together, and takes them apart in the right order.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { LEASE_MS, PING_INTERVAL_MS } from '../src/sync/wire.ts'
import { type AuthOptions, type Authority, createAuthority, isSame } from './auth/authority.ts'
import { jwtFaults } from './auth/jwt.ts'
import { openRevocations } from './auth/revocations.ts'
import { DEFAULT_HOST, DEFAULT_PORT, faultsOf, invalidConfig } from './config.ts'
import type { Refusal } from './guard/verdict.ts'
import type { AppAccess } from './http/app.ts'
import { createEncodedStates } from './http/encoded-states.ts'
import { createGate } from './http/gate.ts'
import { createServer, listen, stopListening, type TlsOptions } from './http/listen.ts'
import { Bucket } from './http/socket/bucket.ts'
import { createHeartbeat, systemTimers, type Timers } from './http/socket/heartbeat.ts'
import { Sessions } from './http/socket/sessions.ts'
import { acceptUpgrades } from './http/socket/upgrade.ts'
import { limitsOf, type RelayLimits } from './limits.ts'
import { openFileLog } from './log/file-log.ts'
import type { Log, Retention } from './log/port.ts'
import { errorFields, jsonLogger, type Logger } from './logger.ts'
import { createMetrics, type Metrics, type RoomFigures } from './metrics.ts'
import { Duties } from './room/duties.ts'
import { createHub, type Hub } from './room/hub.ts'
import { createSnapshotter } from './room/snapshotter.ts'
import { version } from './version.ts'

/** What a relay is made of. One of `data` and `log` is needed. */
export interface RelayOptions extends AuthOptions {
  /** With a token: exact origins whose pages may connect, as `https://app.example.org`; default all, since the token decides. */
  readonly origins?: readonly string[] | undefined
  /** Bounds on what clients may take; each has a default. */
  readonly limits?: RelayLimits | undefined
  /** Default 8787; 0 for a free one. */
  readonly port?: number | undefined
  /** Default 127.0.0.1. Others than this machine's own need a `token`. */
  readonly host?: string | undefined
  /** Folder for the log; made if it is missing, held by one relay at a time. */
  readonly data?: string | undefined
  /** A log of your own, instead of `data`; the relay closes it. */
  readonly log?: Log | undefined
  /** Folder with files to serve at `/`. */
  readonly demo?: string | undefined
  /** Whether stock clients may give the token as `?token=` (default no: proxies and logs see it). */
  readonly yjsTokenInUrl?: boolean | undefined
  /** Token of the admin page at `/admin`, and of `/metrics`; without one there is no page, and `/metrics` is open. */
  readonly adminToken?: string | undefined
  /** Certificate and key (PEM), for https and wss. */
  readonly tls?: TlsOptions | undefined
  /** Which former snapshots are kept in `data`; by default a hundred, an hour apart, for thirty days. */
  readonly retention?: Retention | undefined
  /** Takes reports; default JSON lines on stderr for warnings and errors. */
  readonly logger?: Logger | undefined
  /** A log tail of this many updates is made into a snapshot (default 500). */
  readonly snapshotAfterUpdates?: number | undefined
  /** A log tail of this many bytes is made into a snapshot (default 4 MiB). */
  readonly snapshotAfterBytes?: number | undefined
  /** Clock of heartbeats and deadlines. */
  readonly timers?: Timers | undefined
  /** Wall clock, milliseconds since the epoch: tokens and stamps are compared with it. */
  readonly now?: (() => number) | undefined
  /** How long a duty is held after it was claimed, in milliseconds (default 15,000). A relay that starts grants none for that time. */
  readonly leaseMs?: number | undefined
  /** Told of every update that the guard refused, by its word for the reason. */
  readonly onRefused?: ((refusal: Refusal, document: string) => void) | undefined
}

/** A running relay. */
export interface Relay {
  /** Where it listens, as `http://127.0.0.1:8787`. */
  readonly url: string
  /** The port, also if a free one was asked for. */
  readonly port: number
  /**
   * Ends the relay: takes nothing more, makes durable and acknowledges what it took, closes its sockets with 1012
   * and then the log. A second call waits for the first.
   */
  close(): Promise<void>
  /**
   * Revokes every token that a user has now: closes its connections (4401), and refuses tokens issued until now for good.
   *
   * @param subject - The claim `sub`.
   * @returns Resolves once that is durable; connections are closed at once.
   */
  revoke(subject: string): Promise<void>
}

const SERVICE_RESTART = 1012
/** A relay that ends makes snapshots for so long; what it does not come to is in the log all the same. In milliseconds. */
const SNAPSHOT_DEADLINE_MS = 5_000
/** So long after the start the library of metrics is loaded, if nobody has asked for them: clients come back first. In milliseconds. */
const METRICS_AFTER_MS = 1_000

/**
 * Starts a relay.
 *
 * @throws {@link MerrowError} `invalid_config`, `folder_unusable`, `newer_format` or `port_in_use`; nothing is left running then.
 */
export const createRelay = async (options: RelayOptions): Promise<Relay> => {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, token, adminToken, jwt, data } = options
  const asksForToken = token !== undefined || jwt !== undefined
  const secrets = { ...(token === undefined ? {} : { token }), ...(adminToken === undefined ? {} : { adminToken }) }
  const faults = faultsOf({ host, port, asksForToken, ...secrets })
  if (jwt !== undefined) faults.push(...jwtFaults(jwt))
  if (jwt !== undefined && token !== undefined) faults.push('Give "token" or "jwt", not both: one way to come in.')
  if (options.log === undefined && data === undefined)
    faults.push('The relay has no place for its log: give "data" or "log".')
  if (faults.length > 0) throw invalidConfig(faults)
  const metrics = createMetrics()
  const { logger = jsonLogger, retention } = options
  const log = options.log ?? (await openFileLog({ folder: data ?? '', retention, logger, disk: metrics.measureDisk() }))
  try {
    return await start(metrics.measureLog(log), metrics, { ...options, host, port })
  } catch (error) {
    await log.close()
    throw error
  }
}

const start = async (
  log: Log,
  metrics: Metrics,
  options: RelayOptions & { readonly host: string; readonly port: number },
): Promise<Relay> => {
  const { host, adminToken, demo, logger = jsonLogger, timers = systemTimers, now = Date.now } = options
  const limits = limitsOf(options.limits)
  const revocations = await openRevocations(log)
  const authority = createAuthority(options, revocations, now)
  const gate = createGate({ asksForToken: authority.asksForToken, origins: options.origins })
  const relayName = `merrow/${version()}`
  const snapshotter = createSnapshotter()
  const { maxUpdateBytes: maxFrameBytes, maxDocumentBytes } = limits
  const onRefused: RelayOptions['onRefused'] = (refusal, document) => {
    metrics.refused(refusal)
    options.onRefused?.(refusal, document)
  }
  const after = (ms: number) => elapsed(timers, ms)
  const room = { maxFrameBytes, maxDocumentBytes, onRefused, now, after }
  const hub = createHub({ ...options, ...room, log, snapshotter, logger })
  const cache =
    options.data === undefined ? join(tmpdir(), `merrow-cache-${randomUUID()}`) : join(options.data, 'cache')
  const encoded = createEncodedStates(cache)
  const docs = { hub, log, encoded }
  const admits = (token: string | undefined) => token !== undefined && isSame(token, adminToken ?? '')
  const sessions = new Sessions({ ...limits, timers, now })
  const revoke = async (subject: string): Promise<void> => {
    const revoked = revocations.revoke(subject, now())
    sessions.revoke(subject)
    await revoked
  }
  const subjects = options.jwt === undefined ? {} : { revoke }
  const admin = adminToken === undefined ? undefined : { docs, relayName, admits, ...subjects }
  const access = createAccess(authority)
  let closing: Promise<void> | undefined
  const unreadiness = () => (closing === undefined ? metrics.failure : 'the relay is ending')
  const loadApp = async () =>
    (await import('./http/app.ts')).createApp({ gate, demo, docs, access, admin, metrics, unreadiness })
  const server = createServer(loadApp, logger, options.tls)
  metrics.watchRooms(() => figuresOf(hub))
  const port = await listen(server, options.port, host)
  const stopWaiting = timers.after(METRICS_AFTER_MS, () => {
    metrics.load().catch((error) => logger('error', 'metrics cannot be loaded', errorFields(error)))
  })
  const duties = new Duties({ leaseMs: options.leaseMs ?? LEASE_MS, elapsedMs: () => performance.now(), now })
  const heartbeat = createHeartbeat(timers, PING_INTERVAL_MS)
  const sockets = acceptUpgrades(server, {
    hub,
    gate,
    authority,
    sessions,
    duties,
    heartbeat,
    timers,
    now,
    logger,
    limits,
    outlets: {
      maxBacklogBytes: limits.maxBacklogBytes,
      timers,
      onSlow: (backlogBytes, document) => logger('warn', 'slow client closed', { document, backlogBytes }),
    },
    refusals: new Bucket(limits.refusals, now),
    relayName,
    isTokenInUrlAllowed: options.yjsTokenInUrl ?? false,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    addressHeader: limits.addressHeader,
  })
  metrics.watchSockets(() => sockets.all())
  const close = async () => {
    sockets.refuseMore()
    const stopped = stopListening(server)
    await hub.drain()
    await Promise.race([hub.snapshotAll(), elapsed(timers, SNAPSHOT_DEADLINE_MS)])
    await sockets.close(SERVICE_RESTART, 'the relay is ending; connect again')
    heartbeat.stop()
    stopWaiting()
    server.closeAllConnections()
    await stopped
    await snapshotter.close()
    await encoded.close()
    await log.close()
  }
  return {
    url: `${options.tls === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close() {
      closing ??= close()
      return closing
    },
    revoke,
  }
}

/** What the bearer of a token may do with a document over HTTP. */
const createAccess =
  (authority: Authority): AppAccess =>
  async (token, document, kind) => {
    const found = await authority.authenticate(token)
    if (found.kind !== 'admitted') return 401
    const granted = found.identity.grants(document)
    return granted === 'write' || (granted === 'read' && kind === 'read') ? 'granted' : 403
  }

const elapsed = (timers: Timers, ms: number) => new Promise<void>((resolve) => timers.after(ms, resolve))

const figuresOf = (hub: Hub): RoomFigures => {
  const figures = { rooms: hub.size, members: 0, tailUpdates: 0, snapshots: hub.keeper.counts }
  for (const room of hub.rooms) {
    figures.members += room.figures.members
    figures.tailUpdates += room.figures.tailUpdates
  }
  return figures
}

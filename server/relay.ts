// The relay's composition root: puts log, rooms and HTTP together, and takes them apart in the right order.
import { createRequire } from 'node:module'
import { PING_INTERVAL_MS } from '../src/sync/wire.ts'
import { type AuthOptions, createAuthority } from './auth/authority.ts'
import { jwtFaults } from './auth/jwt.ts'
import { openRevocations } from './auth/revocations.ts'
import { DEFAULT_HOST, DEFAULT_PORT, faultsOf, invalidConfig } from './config.ts'
import type { Refusal } from './guard/verdict.ts'
import { createApp } from './http/app.ts'
import { createGate } from './http/gate.ts'
import { createServer, listen, stopListening } from './http/listen.ts'
import { createHeartbeat, systemTimers, type Timers } from './http/socket/heartbeat.ts'
import { Sessions } from './http/socket/sessions.ts'
import { acceptUpgrades } from './http/socket/upgrade.ts'
import { limitsOf, type RelayLimits } from './limits.ts'
import { openLmdbLog } from './log/lmdb.ts'
import type { Log } from './log/port.ts'
import { jsonLogger, type Logger } from './logger.ts'
import { createHub } from './room/hub.ts'
import { createSnapshotter } from './room/snapshotter.ts'

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

/**
 * Starts a relay.
 *
 * @throws {@link MerrowError} `invalid_config`, `folder_unusable`, `newer_format` or `port_in_use`; nothing is left running then.
 */
export const createRelay = async (options: RelayOptions): Promise<Relay> => {
  const { host = DEFAULT_HOST, port = DEFAULT_PORT, token, jwt, data } = options
  const asksForToken = token !== undefined || jwt !== undefined
  const faults = faultsOf({ host, port, asksForToken, ...(token === undefined ? {} : { token }) })
  if (jwt !== undefined) faults.push(...jwtFaults(jwt))
  if (jwt !== undefined && token !== undefined) faults.push('Give "token" or "jwt", not both: one way to come in.')
  if (options.log === undefined && data === undefined)
    faults.push('The relay has no place for its log: give "data" or "log".')
  if (faults.length > 0) throw invalidConfig(faults)
  const log = options.log ?? (await openLmdbLog({ folder: data ?? '' }))
  try {
    return await start(log, host, port, options)
  } catch (error) {
    await log.close()
    throw error
  }
}

const start = async (log: Log, host: string, wantedPort: number, options: RelayOptions): Promise<Relay> => {
  const { logger = jsonLogger, timers = systemTimers, now = Date.now } = options
  const limits = limitsOf(options.limits)
  const revocations = await openRevocations(log)
  const authority = createAuthority(options, revocations, now)
  const gate = createGate({ asksForToken: authority.asksForToken, origins: options.origins })
  const server = createServer(createApp({ gate, demo: options.demo }))
  const port = await listen(server, wantedPort, host)

  const snapshotter = createSnapshotter()
  const { maxUpdateBytes: maxFrameBytes, maxDocumentBytes } = limits
  const hub = createHub({ ...options, log, snapshotter, logger, now, maxFrameBytes, maxDocumentBytes })
  const sessions = new Sessions({ ...limits, timers, now })
  const heartbeat = createHeartbeat(timers, PING_INTERVAL_MS)
  const sockets = acceptUpgrades(server, {
    hub,
    gate,
    authority,
    sessions,
    heartbeat,
    timers,
    now,
    logger,
    limits,
    relayName: `merrow/${version()}`,
    isTokenInUrlAllowed: options.yjsTokenInUrl ?? false,
    maxConnectionsPerAddress: limits.maxConnectionsPerAddress,
    addressHeader: limits.addressHeader,
  })

  let closing: Promise<void> | undefined
  const close = async () => {
    sockets.refuseMore()
    const stopped = stopListening(server)
    await hub.drain()
    await sockets.close(SERVICE_RESTART, 'the relay is ending; connect again')
    heartbeat.stop()
    server.closeAllConnections()
    await stopped
    await snapshotter.close()
    await log.close()
  }
  return {
    url: `http://${host.includes(':') ? `[${host}]` : host}:${port}`,
    port,
    close() {
      closing ??= close()
      return closing
    },
    async revoke(subject) {
      const revoked = revocations.revoke(subject, now())
      sessions.revoke(subject)
      await revoked
    },
  }
}

/** Version of this package. */
export const version = (): string => {
  const { version } = createRequire(import.meta.url)('merrow/package.json') as { version: string }
  return version
}

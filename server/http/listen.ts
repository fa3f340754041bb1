// Starts and stops the HTTP server that a relay listens with. Knows ports and faults, not what is served.
import { createServer as createHttpServer, type RequestListener, type Server } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import type { Hono } from 'hono'
import { MerrowError } from '../../src/errors.ts'
import { errorFields, type Logger } from '../logger.ts'

/** A certificate and its key, PEM. */
export interface TlsOptions {
  readonly cert: string
  readonly key: string
}

/**
 * Creates the server for an app; it does not listen yet.
 *
 * @param load - Makes the app, when the first request comes: WebSockets do without. One that fails is asked again for the next request.
 * @param tls - Makes it speak https and wss.
 * @throws {@link MerrowError} `invalid_config` if certificate and key cannot be used.
 */
export const createServer = (load: () => Promise<Hono>, logger: Logger, tls?: TlsOptions): Server => {
  const listener = listenerOf(load, logger)
  if (tls === undefined) return createHttpServer(listener)
  try {
    return createHttpsServer({ ...tls }, listener)
  } catch (cause) {
    throw new MerrowError(
      'invalid_config',
      `Cannot use the TLS certificate and key: ${cause instanceof Error ? cause.message : String(cause)}. Give PEM files that belong together (tlsCert, tlsKey).`,
      { cause },
    )
  }
}

const listenerOf = (load: () => Promise<Hono>, logger: Logger): RequestListener => {
  let loading: Promise<RequestListener> | undefined
  const loaded = async (): Promise<RequestListener> => {
    try {
      const [{ fetch }, { getRequestListener }] = await Promise.all([load(), import('@hono/node-server')])
      return getRequestListener(fetch)
    } catch (error) {
      loading = undefined
      logger('error', 'what serves HTTP cannot be loaded', errorFields(error))
      throw error
    }
  }
  return (request, response) => {
    loading ??= loaded()
    loading.then(
      (listener) => listener(request, response),
      () => response.writeHead(500).end(),
    )
  }
}

/**
 * Listens.
 *
 * @param port - 0 for a free one.
 * @returns The port that is listened on.
 * @throws {@link MerrowError} `port_in_use`, or `invalid_config` if host or port cannot be listened on.
 */
export const listen = async (server: Server, port: number, host: string): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    const fail = (cause: NodeJS.ErrnoException) => reject(listenError(port, host, cause))
    server.once('error', fail)
    server.listen(port, host, () => {
      server.off('error', fail)
      resolve()
    })
  })
  const address = server.address()
  return typeof address === 'object' && address !== null ? address.port : port
}

const listenError = (port: number, host: string, cause: NodeJS.ErrnoException): MerrowError =>
  cause.code === 'EADDRINUSE'
    ? new MerrowError(
        'port_in_use',
        `Cannot listen on ${host}:${port}: the port is in use. Stop what uses it, or choose another with --port.`,
        { cause },
      )
    : new MerrowError(
        'invalid_config',
        `Cannot listen on ${host}:${port}: ${cause.message}. Choose another with --host and --port.`,
        { cause },
      )

/** Stops listening and ends idle connections; resolves once none is left. */
export const stopListening = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeIdleConnections()
  })

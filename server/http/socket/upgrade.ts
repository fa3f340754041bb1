// WebSocket upgrades: which path leads to which kind of socket, and who is turned away before there is one.
import type { IncomingMessage, Server } from 'node:http'
import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'
import { type WebSocket, WebSocketServer } from 'ws'
import { CloseCode, MAX_MESSAGE_BYTES, SUBPROTOCOL } from '../../../src/sync/wire.ts'
import { Addresses, type Place } from './addresses.ts'
import { ConnectedSocket, type Owner } from './connection.ts'
import type { Client, SocketContext } from './context.ts'
import { serveSharedSocket, WRONG_VERSION } from './shared.ts'
import { MAX_STOCK_MESSAGE_BYTES, serveStockSocket } from './stock.ts'

/** How upgrades are answered. */
export interface UpgradeOptions extends SocketContext {
  /** With a token: whether stock clients may give it as `?token=`, where proxies and logs see it. */
  readonly isTokenInUrlAllowed: boolean
  /** Most connections of one address. */
  readonly maxConnectionsPerAddress: number
  /** Header in which a proxy of yours names the client's address, the last one counts; without it, the connection's own. */
  readonly addressHeader?: string | undefined
}

/** All WebSockets of a relay. */
export interface Sockets {
  /** Those that are open now. */
  all(): Iterable<WebSocket>
  /** Takes no new connections. */
  refuseMore(): void
  /** Closes every socket and resolves once all are gone. */
  close(code: number, reason: string): Promise<void>
}

type Route =
  | { readonly kind: 'shared' }
  | { readonly kind: 'stock'; readonly document: string; readonly token: string | undefined }
  | { readonly kind: 'refused'; readonly status: number; readonly reason: string }

/** A connection that is not a WebSocket yet. */
interface Arrival {
  readonly stream: Duplex
  readonly place: Place
  /** Gives its place back. */
  readonly leave: () => void
}

type StockRoute = Extract<Route, { kind: 'stock' }>

const NO_TOKEN = 'Stock clients give a valid token as ?token=, if the relay allows that; others use /sync.'
const CLOSE_TIMEOUT_MS = 2_000
const STOCK_PREFIX = '/yjs/'

/** Answers the upgrade requests of `server`. */
export const acceptUpgrades = (server: Server, options: UpgradeOptions): Sockets => {
  const shared = new WebSocketServer({
    WebSocket: ConnectedSocket,
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    // A client is told in a close code that its version is wrong; a refused upgrade would tell a browser nothing.
    handleProtocols: (offered) => (offered.has(SUBPROTOCOL) ? SUBPROTOCOL : (offered.values().next().value ?? false)),
  })
  const stock = new WebSocketServer({
    WebSocket: ConnectedSocket,
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: MAX_STOCK_MESSAGE_BYTES,
  })
  let isOpen = true

  const addresses = new Addresses(options.maxConnectionsPerAddress)
  const turnAway = (stream: Duplex, status: number, reason: string): void => {
    options.logger('warn', 'upgrade refused', { status, reason })
    refuse(stream, status, reason)
  }

  const open = new Set<ConnectedSocket>()
  const owner: Owner = {
    closed(socket) {
      open.delete(socket)
      if (socket.place !== undefined) addresses.leave(socket.place)
    },
  }
  /** From now on the socket deals with its stream, and is its owner's: an idle connection holds no listeners and closures of ours. */
  const handOver = (socket: ConnectedSocket, { stream, place, leave }: Arrival): void => {
    stream.off('error', destroy)
    stream.off('close', leave)
    socket.owner = owner
    socket.place = place
    open.add(socket)
  }

  const openStock = async (
    request: IncomingMessage,
    arrival: Arrival,
    head: Buffer,
    route: StockRoute,
  ): Promise<void> => {
    const { stream } = arrival
    const result = await options.authority.authenticate(route.token)
    if (stream.destroyed) return
    if (!isOpen) return turnAway(stream, 503, 'Relay is ending.')
    if (result.kind === 'admitted') {
      stock.handleUpgrade(request, stream, head, (socket) => {
        handOver(socket, arrival)
        serveStockSocket({ socket, stream }, route.document, result.identity, options)
      })
    } else turnAway(stream, result.kind === 'refused' ? 401 : 503, NO_TOKEN)
  }

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', destroy)
    const route: Route = isOpen
      ? routeOf(request, options)
      : { kind: 'refused', status: 503, reason: 'Relay is ending.' }
    if (route.kind === 'refused') return turnAway(stream, route.status, route.reason)
    const place = addresses.enter(addressOf(request, options.addressHeader))
    if (place === undefined) return turnAway(stream, 429, 'Too many connections of this address.')
    const arrival = { stream, place, leave: () => addresses.leave(place) }
    stream.on('close', arrival.leave)
    if (route.kind === 'shared')
      shared.handleUpgrade(request, stream, head, (socket) => {
        handOver(socket, arrival)
        serveVersion({ socket, stream }, options)
      })
    else openStock(request, arrival, head, route).catch(() => stream.destroy())
  })

  return {
    all: () => open,
    refuseMore() {
      isOpen = false
    },
    close: (code, reason) => closeAll([...open], code, reason),
  }
}

const destroy = function (this: Duplex): void {
  this.destroy()
}

const addressOf = ({ headers, socket }: IncomingMessage, header: string | undefined): string => {
  const named = header === undefined ? undefined : headers[header.toLowerCase()]
  return (
    String(named ?? '')
      .split(',')
      .at(-1)
      ?.trim() ||
    (socket.remoteAddress ?? '')
  )
}

const routeOf = (request: IncomingMessage, { gate, isTokenInUrlAllowed }: UpgradeOptions): Route => {
  const reason = gate.refusal(request.headers)
  if (reason !== undefined) return { kind: 'refused', status: 403, reason }
  const url = urlOf(request.url)
  if (url?.pathname === '/sync') return { kind: 'shared' }
  const document = url?.pathname.startsWith(STOCK_PREFIX) ? decoded(url.pathname.slice(STOCK_PREFIX.length)) : undefined
  if (url === undefined || document === undefined) {
    return { kind: 'refused', status: 404, reason: 'WebSockets are at /sync and /yjs/<room>.' }
  }
  const token = isTokenInUrlAllowed ? (url.searchParams.get('token') ?? undefined) : undefined
  return { kind: 'stock', document, token }
}

const urlOf = (path = '/'): URL | undefined =>
  URL.canParse(path, 'http://relay') ? new URL(path, 'http://relay') : undefined

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

const serveVersion = (client: Client, context: SocketContext): void => {
  const { socket } = client
  if (socket.protocol === SUBPROTOCOL) return serveSharedSocket(client, context)
  socket.on('error', () => socket.terminate())
  socket.close(CloseCode.wrongVersion, WRONG_VERSION)
}

const refuse = (socket: Duplex, status: number, reason: string): void => {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}`,
    'Connection: close',
    'Content-Type: text/plain; charset=utf-8',
    `Content-Length: ${Buffer.byteLength(reason)}`,
  ]
  socket.once('finish', () => socket.destroy())
  socket.end(`${head.join('\r\n')}\r\n\r\n${reason}`)
}

const closeAll = async (clients: readonly WebSocket[], code: number, reason: string): Promise<void> => {
  const gone = clients.map((client) => new Promise((resolve) => client.once('close', resolve)))
  for (const client of clients) client.close(code, reason)
  const cutOff = setTimeout(() => {
    for (const client of clients) client.terminate()
  }, CLOSE_TIMEOUT_MS)
  await Promise.all(gone)
  clearTimeout(cutOff)
}

// A client of the shared socket, written on `ws` and the wire page alone.
import { once } from 'node:events'
import { onTestFinished } from 'vitest'
import WebSocket, { type ClientOptions } from 'ws'
import { decodeMessage, encodeMessage, type Message, SUBPROTOCOL, WIRE_VERSION } from '../../src/sync/wire.ts'
import { waitUntil } from './wait.ts'

/** How to connect. */
export interface ConnectOptions extends ClientOptions {
  readonly path?: string
  readonly protocols?: readonly string[]
}

/** One WebSocket to a relay. */
export interface SyncClient {
  readonly socket: WebSocket
  /** Messages of the relay so far, pings left out. */
  readonly messages: Message[]
  /** How the socket was closed, once it is. */
  readonly closed: { code: number; reason: string } | undefined
  send(message: Message): void
  /** Waits for a message of a kind, the first one or the first that `isIt`. */
  next<K extends Message['kind']>(
    kind: K,
    isIt?: (message: Extract<Message, { kind: K }>) => boolean,
  ): Promise<Extract<Message, { kind: K }>>
  /** Waits until the socket is closed. */
  end(): Promise<{ code: number; reason: string }>
}

/** Opens a socket; says nothing yet. */
export const connect = async (url: string, options: ConnectOptions = {}): Promise<SyncClient> => {
  const { path = '/sync', protocols = [SUBPROTOCOL], ...rest } = options
  const socket = new WebSocket(`${url.replace('http', 'ws')}${path}`, [...protocols], rest)
  onTestFinished(() => socket.terminate())
  const messages: Message[] = []
  let closed: { code: number; reason: string } | undefined
  socket.on('message', (data: Buffer) => {
    const message = decodeMessage(data)
    if (message.kind !== 'ping') messages.push(message)
  })
  socket.on('close', (code, reason) => {
    closed = { code, reason: String(reason) }
  })
  await once(socket, 'open')
  // A relay that is killed resets its connections; tests look at how a socket was closed.
  socket.on('error', () => {})
  return {
    socket,
    messages,
    get closed() {
      return closed
    },
    send: (message) => socket.send(encodeMessage(message)),
    async next(kind, isIt = () => true) {
      type Wanted = Extract<Message, { kind: typeof kind }>
      const find = () => messages.find((message): message is Wanted => message.kind === kind && isIt(message as Wanted))
      await waitUntil(`a ${kind} comes`, () => find() !== undefined)
      return find() as Wanted
    },
    async end() {
      await waitUntil('the socket is closed', () => closed !== undefined)
      return closed ?? { code: 0, reason: '' }
    },
  }
}

/** Opens a socket, says hello and waits for the welcome. */
export const greet = async (url: string, token?: string): Promise<SyncClient> => {
  const client = await connect(url)
  client.send({ kind: 'hello', version: WIRE_VERSION, ...(token === undefined ? {} : { token }) })
  await client.next('welcome')
  return client
}

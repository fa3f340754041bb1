// The events of a WebSocket go to one object, by listeners that are the same for all: there is one for each idle client, and closures of its
// own would be most of what it holds. Knows events, not what messages say.
import type { RawData, WebSocket } from 'ws'

/** One connection as its WebSocket's events find it. */
export interface Connection {
  receive(data: RawData, isBinary: boolean): void
  /** The client gave a sign of life without a message. */
  heard(): void
  /** The WebSocket failed; `ws` closes it by itself, with the code that fits. */
  failed(error: Error): void
  /** It is closed. */
  end(): void
}

const connections = new WeakMap<WebSocket, Connection>()

/** From now on the events of `socket` go to `connection`. */
export const connect = (socket: WebSocket, connection: Connection): void => {
  connections.set(socket, connection)
  socket.on('message', onMessage)
  socket.on('pong', onPong)
  socket.on('error', onError)
  socket.on('close', onClose)
}

function onMessage(this: WebSocket, data: RawData, isBinary: boolean): void {
  connections.get(this)?.receive(data, isBinary)
}

function onPong(this: WebSocket): void {
  connections.get(this)?.heard()
}

function onError(this: WebSocket, error: Error): void {
  connections.get(this)?.failed(error)
}

function onClose(this: WebSocket): void {
  connections.get(this)?.end()
}

// Rooms of plain `ws` sockets, by the path that they ask for. What is done with a message is left to whoever serves.
import { WebSocketServer } from 'ws'
import { listen, plainServer } from './serve.js'

/**
 * Serves rooms.
 *
 * @param {(message: Buffer, sender: import('ws').WebSocket, room: ReadonlySet<import('ws').WebSocket>) => void} onMessage
 */
export const broadcast = (onMessage) => {
  /** @type {Map<string, Set<import('ws').WebSocket>>} */
  const rooms = new Map()
  const server = plainServer()
  const sockets = new WebSocketServer({ server, perMessageDeflate: false })
  sockets.on('connection', (socket, request) => {
    const name = request.url ?? ''
    const room = rooms.get(name) ?? new Set()
    rooms.set(name, room.add(socket))
    socket.on('message', (message) => {
      if (message instanceof Buffer) onMessage(message, socket, room)
    })
    socket.on('close', () => room.delete(socket))
  })
  listen(server)
}

// A broadcast in a few lines of `ws`. Given a folder, it has read all files in it before it listens, and sends the file "blob" to whoever asks for something.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { WebSocketServer } from 'ws'
import { listen, plainServer } from './serve.js'

const [folder = ''] = process.argv.slice(2)
const blob = join(folder, 'blob')
for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' })) {
  const path = join(folder, name)
  if (path !== blob && statSync(path).isFile()) readFileSync(path)
}

/** @type {Map<string, Set<import('ws').WebSocket>>} */
const rooms = new Map()
const server = plainServer()
const sockets = new WebSocketServer({ server, perMessageDeflate: false })
sockets.on('connection', (socket, request) => {
  const name = request.url ?? ''
  const room = rooms.get(name) ?? new Set()
  rooms.set(name, room.add(socket))
  socket.on('message', async (message) => {
    // A sync message that asks (step 1).
    if (message instanceof Buffer && message[0] === 0 && message[1] === 0) socket.send(await readFile(blob))
    else for (const member of room) member.send(message)
  })
  socket.on('close', () => room.delete(socket))
})
listen(server)

// @y/websocket-server as its own server.js sets it up, with the `ws` that Merrow uses.
import { setupWSConnection } from '@y/websocket-server/utils'
import { WebSocketServer } from 'ws'
import { listen, plainServer } from './serve.js'

const server = plainServer()
new WebSocketServer({ server }).on('connection', setupWSConnection)
listen(server)

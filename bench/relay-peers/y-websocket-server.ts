// @y/websocket-server, documents in memory, nothing on disk.
import { plainPeer } from '../relay/relay-peer.ts'

/** @y/websocket-server. */
export const peer = plainPeer({
  name: 'y-websocket-server',
  packages: ['@y/websocket-server'],
  server: 'y-websocket-server.js',
})

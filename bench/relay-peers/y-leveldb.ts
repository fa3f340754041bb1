// @y/websocket-server with its y-leveldb: updates go to disk some time after everyone has seen them.
import { plainPeer } from '../relay/relay-peer.ts'

/** @y/websocket-server on LevelDB. */
export const peer = plainPeer({
  name: 'y-leveldb',
  packages: ['@y/websocket-server', 'y-leveldb'],
  server: 'y-leveldb.js',
})

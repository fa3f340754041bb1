// Merrow's relay with its defaults, spoken to as stock clients do. It writes every update to disk, and syncs it, before anyone sees it.
import { plainPeer } from '../relay/relay-peer.ts'

/** Merrow. */
export const peer = plainPeer({
  name: 'merrow',
  packages: ['ws', 'yjs'],
  server: 'merrow.js',
  isDurable: true,
  path: (room) => `/yjs/${room}`,
})

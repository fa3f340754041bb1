// Bare `ws` that keeps what Merrow promises, that what anyone sees is on disk: what is left beside it is what Merrow itself costs.
import { plainPeer } from '../relay/relay-peer.ts'

/** Bare `ws` with a synced file. */
export const peer = plainPeer({
  name: 'bare-ws-synced',
  packages: ['ws'],
  server: 'bare-ws-synced.js',
  keepsDocuments: false,
})

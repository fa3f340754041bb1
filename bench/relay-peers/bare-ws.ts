// The yardstick: a few lines of `ws` that send each message to all of its room. It reads nothing and keeps nothing.
import { plainPeer } from '../relay/relay-peer.ts'

/** Bare `ws`. */
export const peer = plainPeer({ name: 'bare-ws', packages: ['ws'], server: 'bare-ws.js', keepsDocuments: false })

// Hocuspocus with its defaults: documents in memory, nothing on disk. Its frames begin with the document's name.
import * as encoding from 'lib0/encoding'
import { plainPeer } from '../relay/relay-peer.ts'

const AUTH = 2
const TOKEN = 0

const named = (room: string, write: (encoder: encoding.Encoder) => void): Uint8Array =>
  encoding.encode((encoder) => {
    encoding.writeVarString(encoder, room)
    write(encoder)
  })

/** Hocuspocus. */
export const peer = plainPeer({
  name: 'hocuspocus',
  packages: ['@hocuspocus/server'],
  server: 'hocuspocus.js',
  path: () => '/',
  prefix: (room) => named(room, () => {}),
  greeting: (room) => [
    named(room, (encoder) => {
      encoding.writeVarUint(encoder, AUTH)
      encoding.writeVarUint(encoder, TOKEN)
      encoding.writeVarString(encoder, '')
    }),
  ],
})

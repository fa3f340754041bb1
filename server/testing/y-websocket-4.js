// An unmodified client of y-websocket 4 on its own Yjs (14), in a process of its own, since two versions of Yjs do not go together in one.
// Sets "ours" once it is synced, waits for "theirs", and says each as a line. @y/y says how its types are used.

import { WebsocketProvider } from '@y/websocket'
import * as Y from '@y/y'
import WebSocket from 'ws'

const [url = '', room = ''] = process.argv.slice(2)
const doc = new Y.Doc()
const map = doc.get('m')
/** @type {string | undefined} */
let sent
class Watched extends WebSocket {
  /** @param {string} address */
  constructor(address) {
    super(address)
    // What this client wrote comes back once it is on disk.
    this.on('message', (data) => {
      if (sent !== undefined && Buffer.from(/** @type {Buffer} */ (data)).includes(sent)) console.log('echoed')
    })
  }
}
const provider = new WebsocketProvider(url, room, doc, {
  WebSocketPolyfill: /** @type {never} */ (Watched),
  disableBc: true,
})
provider.on('sync', () => {
  if (sent !== undefined) return
  sent = 'written under Yjs 14'
  map.setAttr('ours', sent)
  console.log('synced')
})
const look = () => {
  if (map.getAttr('theirs') === undefined) return
  console.log(`theirs: ${map.getAttr('theirs')}`)
  doc.off('update', look)
}
doc.on('update', look)
process.stdin.resume().on('end', () => process.exit(0))

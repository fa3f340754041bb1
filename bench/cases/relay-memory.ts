// What a server holds in memory for a connection that does nothing, and for a document that is open.
import * as Y from 'yjs'
import { type BenchCase, type Figures, SUBJECT } from '../bench-case.ts'
import { BARE, beside, onServer, SYNCED } from '../relay/fan-out.ts'
import { Fleet } from '../relay/fleet.ts'
import type { RelayPeer } from '../relay/relay-peer.ts'
import type { ServerProcess } from '../relay/server-process.ts'

const CONNECTIONS = 1000
const DOCUMENTS = 500
const RECORDS = 1000
const REST_MS = 2000
/** Longer than servers wait before they ask for a sign of life: what they keep of a connection's beginning is let go by then. */
const IDLE_MS = 20_000

/** Heap and buffers of the server's process, collected, beside what they were before. */
export const benchCase: BenchCase = {
  title: `${CONNECTIONS} idle connections to one empty document; ${DOCUMENTS} documents of ${RECORDS} records, one idle connection each, less that connection`,
  isExact: false,
  needsStored: false,
  peers: 'relay-peers',
  takes: (peer) => peer !== SYNCED,
  measure: (peer) => onServer(peer, measure),
  lines: (result) => [
    ...beside(result, 'idle connection', 'B', { [BARE]: 1.1 }),
    ...beside(result, 'open document', 'B', {}),
    {
      title: 'open document beside its state',
      unit: 'B',
      subject: { peer: SUBJECT, figure: 'open document' },
      yardstick: { peer: SUBJECT, figure: 'state' },
    },
  ],
}

const measure = async (peer: RelayPeer, server: ServerProcess): Promise<Figures> => {
  const fleet = new Fleet(peer, server.port)
  // Code is compiled, pools are filled.
  await fleet.enter({ rooms: 1, members: 100, writers: 0 })
  // What a server loads late is no connection's.
  await new Promise((resolve) => setTimeout(resolve, REST_MS))
  const before = await server.memory()
  await fleet.enter({ rooms: 1, members: CONNECTIONS, writers: 0 })
  await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
  const connected = await server.memory()
  const perConnection = (connected - before) / CONNECTIONS
  if (!peer.keepsDocuments) return { 'idle connection': perConnection }
  const state = recordsState()
  const owners = new Fleet(peer, server.port, 'd')
  await owners.enter({ rooms: DOCUMENTS, members: 1, writers: 1 })
  await owners.writeEverywhere(state)
  const perDocument = ((await server.memory()) - connected) / DOCUMENTS - perConnection
  for (const clients of [fleet, owners]) clients.leave()
  return { 'idle connection': perConnection, 'open document': perDocument, state: state.length }
}

const recordsState = (): Uint8Array => {
  const doc = new Y.Doc()
  doc.getArray('records').push(Array.from({ length: RECORDS }, (_, at) => ({ title: 'a record', done: false, at })))
  return Y.encodeStateAsUpdate(doc)
}

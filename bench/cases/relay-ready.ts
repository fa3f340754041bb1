// How soon a server is ready again after `kill -9`.
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join as pathOf } from 'node:path'
import * as Y from 'yjs'
import type { BenchCase } from '../bench-case.ts'
import type { Peer } from '../peer.ts'
import { BARE, beside } from '../relay/fan-out.ts'
import { Fleet } from '../relay/fleet.ts'
import { join } from '../relay/joiner.ts'
import type { RelayPeer } from '../relay/relay-peer.ts'
import { startCommand, startServer } from '../relay/server-process.ts'
import { peer as merrow } from '../relay-peers/merrow.ts'

const DOCUMENTS = 1000
const UPDATES = 40_000
const KEPT: readonly string[] = ['merrow', BARE, 'y-leveldb']

/** The yardstick is plain Node that reads the same files before it listens. */
export const benchCase: BenchCase = {
  title: `${DOCUMENTS} documents, ${UPDATES} updates, kill -9: from starting the process until somebody has joined a document; ${BARE} reads all of Merrow's files, and has none`,
  isExact: false,
  needsStored: false,
  peers: 'relay-peers',
  takes: (peer) => KEPT.includes(peer),
  async measure(given: Peer) {
    const peer = given as unknown as RelayPeer
    const folder = await mkdtemp(pathOf(tmpdir(), 'merrow-relay-bench-'))
    try {
      const data = pathOf(folder, 'data')
      await mkdir(data)
      const empty = await startMs(peer, pathOf(folder, 'empty'))
      await write(peer.keepsDocuments ? peer : merrow, data)
      const from = performance.now()
      const server = await start(peer, data)
      const listening = performance.now() - from
      if (peer.keepsDocuments) await requireAll(peer, server.port)
      const joined = performance.now() - from
      await server.kill()
      return {
        'started with nothing': empty,
        'ready after kill -9': listening,
        'first document joined': peer.keepsDocuments ? joined : listening,
      }
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  },
  lines: (result) => [
    ...beside(result, 'started with nothing', 'ms', {}),
    ...beside(result, 'ready after kill -9', 'ms', { [BARE]: 1.2 }),
    ...beside(result, 'first document joined', 'ms', {}),
  ],
}

/** What starting takes where there is nothing to read: the rest is what the data cost. */
const startMs = async (peer: RelayPeer, folder: string): Promise<number> => {
  await mkdir(folder)
  const server = await start(peer, folder)
  await server.kill()
  return server.startMs
}

/** Merrow's by its command, as whoever runs a relay does. */
const start = (peer: RelayPeer, folder: string) =>
  peer.name === merrow.name ? startCommand(folder) : startServer(peer.server, folder)

const write = async (peer: RelayPeer, folder: string): Promise<void> => {
  const server = await startServer(peer.server, folder)
  const fleet = new Fleet(peer, server.port)
  await fleet.enter({ rooms: DOCUMENTS, members: 1, writers: 1 })
  await fleet.saturate(UPDATES, 10)
  fleet.leave()
  await server.kill()
}

const requireAll = async (peer: RelayPeer, port: number): Promise<void> => {
  const { updates } = await join({ peer, port, room: 'r0007' }, true)
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  const expected = UPDATES / DOCUMENTS
  const found = [...doc.store.clients.keys()].reduce((sum, client) => sum + Y.getState(doc.store, client), 0)
  if (peer.isDurable && found !== expected) throw new Error(`${peer.name} has ${found} of ${expected} updates.`)
}

// A late joiner of a large table with a long history, and one who comes back to it.
import { writeFile } from 'node:fs/promises'
import { join as pathOf } from 'node:path'
import * as Y from 'yjs'
import { type BenchCase, SUBJECT } from '../bench-case.ts'
import { summarize } from '../measure.ts'
import { BARE, beside, onServer, SYNCED } from '../relay/fan-out.ts'
import { syncFrame } from '../relay/fleet.ts'
import { writeHistory } from '../relay/history.ts'
import { join, pour } from '../relay/joiner.ts'

const EDITS = 100_000
const JOINS = 15
/** Edits that whoever comes back has missed. */
const MISSED = 100
/** So long the server is left alone before anybody joins: what it does after the last edit is not the joiner's. */
const REST_MS = 3000
/** So long a server may take to get the document, which is not what is measured. */
const TAKING_MS = 60_000

/** The yardstick sends the document's state as it lies on disk. */
export const benchCase: BenchCase = {
  title: `the whole table after ${EDITS} edits, from connecting to the last byte, and of it what who missed ${MISSED} of them lacks; ${BARE} sends a file of the state. A server that has not taken the edits in ${TAKING_MS / 1000} s has no figure`,
  isExact: false,
  needsStored: false,
  peers: 'relay-peers',
  takes: (peer) => peer !== SYNCED,
  measure: (given, { rows, seed }) =>
    onServer(given, async (peer, server, folder) => {
      const { updates, state } = await writeHistory(rows, EDITS, seed)
      const place = { peer, port: server.port, room: 'table' }
      const vector = Y.encodeStateVectorFromUpdate(state)
      const isThere = async (): Promise<boolean> => has((await join(place, true)).updates, vector)
      const leave = peer.keepsDocuments ? await pour(place, updates, isThere, TAKING_MS) : () => {}
      if (leave === undefined) return { state: state.length / 1e6 }
      if (!peer.keepsDocuments) await writeFile(pathOf(folder, 'blob'), syncFrame(1, state))
      await new Promise((resolve) => setTimeout(resolve, REST_MS))
      const ms: number[] = []
      for (let at = 0; at < JOINS; at++) {
        const joined = await join(place, false)
        if (joined.bytes < state.length) throw new Error(`${peer.name} has sent ${joined.bytes} of ${state.length} B.`)
        ms.push(joined.ms)
      }
      const figures = { 'late joiner': summarize(ms).median, 'slowest joiner': Math.max(...ms) }
      if (!peer.keepsDocuments) return { ...figures, state: state.length / 1e6 }
      const known = vectorBefore(updates.slice(-MISSED), vector)
      const last = Y.mergeUpdates([...(await join(place, true, known)).updates])
      if (!reaches(last, vector)) throw new Error(`${peer.name} has not sent what was missed.`)
      const back: number[] = []
      for (let at = 0; at < JOINS; at++) back.push((await join(place, false, known)).ms)
      leave()
      return { ...figures, 'one who comes back': summarize(back).median, state: state.length / 1e6 }
    }),
  lines: (result) => [
    ...beside(result, 'late joiner', 'ms', { [BARE]: 1.1 }),
    ...beside(result, 'slowest joiner', 'ms', {}),
    ...beside(result, 'one who comes back', 'ms', {}),
    {
      title: 'state',
      unit: 'MB',
      subject: { peer: SUBJECT, figure: 'state' },
      yardstick: { peer: BARE, figure: 'state' },
    },
  ],
}

const has = (updates: readonly Uint8Array[], vector: Uint8Array): boolean => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  return [...Y.decodeStateVector(vector)].every(([client, clock]) => Y.getState(doc.store, client) >= clock)
}

/** What was known before some updates. */
const vectorBefore = (updates: readonly Uint8Array[], vector: Uint8Array): Uint8Array => {
  const clocks = Y.decodeStateVector(vector)
  for (const update of updates)
    for (const [client, clock] of Y.parseUpdateMeta(update).from)
      clocks.set(client, Math.min(clock, clocks.get(client) ?? clock))
  return Y.encodeStateVector(clocks)
}

const reaches = (update: Uint8Array, vector: Uint8Array): boolean => {
  const { to } = Y.parseUpdateMeta(update)
  return [...Y.decodeStateVector(vector)].every(([client, clock]) => (to.get(client) ?? 0) >= clock)
}

// Worker thread: makes one snapshot out of a document's updates and proves it by loading it. Knows neither log nor rooms.
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'

parentPort?.on('message', (/** @type {{ updates: Uint8Array[] }} */ { updates }) => {
  parentPort?.postMessage(reply(updates))
})

/**
 * @param {Uint8Array[]} updates
 * @returns {{ state: Uint8Array, stateVector: Uint8Array, deletes: Uint8Array } | { error: string }}
 */
const reply = (updates) => {
  try {
    return verified(load(updates))
  } catch (error) {
    return { error: error instanceof Error ? error.message : String(error) }
  }
}

/**
 * One transaction for all updates: Yjs then collects garbage once, and 5,000 updates load ten times faster than they merge.
 *
 * @param {Uint8Array[]} updates
 */
const load = (updates) => {
  const doc = new Y.Doc()
  doc.transact(() => {
    for (const update of updates) Y.applyUpdate(doc, update)
  })
  return doc
}

/** @param {Y.Doc} doc */
const verified = (doc) => {
  const state = Y.encodeStateAsUpdate(doc)
  const stateVector = Y.encodeStateVector(doc)
  const again = load([state])
  if (!isEqual(stateVector, Y.encodeStateVector(again))) throw new Error('loaded again, it has another state vector')
  if (!isEqual(state, Y.encodeStateAsUpdate(again))) throw new Error('loaded again, it has other bytes')
  return { state, stateVector, deletes: Y.diffUpdate(state, stateVector) }
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
const isEqual = (a, b) => Buffer.compare(a, b) === 0

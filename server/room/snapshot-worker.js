// Worker thread: makes one snapshot out of a document's updates and proves it by loading it. Knows neither log nor rooms.
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'

// Linux takes that for this thread alone: whoever waits for an update goes first.
if (process.platform === 'linux') setPriority(10)

parentPort?.on('message', (/** @type {{ updates: Uint8Array[] }} */ { updates }) => {
  const made = reply(updates)
  const given = 'error' in made ? [] : [made.state, made.stateVector, made.deletes]
  parentPort?.postMessage(made, /** @type {ArrayBuffer[]} */ (given.map(({ buffer }) => buffer)))
})

/**
 * @param {Uint8Array[]} updates
 * @returns {{ state: Uint8Array, stateVector: Uint8Array, deletes: Uint8Array } | { error: string }}
 */
const reply = (updates) => {
  try {
    return verified(updates)
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

/** @param {Uint8Array[]} updates */
const encode = (updates) => {
  const doc = load(updates)
  return { state: Y.encodeStateAsUpdate(doc), stateVector: Y.encodeStateVector(doc) }
}

/** One document at a time: a large one takes much memory. @param {Uint8Array[]} updates */
const verified = (updates) => {
  const { state, stateVector } = encode(updates)
  const again = encode([state])
  if (!isEqual(stateVector, again.stateVector)) throw new Error('loaded again, it has another state vector')
  if (!isEqual(state, again.state)) throw new Error('loaded again, it has other bytes')
  return { state, stateVector, deletes: Y.diffUpdate(state, stateVector) }
}

/**
 * @param {Uint8Array} a
 * @param {Uint8Array} b
 */
const isEqual = (a, b) => Buffer.compare(a, b) === 0

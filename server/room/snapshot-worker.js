// Worker thread: makes one snapshot out of a document's updates and proves it by loading it, or digests it. Knows neither log nor rooms.
import { setPriority } from 'node:os'
import { parentPort } from 'node:worker_threads'
import * as Y from 'yjs'
// From the root on, so that a program which lies elsewhere in it finds it too.
import { unpacked } from '../../server/log/packed.js'
import { digestNow } from '../../src/sync/digest.js'

// Linux takes that for this thread alone: whoever waits for an update goes first.
if (process.platform === 'linux') setPriority(10)

/**
 * @typedef {{ task: 'snapshot' | 'digest', updates: Uint8Array[], packed: Uint8Array[] }} Task
 */

parentPort?.on('message', (/** @type {Task} */ task) => {
  try {
    const made = run(task)
    const given = Object.values(made).filter((part) => part instanceof Uint8Array)
    parentPort?.postMessage(made, /** @type {ArrayBuffer[]} */ (given.map(({ buffer }) => buffer)))
  } catch (error) {
    parentPort?.postMessage({ error: error instanceof Error ? error.message : String(error) })
  }
})

/** @param {Task} task */
const run = (task) => {
  switch (task.task) {
    case 'snapshot':
      return verified(updatesOf(task))
    case 'digest':
      return digestNow(load(updatesOf(task)))
  }
}

/** @param {{ updates: Uint8Array[], packed: Uint8Array[] }} task */
const updatesOf = ({ updates, packed }) => [...updates, ...packed.flatMap(unpacked)]

/** So many updates are integrated in one transaction. */
const INTEGRATED_AT_ONCE = 300

/**
 * Loads updates, some hundreds a transaction: Yjs tidies up at the end of each, which costs too much after every update, and grows with the square
 * of what one client has appended since the last time.
 *
 * @param {Uint8Array[]} updates
 */
const load = (updates) => {
  const doc = new Y.Doc()
  for (let at = 0; at < updates.length; at += INTEGRATED_AT_ONCE) {
    doc.transact(() => {
      for (const update of updates.slice(at, at + INTEGRATED_AT_ONCE)) Y.applyUpdate(doc, update)
    })
  }
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

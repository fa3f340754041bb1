// What needs a document loaded or read through, done away from the event loop: snapshots and digests on one thread, what members wait for
// (diffs for joiners, comparisons) on another. Knows updates as bytes.
import type { Digest } from '../../src/sync/digest.js'
import type { Id } from '../guard/update.ts'
import type { ClockRange } from '../guard/vector.ts'
import type { Snapshot } from '../log/port.ts'
import { WorkerThread } from './worker-thread.ts'

/** A document's state, state vector and deletes, encoded (v1), made and verified by a {@link Snapshotter}. */
export type MadeSnapshot = Omit<Snapshot, 'upTo'>

/** Makes snapshots away from the event loop. */
export interface Snapshotter {
  /**
   * Merges a document's updates into one and proves that it loads.
   *
   * @param updates - Updates of the document (v1), in order; the caller reads them no more.
   * @param packed - Those that come after them, as a log gives them; the caller reads them no more either.
   * @throws If they cannot be loaded, if the result is not the same when loaded again, or if the thread dies or hangs.
   */
  make(updates: readonly Uint8Array[], packed?: readonly Uint8Array[]): Promise<MadeSnapshot>
  /**
   * Works out a document's digest.
   *
   * Takes what {@link Snapshotter.make} takes.
   */
  digest(updates: readonly Uint8Array[], packed?: readonly Uint8Array[]): Promise<Digest>
  /**
   * The part of an update (v1) that a state vector (v1) lacks.
   *
   * @param update - Copied; the caller may go on reading it.
   */
  diff(update: Uint8Array, stateVector: Uint8Array): Promise<Uint8Array>
  /**
   * Finds a clock under which an update says something else than a document; see `findFork` of the guard.
   *
   * @param stored - All updates of the document; copied, as the update is.
   */
  findFork(update: Uint8Array, stored: readonly Uint8Array[], overlap: readonly ClockRange[]): Promise<Id | undefined>
  /** Ends the threads; what they were making is rejected. */
  close(): Promise<void>
}

/** How a {@link Snapshotter} is set up. */
export interface SnapshotterOptions {
  /** The worker's module. */
  readonly worker?: URL
  /** After this a thread counts as hanging and is replaced. In milliseconds. */
  readonly timeoutMs?: number
}

/** Less is copied: it may lie in memory that others use. In bytes. */
const MOVED_BYTES = 64 * 1024
/** A thread that has dealt with more than this is ended, so that its memory comes back. In bytes. */
const LARGE_BYTES = 8 * 1024 * 1024

/** Creates a snapshotter; no thread runs before the first call. */
export const createSnapshotter = (options: SnapshotterOptions = {}): Snapshotter => {
  const { worker: module = new URL('./snapshot-worker.js', import.meta.url), timeoutMs = 120_000 } = options
  const [makers, differs] = [new WorkerThread({ module, timeoutMs }), new WorkerThread({ module, timeoutMs })]
  const ask = (
    task: 'snapshot' | 'digest',
    updates: readonly Uint8Array[],
    packed: readonly Uint8Array[],
  ): Promise<unknown> => {
    const message = { task, updates, packed }
    const all = [...updates, ...packed]
    return makers.ask({ message, handedOver: handedOver(all), isLarge: isLarge(all) })
  }
  return {
    make: (updates, packed = []) => ask('snapshot', updates, packed) as Promise<MadeSnapshot>,
    digest: (updates, packed = []) => ask('digest', updates, packed) as Promise<Digest>,
    async diff(update, stateVector) {
      const job = { message: { task: 'diff', update, stateVector }, handedOver: [], isLarge: isLarge([update]) }
      return ((await differs.ask(job)) as { readonly update: Uint8Array }).update
    },
    async findFork(update, stored, overlap) {
      const job = { message: { task: 'fork', update, stored, overlap }, handedOver: [], isLarge: isLarge(stored) }
      return ((await differs.ask(job)) as { readonly fork: Id | undefined }).fork
    },
    async close() {
      await Promise.all([makers.close(), differs.close()])
    },
  }
}

const isLarge = (updates: readonly Uint8Array[]): boolean =>
  updates.reduce((sum, { length }) => sum + length, 0) >= LARGE_BYTES

/** Memory that holds little else goes over without a copy; what lies in it is empty here from then on. */
const handedOver = (parts: readonly Uint8Array[]): ArrayBuffer[] => {
  const used = new Map<ArrayBuffer, number>()
  for (const { buffer, byteLength } of parts)
    if (buffer instanceof ArrayBuffer) used.set(buffer, (used.get(buffer) ?? 0) + byteLength)
  return [...used].flatMap(([buffer, bytes]) =>
    bytes >= MOVED_BYTES && bytes >= buffer.byteLength / 2 ? [buffer] : [],
  )
}

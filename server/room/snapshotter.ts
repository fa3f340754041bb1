// What needs a document loaded, done away from the event loop by one thread: snapshots and digests. Knows updates as bytes.
import type { Digest } from '../../src/sync/digest.js'
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
  /** Ends the thread; what it was making is rejected. */
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
  const thread = new WorkerThread({ module, timeoutMs })
  const ask = (
    task: 'snapshot' | 'digest',
    updates: readonly Uint8Array[],
    packed: readonly Uint8Array[],
  ): Promise<unknown> => {
    const message = { task, updates, packed }
    const all = [...updates, ...packed]
    return thread.ask({ message, handedOver: handedOver(all), isLarge: isLarge(all) })
  }
  return {
    make: (updates, packed = []) => ask('snapshot', updates, packed) as Promise<MadeSnapshot>,
    digest: (updates, packed = []) => ask('digest', updates, packed) as Promise<Digest>,
    close: () => thread.close(),
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

// Asks a worker thread for snapshots: one thread, started on first need, replaced when it dies. Knows updates as bytes.
import { Worker } from 'node:worker_threads'
import type { Digest } from '../../src/sync/digest.js'
import type { Snapshot } from '../log/port.ts'

/** A document's state, state vector and deletes, encoded (v1), made and verified by a {@link Snapshotter}. */
export type MadeSnapshot = Omit<Snapshot, 'upTo'>

/** Makes snapshots away from the event loop. */
export interface Snapshotter {
  /**
   * Merges a document's updates into one and proves that it loads.
   *
   * @param updates - All updates of the document (v1), in order; the caller reads them no more.
   * @throws If they cannot be loaded, if the result is not the same when loaded again, or if the thread dies or hangs.
   */
  make(updates: readonly Uint8Array[]): Promise<MadeSnapshot>
  /**
   * Works out a document's digest.
   *
   * @param updates - As for {@link Snapshotter.make}.
   */
  digest(updates: readonly Uint8Array[]): Promise<Digest>
  /** Ends the thread; what it was making is rejected. */
  close(): Promise<void>
}

/** How a {@link Snapshotter} is set up. */
export interface SnapshotterOptions {
  /** The worker's module. */
  readonly worker?: URL
  /** After this the thread counts as hanging and is replaced. In milliseconds. */
  readonly timeoutMs?: number
}

/** A thread that has made a snapshot of more than this is ended, so that its memory comes back. In bytes. */
const LARGE_BYTES = 8 * 1024 * 1024

type Reply = MadeSnapshot | Digest | { readonly error: string }

interface Job {
  readonly updates: readonly Uint8Array[]
  readonly task: 'snapshot' | 'digest'
  readonly resolve: (made: MadeSnapshot | Digest) => void
  readonly reject: (error: Error) => void
}

/** Creates a snapshotter; no thread runs before the first `make`. */
export const createSnapshotter = (options: SnapshotterOptions = {}): Snapshotter => {
  const { worker = new URL('./snapshot-worker.js', import.meta.url), timeoutMs = 120_000 } = options
  const queue: Job[] = []
  let thread: Worker | undefined
  let current: { readonly job: Job; readonly timer: NodeJS.Timeout; readonly isLarge: boolean } | undefined
  let isOpen = true

  const start = (): Worker => {
    const started = new Worker(worker)
    // A snapshot is never a reason to keep the process alive: the log is whole without it.
    started.unref()
    started.on('message', (reply: Reply) => settle(reply))
    const died = (reason: string) => {
      if (thread === started) replace(reason)
    }
    started.on('error', (error) => died(error.message))
    started.on('exit', (code) => died(`the worker ended with code ${code}`))
    return started
  }

  const endThread = (): void => {
    const ended = thread
    thread = undefined
    void ended?.terminate()
  }

  const replace = (error: string): void => {
    endThread()
    settle({ error })
  }

  const settle = (reply: Reply): void => {
    if (current === undefined) return
    const { job, timer, isLarge } = current
    clearTimeout(timer)
    if (isLarge && queue.length === 0) endThread()
    current = undefined
    if ('error' in reply) job.reject(new Error(`the worker failed: ${reply.error}`))
    else job.resolve(reply)
    runNext()
  }

  const runNext = (): void => {
    if (current !== undefined) return
    const job = queue.shift()
    if (job === undefined) return
    thread ??= start()
    const timer = setTimeout(() => replace(`it did not answer within ${timeoutMs} ms`), timeoutMs).unref()
    const { updates, task } = job
    const bytes = updates.reduce((sum, { length }) => sum + length, 0)
    current = { job, timer, isLarge: bytes >= LARGE_BYTES }
    thread.postMessage({ updates, task }, handedOver(updates))
  }

  const ask = (task: Job['task'], updates: readonly Uint8Array[]) =>
    new Promise<MadeSnapshot | Digest>((resolve, reject) => {
      if (!isOpen) return reject(new Error('the snapshotter is closed'))
      queue.push({ updates, task, resolve, reject })
      runNext()
    })

  return {
    make: (updates) => ask('snapshot', updates) as Promise<MadeSnapshot>,
    digest: (updates) => ask('digest', updates) as Promise<Digest>,
    async close() {
      isOpen = false
      for (const job of queue.splice(0)) job.reject(new Error('the snapshotter is closed'))
      await thread?.terminate()
    },
  }
}

/** Large updates with memory of their own go over without a copy; they are empty here from then on. */
const handedOver = (updates: readonly Uint8Array[]): ArrayBuffer[] =>
  updates.flatMap(({ buffer, byteLength }) =>
    buffer instanceof ArrayBuffer && buffer.byteLength === byteLength && byteLength >= LARGE_BYTES ? [buffer] : [],
  )

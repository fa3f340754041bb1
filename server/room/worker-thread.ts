// One worker thread that does one job at a time, started on first need, replaced when it dies or hangs. Knows jobs as messages.
import { Worker } from 'node:worker_threads'

/** How a {@link WorkerThread} is set up. */
export interface WorkerThreadOptions {
  /** The worker's module: it answers each message with one, `{ error }` if it could not do what was asked. */
  readonly module: URL
  /** After this the thread counts as hanging and is replaced. In milliseconds. */
  readonly timeoutMs: number
}

/** One thing to do. */
export interface Job {
  readonly message: unknown
  /** Memory that goes over without a copy. */
  readonly handedOver: readonly ArrayBuffer[]
  /** Whether it takes so much memory that the thread is ended after it, so that it comes back. */
  readonly isLarge: boolean
}

/**
 * Twice as much as usual. The thread steps back for others, but the helpers of its garbage collection do not: called half as often, they leave the
 * processors to whoever waits for an update.
 */
const ROOM_FOR_NEW_OBJECTS = { maxYoungGenerationSizeMb: 96 }

interface Queued extends Job {
  readonly resolve: (reply: unknown) => void
  readonly reject: (error: Error) => void
}

/** A thread and what waits for it. */
export class WorkerThread {
  readonly #options: WorkerThreadOptions
  readonly #queue: Queued[] = []
  #thread: Worker | undefined
  #current: { readonly job: Queued; readonly timer: NodeJS.Timeout } | undefined
  #isOpen = true

  constructor(options: WorkerThreadOptions) {
    this.#options = options
  }

  /** Does one job after those that were asked for before it. @throws If the thread says so, dies or hangs. */
  ask(job: Job): Promise<unknown> {
    return new Promise((resolve, reject) => {
      if (!this.#isOpen) return reject(closed())
      this.#queue.push({ ...job, resolve, reject })
      this.#runNext()
    })
  }

  /** Ends the thread; what it was doing or is asked from now on is rejected. */
  async close(): Promise<void> {
    this.#isOpen = false
    for (const job of this.#queue.splice(0)) job.reject(closed())
    await this.#thread?.terminate()
  }

  #runNext(): void {
    if (this.#current !== undefined) return
    const job = this.#queue.shift()
    if (job === undefined) return
    this.#thread ??= this.#start()
    const { timeoutMs } = this.#options
    const timer = setTimeout(() => this.#replace(`it did not answer within ${timeoutMs} ms`), timeoutMs).unref()
    this.#current = { job, timer }
    this.#thread.postMessage(job.message, job.handedOver)
  }

  #start(): Worker {
    // Not the arguments of the process, which may say how its own program is to be read.
    const started = new Worker(this.#options.module, { execArgv: [], resourceLimits: ROOM_FOR_NEW_OBJECTS })
    // What it does is never a reason to keep the process alive: the log is whole without it.
    started.unref()
    started.on('message', (reply: unknown) => this.#settle(reply))
    const died = (reason: string): void => {
      if (this.#thread === started) this.#replace(reason)
    }
    started.on('error', (error) => died(error.message))
    started.on('exit', (code) => died(`the worker ended with code ${code}`))
    return started
  }

  #replace(error: string): void {
    this.#endThread()
    this.#settle({ error })
  }

  #endThread(): void {
    const ended = this.#thread
    this.#thread = undefined
    void ended?.terminate()
  }

  #settle(reply: unknown): void {
    if (this.#current === undefined) return
    const { job, timer } = this.#current
    clearTimeout(timer)
    if (job.isLarge && this.#queue.length === 0) this.#endThread()
    this.#current = undefined
    const error = errorIn(reply)
    if (error === undefined) job.resolve(reply)
    else job.reject(new Error(`the worker failed: ${error}`))
    this.#runNext()
  }
}

const errorIn = (reply: unknown): string | undefined =>
  typeof reply === 'object' && reply !== null && 'error' in reply ? String(reply.error) : undefined

const closed = (): Error => new Error('the worker is closed')

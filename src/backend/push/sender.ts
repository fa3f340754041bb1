// The sender: takes operations that are ready, sends as many at a time as it may, and acts on what comes back. Knows no HTTP.
import type { Core, MappedTable } from '../core.ts'
import type { Operation } from '../outbox/operation.ts'
import type { Call, RemoteRequest } from '../remote-table.ts'
import type { Answers } from './answers.ts'
import type { Breaker } from './breaker.ts'
import { backoffMs, classify, statusOf } from './failure.ts'
import { type Performed, perform } from './perform.ts'

/** What a sender is given to work with. */
export interface SenderOptions {
  readonly core: Core
  readonly answers: Answers
  readonly breaker: Breaker
  /** Sends one request with the backend's token. */
  readonly request: (request: RemoteRequest, signal: AbortSignal) => ReturnType<Call['request']>
  /** Most requests at a time. */
  readonly maxInFlight: number
  readonly timeoutMs: number
  /** Tries of an operation that is answered 5xx, before it goes to the dead letter. */
  readonly maxTries: number
  /** Whether it may send now. */
  readonly mayStart: () => boolean
  /** Which time of leading this is; none while others lead. */
  readonly term: () => number | undefined
  /** Told after each change of what is in flight. */
  readonly onChange: () => void
}

const FIRST_BACKOFF_MS = 500
const LAST_BACKOFF_MS = 5 * 60 * 1000

/** Sends operations. Each is durable as `sent` before its request goes out, so that no restart takes it for unsent. */
export class Sender {
  readonly #options: SenderOptions
  readonly #inFlight = new Map<string, AbortController>()
  /** Sent or about to be, and to be sent now. */
  readonly #due: string[] = []
  readonly #timers = new Set<unknown>()
  #isArming = false
  #isStopped = false

  constructor(options: SenderOptions) {
    this.#options = options
    this.takeOver()
  }

  /** Takes up operations that an earlier run, or another tab, may have sent. */
  takeOver(): void {
    const { queue } = this.#options.core.outbox
    for (const operation of queue.inState('sent')) {
      if (this.#due.includes(operation.id) || this.#inFlight.has(operation.id)) continue
      queue.replace(operation.id, { ...operation, tries: Math.max(1, operation.tries) })
      this.#due.push(operation.id)
    }
  }

  get inFlight(): number {
    return this.#inFlight.size
  }

  isInFlight(id: string): boolean {
    return this.#inFlight.has(id)
  }

  /** Sends what it can. Call it whenever something may have become possible. */
  pump(): void {
    const { breaker, maxInFlight, mayStart } = this.#options
    while (!this.#isStopped && mayStart() && this.#due.length > 0) {
      if (this.#inFlight.size >= maxInFlight || !breaker.admits(this.#inFlight.size)) return
      this.#send(this.#due.shift() as string)
    }
    this.#arm()
  }

  /** Puts an operation, `sent` already, in line. */
  push(id: string): void {
    this.#due.push(id)
    this.pump()
  }

  /** Gives up what is in flight: somebody else may send it soon. */
  interrupt(): void {
    for (const controller of this.#inFlight.values()) controller.abort()
  }

  /** Gives up what is in flight, and begins nothing more. */
  stop(): void {
    this.#isStopped = true
    this.interrupt()
    for (const timer of this.#timers) this.#options.core.timers.clearTimeout(timer)
  }

  /** Readies operations ahead of need, so that a free place never waits for the disk. */
  #arm(): void {
    const { core, maxInFlight, mayStart } = this.#options
    if (!core.outbox.queue.isReady && core.outbox.queue.count('sent') === 0 && mayStart()) core.outbox.untie()
    const room = 2 * maxInFlight - this.#inFlight.size - this.#due.length
    if (this.#isArming || this.#isStopped || room < maxInFlight / 2 || !mayStart() || !core.outbox.queue.isReady) return
    const armed = core.outbox.arm(room)
    core.commit()
    if (armed.length === 0) return
    this.#isArming = true
    core.noted().then(
      () => this.#armed(armed),
      (error: unknown) => this.#notArmed(armed, error),
    )
  }

  #armed(armed: readonly Operation[]): void {
    this.#isArming = false
    for (const { id } of armed) if (!this.#due.includes(id) && !this.#inFlight.has(id)) this.#due.push(id)
    this.pump()
  }

  /** Storage refused: nothing goes out that a restart would not know of. They stay `sent`, and are tried when storage works again. */
  #notArmed(armed: readonly Operation[], error: unknown): void {
    this.#options.core.report({
      kind: 'limit',
      message: `Cannot note in storage what is about to be sent: ${String(error)}`,
    })
    this.#later(LAST_BACKOFF_MS / 10, () => {
      const { core } = this.#options
      core.noted().then(
        () => this.#armed(armed),
        (again: unknown) => this.#notArmed(armed, again),
      )
    })
  }

  #send(id: string): void {
    const { core, onChange, timeoutMs } = this.#options
    const known = core.outbox.queue.get(id)
    const table = known === undefined ? undefined : core.tables.get(known.table)
    if (known?.state !== 'sent' || table === undefined) return
    const operation = { ...known, tries: known.tries + 1 }
    // Not staged in the journal: how often is only for show.
    core.outbox.queue.replace(id, operation)
    const controller = new AbortController()
    const term = this.#options.term()
    this.#inFlight.set(id, controller)
    onChange()
    const timer = this.#later(timeoutMs, () => controller.abort(new DOMException('No answer in time.', 'TimeoutError')))
    const settle = (act: () => void | Promise<void>): void => {
      this.#timers.delete(timer)
      core.timers.clearTimeout(timer)
      if (this.#isStopped) return
      if (term === this.#options.term()) return void this.#finish(id, act)
      // Whoever leads now sends it again, under its id, and is given the answer.
      this.#inFlight.delete(id)
    }
    this.#perform(table, operation, controller.signal).then(
      (performed) => settle(() => this.#answered(table, operation, performed)),
      (error: unknown) => settle(() => this.#failed(table, operation, error)),
    )
  }

  /** Acts on an answer; the place in flight is free after that. */
  async #finish(id: string, act: () => void | Promise<void>): Promise<void> {
    try {
      await act()
    } catch (error) {
      if (!['away', 'server', 'token'].includes(classify(error))) this.#options.core.host.onError(error)
      this.#retry(id, backoffMs(this.#options.core.outbox.queue.get(id)?.tries ?? 1, this.#backoff()))
    }
    this.#inFlight.delete(id)
    if (this.#isStopped) return
    this.#options.onChange()
    this.pump()
  }

  async #perform(table: MappedTable, operation: Operation, signal: AbortSignal): Promise<Performed> {
    const { request, core } = this.#options
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason), { once: true }),
    )
    const call = this.#callOf(table, operation, signal, (what) => request(what, signal))
    return Promise.race([perform(core, table, operation, call), aborted])
  }

  #callOf(table: MappedTable, operation: Operation, signal: AbortSignal, request: Call['request']): Call {
    const { core } = this.#options
    const row = table.rows.get(operation.row, { withDeleted: true })
    const all = row === undefined ? operation.fields : { ...table.codec.stored(row), ...operation.fields }
    const { fields } = table.codec.encode(operation.row, all)
    const { version } = core.seen.get(table.name, core.ids.canonical(table.name, operation.row))
    return { key: operation.id, version, fields, signal, request }
  }

  async #answered(table: MappedTable, operation: Operation, performed: Performed): Promise<void> {
    this.#options.breaker.noteSuccess()
    // It may have been moved to another row meanwhile.
    const current = this.#options.core.outbox.queue.get(operation.id) ?? operation
    await this.#options.answers.take(table, current, performed)
  }

  async #failed(table: MappedTable, operation: Operation, error: unknown): Promise<void> {
    const { breaker, answers, maxTries } = this.#options
    const { id, tries } = operation
    const retryAfterMs = retryAfterOf(error)
    const kind = classify(error)
    switch (kind) {
      case 'away':
        breaker.noteAway(error, retryAfterMs)
        return this.#retry(id, backoffMs(tries, this.#backoff(), retryAfterMs))
      case 'server':
        breaker.noteFailure(error)
        if (tries >= maxTries) return answers.fail(table, operation, 'server', error)
        return this.#retry(id, backoffMs(tries, this.#backoff(), retryAfterMs))
      case 'token':
        if (statusOf(error) === 403) break
        breaker.noteRefused(error)
        return this.#retry(id, 0)
      default:
        breaker.noteSuccess()
    }
    return answers.refuse(table, this.#options.core.outbox.queue.get(id) ?? operation, kind, error)
  }

  #retry(id: string, ms: number): void {
    if (this.#isStopped) return
    this.#later(ms, () => this.push(id))
  }

  #later(ms: number, work: () => void): unknown {
    const { timers } = this.#options.core
    const timer = timers.setTimeout(() => {
      this.#timers.delete(timer)
      work()
    }, ms)
    this.#timers.add(timer)
    return timer
  }

  #backoff() {
    return { firstMs: FIRST_BACKOFF_MS, lastMs: LAST_BACKOFF_MS, random: this.#options.core.random }
  }
}

const retryAfterOf = (error: unknown): number | undefined => {
  const ms = typeof error === 'object' && error !== null && 'retryAfterMs' in error ? error.retryAfterMs : undefined
  return typeof ms === 'number' ? ms : undefined
}

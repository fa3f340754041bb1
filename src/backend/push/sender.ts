// The sender: takes operations that are ready, sends as many at a time as it may, and acts on what comes back. Knows no HTTP.
import type { Core, MappedTable } from '../core.ts'
import type { Operation } from '../outbox/operation.ts'
import type { Call, RemoteRequest } from '../remote-table.ts'
import type { Answers } from './answers.ts'
import type { Breaker } from './breaker.ts'
import { Bulks, type Gathering, SentInBulk } from './bulk.ts'
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

/** One request on its way. */
interface Place {
  /** Gives up a request of several operations. */
  readonly controller: AbortController
  /** Operations of it that are not done with. */
  left: number
  /** How long its operations wait if they are to go again, from 0 to 1; drawn when it is needed. */
  jitter: number | undefined
}

/** One operation on its way. */
interface Flight {
  readonly controller: AbortController
  readonly place: Place
}

const FIRST_BACKOFF_MS = 500
const LAST_BACKOFF_MS = 5 * 60 * 1000

/** Sends operations. Each is durable as `sent` before its request goes out, so that no restart takes it for unsent. */
export class Sender {
  readonly #options: SenderOptions
  readonly #bulks: Bulks
  readonly #inFlight = new Map<string, Flight>()
  readonly #places = new Set<Place>()
  /** Sent or about to be, and to be sent now. */
  readonly #due: string[] = []
  readonly #timers = new Set<unknown>()
  #isArming = false
  #isStopped = false

  constructor(options: SenderOptions) {
    this.#options = options
    this.#bulks = new Bulks(options.core)
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

  /** Requests on their way. */
  get inFlight(): number {
    return this.#places.size
  }

  isInFlight(id: string): boolean {
    return this.#inFlight.has(id)
  }

  /** Sends what it can. Call it whenever something may have become possible. */
  pump(): void {
    const { breaker, maxInFlight, mayStart } = this.#options
    while (!this.#isStopped && mayStart() && this.#due.length > 0) {
      if (this.#places.size >= maxInFlight || !breaker.admits(this.#places.size)) return
      this.#sendTogether(this.#bulks.next(this.#due))
    }
    this.#arm()
  }

  /** Puts an operation, `sent` already, in line. */
  push(id: string): void {
    this.#due.push(id)
    if (this.#bulks.maxItems === 1) return this.pump()
    // What comes due in the same moment may go with it.
    this.#later(0, () => this.pump())
  }

  /** Gives up what is in flight: somebody else may send it soon. */
  interrupt(): void {
    for (const { controller, place } of this.#inFlight.values())
      for (const one of [controller, place.controller]) one.abort()
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
    const room = 2 * maxInFlight * this.#bulks.maxItems - this.#inFlight.size - this.#due.length
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

  /** One operation, or several that go out as one request. */
  #sendTogether(ids: readonly string[]): void {
    const place: Place = { controller: new AbortController(), left: 0, jitter: undefined }
    const { signal } = place.controller
    const gathering = this.#bulks.gather(ids, { signal, request: (what) => this.#options.request(what, signal) })
    for (const id of ids) this.#send(id, place, gathering)
  }

  #send(id: string, place: Place, gathering: Gathering | undefined): void {
    const { core, onChange, timeoutMs } = this.#options
    const known = core.outbox.queue.get(id)
    const table = known === undefined ? undefined : core.tables.get(known.table)
    if (known?.state !== 'sent' || table === undefined) return gathering?.leave(id)
    const operation = { ...known, tries: known.tries + 1 }
    // Not staged in the journal: how often is only for show.
    core.outbox.queue.replace(id, operation)
    const controller = new AbortController()
    const term = this.#options.term()
    this.#inFlight.set(id, { controller, place })
    this.#places.add(place)
    place.left += 1
    onChange()
    const timer = this.#later(timeoutMs, () => {
      const reason = new DOMException('No answer in time.', 'TimeoutError')
      for (const one of [controller, place.controller]) one.abort(reason)
    })
    const settle = (act: () => void | Promise<void>): void => {
      this.#timers.delete(timer)
      core.timers.clearTimeout(timer)
      gathering?.leave(id)
      if (this.#isStopped) return
      if (term === this.#options.term()) return void this.#finish(id, act)
      // Whoever leads now sends it again, under its id, and is given the answer.
      this.#leave(id)
    }
    this.#perform(gathering?.tableOf(table, operation) ?? table, operation, controller.signal).then(
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
      this.#retry(id, backoffMs(this.#options.core.outbox.queue.get(id)?.tries ?? 1, this.#backoff(id)))
    }
    this.#leave(id)
    if (this.#isStopped) return
    this.#options.onChange()
    this.pump()
  }

  /** An operation is no longer on its way; its place is free with the last of its request. */
  #leave(id: string): void {
    const place = this.#inFlight.get(id)?.place
    this.#inFlight.delete(id)
    if (this.#options.core.outbox.queue.get(id)?.state !== 'sent') this.#bulks.forget(id)
    if (place === undefined) return
    place.left -= 1
    if (place.left === 0) this.#places.delete(place)
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
    if (error instanceof SentInBulk) return this.#retry(id, error.isAtOnce ? 0 : backoffMs(tries, this.#backoff(id)))
    const retryAfterMs = retryAfterOf(error)
    const kind = classify(error)
    switch (kind) {
      case 'away':
        breaker.noteAway(error, retryAfterMs)
        return this.#retry(id, backoffMs(tries, this.#backoff(id), retryAfterMs))
      case 'server':
        breaker.noteFailure(error)
        if (tries >= maxTries) return answers.fail(table, operation, 'server', error)
        return this.#retry(id, backoffMs(tries, this.#backoff(id), retryAfterMs))
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

  /** What went out as one comes back as one: its operations wait equally long. */
  #backoff(id: string) {
    const { random } = this.#options.core
    const place = this.#inFlight.get(id)?.place
    if (place !== undefined) place.jitter ??= random()
    return { firstMs: FIRST_BACKOFF_MS, lastMs: LAST_BACKOFF_MS, random: () => place?.jitter ?? random() }
  }
}

const retryAfterOf = (error: unknown): number | undefined => {
  const ms = typeof error === 'object' && error !== null && 'retryAfterMs' in error ? error.retryAfterMs : undefined
  return typeof ms === 'number' ? ms : undefined
}

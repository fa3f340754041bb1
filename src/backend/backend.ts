// The backend as its user sees it. Knows the engine and its parts; decides nothing.
import type { RowStatus } from '../status.ts'
import type { Core } from './core.ts'
import type { Engine } from './engine.ts'
import { rowKey } from './identity/ids.ts'
import { Questions } from './outbox/questions.ts'
import { OutboxView } from './outbox/repair.ts'
import type { Puller } from './pull/puller.ts'
import type { Breaker } from './push/breaker.ts'
import type { Sender } from './push/sender.ts'
import type { RemoteId } from './remote-table.ts'
import { type BackendConnection, BackendStatus } from './status.ts'
import type { Problem, TraceEntry } from './trace.ts'

/** What a backend is made of. */
export interface BackendParts {
  readonly core: Core
  readonly engine: Engine
  readonly sender: Sender
  readonly breaker: Breaker
  readonly puller: Puller
  readonly limits: { readonly operations: number; readonly ageMs: number }
}

/** A backend that is kept in step with tables of a database; made by `connectBackend`. */
export class Backend {
  /** Its name among those of the database. */
  readonly name: string
  /** How it stands, live. */
  readonly status: BackendStatus
  /** What is on its way there, and what failed. */
  readonly outbox: OutboxView
  readonly #parts: BackendParts
  readonly #questions: Questions
  #questionCount = 0
  #isTouched = false

  /** @internal */
  constructor(parts: BackendParts) {
    this.#parts = parts
    const { core } = parts
    this.name = core.name
    this.outbox = new OutboxView(core, () => this.touch())
    this.#questions = new Questions(core, () => this.#kick())
    core.host.conflicts.join(`backend ${core.name}`, this.#questions)
    core.host.joinBackend(this)
    for (const { name, rows } of core.tables.values()) rows.remoteIdOf = (id) => core.ids.remote(name, id)?.toString()
    this.status = new BackendStatus(sourceOf(parts), core.host.onError)
  }

  /** Whether a table is kept in step with it. */
  has(table: string): boolean {
    return this.#parts.core.tables.has(table)
  }

  /** The id that it gave to a row; undefined if it has none yet. */
  remoteId(table: string, id: string): RemoteId | undefined {
    return this.#parts.core.ids.remote(table, id)
  }

  /** The row of a record; undefined if there is none. */
  localId(table: string, remote: RemoteId): string | undefined {
    return this.#parts.core.ids.local(table, remote)
  }

  /** How a row stands with it; see `db.tasks.status`. */
  rowStatus(table: string, id: string): RowStatus {
    const { core, sender } = this.#parts
    core.host.commit()
    const operations = core.outbox.queue.ofRow(rowKey(table, id))
    const states = new Set(operations.map(({ state }) => state))
    if (states.has('failed')) return 'failed'
    if (states.has('asking')) return 'conflict'
    if (operations.some((operation) => sender.isInFlight(operation.id))) return 'sending'
    if (operations.length > 0) return 'pending'
    return core.ids.remote(table, id) === undefined ? 'local' : 'synced'
  }

  /** What became of operations, the newest last: as many as `traces` says. Plain JSON, for export and `replay`. */
  trace(): readonly TraceEntry[] {
    return this.#parts.core.trace.list()
  }

  /** What needs a look and is no operation's failure: unreadable records, refused cursors, rows with two records. */
  problems(): readonly Problem[] {
    return this.#parts.core.trace.problems
  }

  /** Pulls now: on opening a view, for instance. @param options.full - Lists everything. @returns once the pull is over, well or not. */
  async pull({ full = false }: { readonly full?: boolean } = {}): Promise<void> {
    await this.#parts.engine.pull(full)
  }

  /** Sends nothing and pulls nothing until `resume`; writes are recorded. */
  pause(): void {
    this.#parts.engine.pause()
  }

  /** Goes on at once, after `pause`, a refused token, or while it waits to try again. */
  resume(): void {
    this.#parts.engine.resume()
  }

  /** Lets go of it; what has not been sent stays in the outbox. Closing the database does this. */
  close(): void {
    this.#parts.engine.stop()
    this.touch()
  }

  /** @internal Something has changed. */
  touch(): void {
    this.status.touch()
    if (this.#isTouched) return
    this.#isTouched = true
    queueMicrotask(() => {
      this.#isTouched = false
      this.outbox.announce()
      const count = this.#questions.conflicts().length
      if (count !== this.#questionCount) this.#parts.core.host.conflicts.announce()
      this.#questionCount = count
    })
  }

  #kick(): void {
    this.touch()
    this.#parts.engine.kick()
  }
}

const sourceOf = ({ core, engine, sender, breaker, puller, limits }: BackendParts) => {
  return {
    get connection(): BackendConnection {
      return connectionOf(engine, breaker)
    },
    get pending() {
      // What was written in this turn counts.
      core.host.commit()
      return core.outbox.queue.size
    },
    get sending() {
      return sender.inFlight
    },
    get failed() {
      return core.outbox.queue.count('failed')
    },
    get conflicts() {
      return core.outbox.queue.count('asking')
    },
    get lastPullMs() {
      return Number.isFinite(puller.lastMs) ? puller.lastMs : undefined
    },
    get warning() {
      return warningOf(core, limits)
    },
    get error() {
      return breaker.state.kind === 'open' ? breaker.state.error : engine.pullError
    },
  }
}

const connectionOf = (engine: Engine, { state }: Breaker): BackendConnection => {
  if (engine.isStopped) return 'closed'
  if (engine.isPaused) return 'paused'
  if (!engine.isLeading) return 'waiting'
  if (state.kind !== 'open') return 'online'
  switch (state.why) {
    case 'away':
      return 'offline'
    case 'failing':
      return 'failing'
    case 'token':
      return 'unauthorized'
  }
}

const warningOf = ({ outbox, host }: Core, limits: BackendParts['limits']): string | undefined => {
  const { size } = outbox.queue
  if (size > limits.operations)
    return `${size} operations wait to be sent, more than ${limits.operations}. Is the backend there?`
  const oldest = outbox.queue.first()
  const ageMs = oldest === undefined ? 0 : host.now() - oldest.timeMs
  return ageMs > limits.ageMs ? `An operation has been waiting for ${Math.round(ageMs / 3_600_000)} h.` : undefined
}

// The engine of one backend: records writes, pulls, sends, and starts each when it is time. Knows its parts; no HTTP.

import type { Core, MappedTable } from './core.ts'
import type { Lease } from './lease.ts'
import type { NewsListener } from './news.ts'
import type { Recorder } from './outbox/recorder.ts'
import type { Puller } from './pull/puller.ts'
import type { Breaker } from './push/breaker.ts'
import { AnswerError, classify } from './push/failure.ts'
import type { Sender } from './push/sender.ts'

/** What an engine is given to work with. */
export interface EngineOptions {
  readonly core: Core
  readonly recorder: Recorder
  /** Does what is to be done before the first operation of a time of leading. */
  readonly onLead: () => void
  readonly sender: Sender
  readonly puller: Puller
  readonly breaker: Breaker
  readonly lease: Lease
  /** Whether the outbox is one that bridges share through the relay. */
  readonly isBridge: boolean
  /** How often to pull, in milliseconds, before jitter. */
  readonly pollMs: number
  /** How old the last pull may be for sending without another one. */
  readonly freshMs: number
  /** Hears of news; returns what ends it. */
  readonly listen: (listener: NewsListener) => () => void
  /** Told after any change of what the engine shows. */
  readonly onChange: () => void
}

/** Runs one backend. */
export class Engine {
  readonly #options: EngineOptions
  readonly #stopped = new AbortController()
  #isLeading = false
  #term = 0
  #disown: () => void = () => {}
  #isPaused = false
  #pulling: Promise<void> | undefined
  #pollTimer: unknown
  #isKicked = false
  #unlisten: (() => void) | undefined
  #wantsFull = false
  /** What the last pull failed with; undefined if it did not. */
  pullError: unknown
  /** Rounds of pulling that have ended, well or not. */
  rounds = 0

  constructor(options: EngineOptions) {
    this.#options = options
  }

  get isLeading(): boolean {
    return this.#isLeading
  }

  /** Which time of leading this is; undefined while others lead, or may. */
  get term(): number | undefined {
    return this.#isLeading && this.#options.lease.isHeld?.() !== false ? this.#term : undefined
  }

  get isPaused(): boolean {
    return this.#isPaused
  }

  get isPulling(): boolean {
    return this.#pulling !== undefined
  }

  get isStopped(): boolean {
    return this.#stopped.signal.aborted
  }

  /** Begins, and leads as soon as it may. */
  start(): void {
    const { recorder, lease, core } = this.#options
    recorder.start()
    core.commit()
    lease
      .hold(this.#name, (lost) => this.#lead(lost), this.#stopped.signal)
      .catch((error: unknown) => core.host.onError(error))
  }

  /** Ends, for good; what is in flight is given up, and stays in the outbox. */
  stop(): void {
    const { recorder, sender, puller, breaker, core } = this.#options
    if (this.isStopped) return
    recorder.stop()
    this.#unlead()
    sender.stop()
    puller.stop()
    breaker.stop()
    core.timers.clearTimeout(this.#pollTimer)
    this.#stopped.abort()
  }

  pause(): void {
    this.#isPaused = true
    this.#options.onChange()
  }

  /** Goes on, at once. */
  resume(): void {
    this.#isPaused = false
    this.#options.breaker.reset()
    this.#options.onChange()
    void this.pull()
  }

  /** Whether operations may be sent now: after a pull that is not old. */
  mayPush(): boolean {
    const { core, puller, freshMs } = this.#options
    return this.term !== undefined && !this.#isPaused && core.host.now() - puller.lastMs <= freshMs
  }

  /** Something may be sent, soon. */
  kick(): void {
    if (this.#isKicked || this.isStopped) return
    this.#isKicked = true
    queueMicrotask(() => {
      this.#isKicked = false
      this.wake()
    })
  }

  /** Sends what may be sent, after a pull if one is due. */
  wake(): void {
    if (this.isStopped || this.#isPaused) return
    if (!this.#isLeading) return this.#tell()
    const { breaker, core, freshMs, puller, sender } = this.#options
    if (this.mayPush()) {
      // Ahead of need: sending goes on meanwhile.
      if (core.outbox.queue.size > 0 && core.host.now() - puller.lastMs > freshMs / 2) void this.pull()
      return sender.pump()
    }
    if (core.outbox.queue.size > 0 && breaker.admits(sender.inFlight)) void this.pull()
  }

  /** Pulls now, or waits for the pull that runs; then sends. Never rejects: what went wrong is in the status. */
  pull(isFull = false): Promise<void> {
    this.#wantsFull ||= isFull
    this.#pulling ??= this.#pull().finally(() => {
      this.#pulling = undefined
      this.rounds += 1
      this.#options.onChange()
    })
    return this.#pulling
  }

  async #pull(): Promise<void> {
    const { breaker, core, freshMs, puller, sender } = this.#options
    if (this.term === undefined || this.#isPaused || this.isStopped || !breaker.admits(sender.inFlight)) return
    const isFull = this.#wantsFull
    this.#wantsFull = false
    try {
      await puller.pullAll(isFull)
      // A service that lists more slowly than that would never be sent anything.
      const now = core.host.now()
      if (now - puller.lastMs > freshMs) puller.lastMs = Math.max(puller.lastMs, now - freshMs / 2)
      this.pullError = undefined
      breaker.noteReached()
    } catch (error) {
      if (this.isStopped) return
      this.#wantsFull ||= isFull
      this.#pullFailed(error)
    }
    if (this.isStopped) return
    this.#plan()
    // After this turn: the pull is over by then.
    core.timers.setTimeout(() => sender.pump(), 0)
  }

  #pullFailed(error: unknown): void {
    const { breaker, core, puller } = this.#options
    this.pullError = error
    const retryAfterMs = (error as { retryAfterMs?: number }).retryAfterMs
    switch (classify(error)) {
      case 'away':
        return breaker.noteAway(error, retryAfterMs)
      case 'token':
        return breaker.noteRefused(error)
      case 'server':
        return breaker.noteAway(error)
      default:
        // It will not get better by itself: writes go out all the same.
        core.report({ kind: 'pull', message: String(error), ...answerOf(error) })
        puller.lastMs = core.host.now()
        breaker.noteReached()
    }
  }

  #plan(): void {
    const { core, pollMs } = this.#options
    core.timers.clearTimeout(this.#pollTimer)
    if (!Number.isFinite(pollMs)) return
    this.#pollTimer = core.timers.setTimeout(() => void this.pull(), pollMs * (0.5 + core.random()))
  }

  async #lead(lost: AbortSignal): Promise<void> {
    if (this.isStopped || lost.aborted) return
    const { core, isBridge, lease, onLead, puller, sender } = this.#options
    if (lease.tell !== undefined || isBridge) await this.#reload()
    if (this.isStopped || lost.aborted) return
    this.#isLeading = true
    this.#term += 1
    puller.lastMs = Number.NEGATIVE_INFINITY
    if (isBridge) this.#disown = core.journal.own(() => core.commit())
    onLead()
    core.commit()
    sender.takeOver()
    const stops = [this.#options.listen(this.#news()), lease.listen?.(this.#name, () => void this.#heed())]
    this.#unlisten = () => stops.forEach((stop) => stop?.())
    this.#options.onChange()
    void this.pull()
    await new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve(), { once: true }))
    this.#unlead()
  }

  #news(): NewsListener {
    const { breaker, core, freshMs, puller } = this.#options
    return {
      onNews: () => void this.pull(),
      onOnline: () => {
        breaker.noteOnline()
        void this.pull()
      },
      onOffline: () => {
        breaker.noteAway(new AnswerError('The platform says that it is offline.'))
        this.#options.onChange()
      },
      onOpened: (table) => {
        const isPulled = core.tables.get(table)?.remote.pull !== undefined
        if (!isPulled || core.host.now() - puller.lastMs <= freshMs) return
        // Not within the call that opens the view.
        core.timers.setTimeout(() => void this.pull(), 0)
      },
    }
  }

  /** Tells the leader that there is something to send, once it is stored. */
  #tell(): void {
    const { core, lease } = this.#options
    if (lease.tell === undefined || core.outbox.queue.size === 0) return
    core.host.saved().then(
      () => lease.tell?.(this.#name),
      (error: unknown) => core.host.onError(error),
    )
  }

  get #name(): string {
    const { core } = this.#options
    return `merrow/${core.host.name}/${core.name}`
  }

  /** Somebody else who shares the storage has recorded something. */
  async #heed(): Promise<void> {
    await this.#reload()
    this.wake()
  }

  /** Reads what others have made of the outbox. */
  async #reload(): Promise<void> {
    const { core } = this.#options
    try {
      await core.reload()
    } catch (error) {
      core.host.onError(error)
    }
  }

  #unlead(): void {
    if (this.#isLeading) this.#options.sender.interrupt()
    this.#isLeading = false
    this.#options.recorder.unlead()
    this.#disown()
    this.#unlisten?.()
    this.#unlisten = undefined
  }
}

const answerOf = (error: unknown): { message: string } | object => {
  const { message, answer } = error as { message?: string; answer?: string }
  return answer === undefined ? {} : { message: `${message} The answer begins ${answer}` }
}

/** Tables that are pulled. */
export const isTwoWay = ({ remote }: MappedTable): boolean => remote.pull !== undefined

// The upkeep of one room's document: when its tail becomes a snapshot, when its depth is measured, and what breaks it is left out.
// Knows no members and no frames.
import { errorFields, type Logger } from '../logger.ts'
import { updatesOf } from './answer.ts'
import { findCulprit } from './culprit.ts'
import type { RoomDocument } from './document.ts'
import type { Keeper } from './keeper.ts'
import type { Snapshotter } from './snapshotter.ts'

/** How an {@link Upkeep} is set up. */
export interface UpkeepOptions {
  readonly keeper: Keeper
  readonly snapshotter: Snapshotter
  readonly logger: Logger
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** A tail this long is made into a snapshot. */
  readonly snapshotAfterUpdates: number
  /** A tail this large is made into a snapshot, in bytes. */
  readonly snapshotAfterBytes: number
}

/** What the upkeep asks of the room. */
export interface UpkeepHost {
  /** Does something; the room stays meanwhile, members or not. */
  working<T>(task: () => Promise<T>): Promise<T>
  /** Told when the document goes on without an update that broke it: members have to get it anew. */
  onRebuilt(): void
}

/**
 * A room rests between two snapshots, for so long at least, in milliseconds, and for so many times what the last one took, up to five minutes: the snapshots of a
 * busy or large document leave the machine to those who write.
 */
const REST_MS = 1000
const REST_TIMES = 20
const LONGEST_REST_MS = 300_000
/** It does not rest while its tail grows to so many times what is due, and to so many times its snapshot: then what is written twice is a quarter of what is new. */
const UNRESTED_TIMES = 10
const UNRESTED_GROWTH = 4

/** Keeps one document in order. */
export class Upkeep {
  readonly #document: RoomDocument
  readonly #options: UpkeepOptions
  readonly #host: UpkeepHost
  /** Failed attempts at a snapshot since the last good one; each doubles the tail that the next one waits for. */
  #failedSnapshots = 0
  #isSnapshotting = false
  /** When the last snapshot was stored. */
  #snapshotAt = Number.NEGATIVE_INFINITY
  #restMs = REST_MS

  constructor(document: RoomDocument, options: UpkeepOptions, host: UpkeepHost) {
    this.#document = document
    this.#options = options
    this.#host = host
  }

  /** Does what is due now that an update is stored, behind the caller's back. */
  afterAppend(): void {
    if (this.#isDue && !this.#isSnapshotting) void this.#snapshotOnce()
    if (this.#document.isDepthVague) void this.#measureDepth()
  }

  /** Makes what the log holds into a snapshot, if its tail is not so short that nothing would be won. */
  async snapshotNow(): Promise<void> {
    const isShort = this.#document.tail.updates < this.#options.snapshotAfterUpdates / 10
    if (!isShort && !this.#isSnapshotting) await this.#snapshotOnce()
  }

  get #isDue(): boolean {
    const { snapshotAfterUpdates, snapshotAfterBytes } = this.#options
    const { tail, snapshotBytes } = this.#document
    const hasRested = this.#hasRested
    const patience = 2 ** this.#failedSnapshots * (hasRested ? 1 : UNRESTED_TIMES)
    if (tail.bytes >= snapshotAfterBytes * patience) return true
    return (
      tail.updates >= snapshotAfterUpdates * patience && (hasRested || tail.bytes >= UNRESTED_GROWTH * snapshotBytes)
    )
  }

  /** A clock that was set back is no reason to wait. */
  get #hasRested(): boolean {
    return Math.abs(this.#options.now() - this.#snapshotAt) >= this.#restMs
  }

  async #snapshotOnce(): Promise<void> {
    this.#isSnapshotting = true
    await this.#host.working(() => this.#snapshot())
  }

  /** The log keeps its tail until a snapshot of it is made, proved and stored. */
  async #snapshot(): Promise<void> {
    const { keeper, logger, now } = this.#options
    const { name: document } = this.#document
    const fromMs = now()
    try {
      const { updates } = await keeper.snapshot(document)
      this.#failedSnapshots = 0
      this.#snapshotAt = now()
      this.#restMs = Math.min(LONGEST_REST_MS, Math.max(REST_MS, REST_TIMES * (this.#snapshotAt - fromMs)))
      logger('debug', 'snapshot stored', { document, updates })
    } catch (error) {
      this.#failedSnapshots += 1
      logger('warn', 'snapshot failed, the log is unchanged', { document, ...errorFields(error) })
      await this.#expelCulprit()
    } finally {
      this.#isSnapshotting = false
    }
  }

  /** Should an update break the document in spite of the guard, the document goes on without it. */
  async #expelCulprit(): Promise<void> {
    const { snapshotter, logger } = this.#options
    const { name: document } = this.#document
    try {
      const culprit = await findCulprit(await updatesOf(await this.#document.read()), snapshotter)
      if (culprit === undefined) return
      await this.#document.refuse(culprit)
      logger('error', 'an update breaks its document and is left out', { document, bytes: culprit.length })
      this.#host.onRebuilt()
    } catch (error) {
      logger('warn', 'cannot look for a breaking update', { document, ...errorFields(error) })
    }
  }

  async #measureDepth(): Promise<void> {
    try {
      await this.#host.working(() => this.#document.measureDepth())
    } catch (error) {
      this.#options.logger('warn', 'cannot measure a document', {
        document: this.#document.name,
        ...errorFields(error),
      })
    }
  }
}

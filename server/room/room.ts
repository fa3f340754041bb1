// One document on the relay: its members, its log and who is present. Holds no Y.Doc, and knows no sockets.
import { SyncType } from '../../src/sync/wire.ts'
import type { Log } from '../log/port.ts'
import { errorFields, type Logger } from '../logger.ts'
import { Answers } from './answer.ts'
import { encodeAwareness, encodeSync } from './frame.ts'
import type { Keeper, Taken } from './keeper.ts'
import { type Member, RoomFrame } from './member.ts'
import { Presence } from './presence.ts'

import { type ClockRange, rangesOf, StateVector } from './vector.ts'

/** What rooms are given by their hub. */
export interface RoomContext {
  readonly log: Log
  readonly keeper: Keeper
  readonly logger: Logger
  /** A tail this long is made into a snapshot. */
  readonly snapshotAfterUpdates: number
  /** A tail this large is made into a snapshot, in bytes. */
  readonly snapshotAfterBytes: number
  /** Told of every append, so that a relay which ends can wait for it. */
  readonly track: (append: Promise<void>) => void
  /** Called when a room has neither members nor work, or could not be loaded. */
  readonly onCold: (room: Room) => void
}

/** One document and those who are connected to it. */
export class Room {
  readonly document: string
  readonly number: number
  /** Resolves once the room knows what its log holds; rejects if the log cannot be read. */
  readonly loaded: Promise<void>
  readonly #context: RoomContext
  readonly #members = new Set<Member>()
  readonly #presence = new Presence()
  readonly #vector = new StateVector()
  readonly #answers = new Answers()
  #tail = { updates: 0, bytes: 0 }
  /** Failed attempts at a snapshot since the last good one; each doubles the tail that the next one waits for. */
  #failedSnapshots = 0
  #isSnapshotting = false
  #work = 0

  constructor(document: string, number: number, context: RoomContext) {
    this.document = document
    this.number = number
    this.#context = context
    this.loaded = this.#working(() => this.#load())
  }

  /** Counts a member in. From now on it gets every update that becomes durable. */
  join(member: Member): void {
    this.#members.add(member)
  }

  /** Counts a member out, and tells the others that those whom it brought have gone. */
  leave(member: Member): void {
    if (!this.#members.delete(member)) return
    const removal = this.#presence.leave(member)
    if (removal !== undefined) this.#broadcast(encodeAwareness(removal), member)
    this.#dropIfCold()
  }

  /** Greets a member: the relay's step 1, so that it sends what the log lacks, and who is here. */
  greet(member: Member): void {
    this.#answer(member, encodeSync(SyncType.step1, this.#vector.encode()))
    this.sendPresence(member)
  }

  /** Tells a member who is here. */
  sendPresence(member: Member): void {
    const states = this.#presence.all()
    if (states !== undefined) this.#answer(member, encodeAwareness(states))
  }

  /** Sends a member what its state vector lacks, at least an empty step 2. */
  sendMissing(member: Member, stateVector: Uint8Array): Promise<void> {
    return this.#working(async () => {
      const content = await this.#context.log.read(this.document)
      for (const frame of await this.#answers.frames(content, stateVector)) this.#answer(member, frame)
    })
  }

  /**
   * Stores an update, then passes it on to the others: what anyone sees of another is durable.
   *
   * @param ranges - What the update brings, by {@link rangesOf}.
   * @returns Resolves once the update is durable and passed on. Calls finish in order.
   */
  append(sender: Member | undefined, update: Uint8Array, ranges: readonly ClockRange[]): Promise<void> {
    const appended = this.#working(async () => {
      await this.#context.log.append(this.document, [update])
      this.#count(update, ranges)
      this.#broadcast(encodeSync(SyncType.update, update), sender)
      this.#snapshotIfDue()
    })
    this.#context.track(appended)
    return appended
  }

  /**
   * Takes an awareness update and passes on what is new in it.
   *
   * @throws {@link MerrowError} `invalid_frame` if it cannot be read.
   */
  announce(sender: Member, update: Uint8Array): void {
    const news = this.#presence.receive(sender, update)
    if (news !== undefined) this.#broadcast(encodeAwareness(news), sender)
  }

  /** Does something with the loaded room, which stays the document's only one meanwhile, members or not. */
  hold<T>(task: () => Promise<T>): Promise<T> {
    return this.#working(async () => {
      await this.loaded
      return task()
    })
  }

  /** Members, and what the log holds after the snapshot, as far as this room has counted. */
  get figures(): { readonly members: number; readonly tailUpdates: number; readonly tailBytes: number } {
    return { members: this.#members.size, tailUpdates: this.#tail.updates, tailBytes: this.#tail.bytes }
  }

  /** Ends all memberships; the code is a WebSocket close code. */
  close(code: number, reason: string): void {
    for (const member of [...this.#members]) member.close(code, reason)
  }

  /** Counts off what a snapshot has taken out of the log's tail, whoever asked for it. */
  noteTaken({ updates, bytes }: Taken): void {
    this.#tail = { updates: Math.max(0, this.#tail.updates - updates), bytes: Math.max(0, this.#tail.bytes - bytes) }
  }

  /** Makes what the log holds into a snapshot, if its tail is not so short that nothing would be won. */
  async snapshotNow(): Promise<void> {
    await this.loaded
    if (this.#tail.updates < this.#context.snapshotAfterUpdates / 10 || this.#isSnapshotting) return
    this.#isSnapshotting = true
    await this.#working(() => this.#snapshot())
  }

  async #load(): Promise<void> {
    const { snapshot, entries } = await this.#context.log.read(this.document)
    this.#vector.reset(snapshot?.stateVector)
    for (const { update } of entries) this.#count(update, rangesOf(update))
  }

  #count(update: Uint8Array, ranges: readonly ClockRange[]): void {
    this.#vector.add(ranges)
    this.#tail = { updates: this.#tail.updates + 1, bytes: this.#tail.bytes + update.length }
  }

  #broadcast(bytes: Uint8Array, except: Member | undefined): void {
    const frame = new RoomFrame(this.number, bytes)
    for (const member of this.#members) if (member !== except) member.broadcast(frame)
  }

  #answer(member: Member, bytes: Uint8Array): void {
    if (this.#members.has(member)) member.answer(new RoomFrame(this.number, bytes))
  }

  #snapshotIfDue(): void {
    const { snapshotAfterUpdates, snapshotAfterBytes } = this.#context
    const patience = 2 ** this.#failedSnapshots
    const isDue =
      this.#tail.updates >= snapshotAfterUpdates * patience || this.#tail.bytes >= snapshotAfterBytes * patience
    if (!isDue || this.#isSnapshotting) return
    this.#isSnapshotting = true
    void this.#working(() => this.#snapshot())
  }

  /** The log keeps its tail until a snapshot of it is made, proved and stored. */
  async #snapshot(): Promise<void> {
    const { keeper, logger } = this.#context
    try {
      const { updates } = await keeper.snapshot(this.document)
      this.#failedSnapshots = 0
      logger('debug', 'snapshot stored', { document: this.document, updates })
    } catch (error) {
      this.#failedSnapshots += 1
      logger('warn', 'snapshot failed, the log is unchanged', {
        document: this.document,
        ...errorFields(error),
      })
    } finally {
      this.#isSnapshotting = false
    }
  }

  async #working<T>(task: () => Promise<T>): Promise<T> {
    this.#work += 1
    try {
      return await task()
    } finally {
      this.#work -= 1
      this.#dropIfCold()
    }
  }

  #dropIfCold(): void {
    if (this.#members.size === 0 && this.#work === 0) this.#context.onCold(this)
  }
}

// One document on the relay: its members and who is present. Holds no Y.Doc, and knows no sockets.
import { MerrowError } from '../../src/errors.ts'
import type { Digest } from '../../src/sync/digest.js'
import { SyncType } from '../../src/sync/wire.ts'
import { findFork } from '../guard/fork.ts'
import type { Id } from '../guard/update.ts'
import type { ClockRange } from '../guard/vector.ts'
import type { Refusal, Verdict } from '../guard/verdict.ts'
import type { LogContent } from '../log/port.ts'
import { errorFields } from '../logger.ts'
import { Answers } from './answer.ts'
import { type DocumentOptions, RoomDocument } from './document.ts'
import { encodeAwareness, encodeSync } from './frame.ts'
import type { Taken } from './keeper.ts'
import { type Entrant, type Member, RoomFrame } from './member.ts'
import { Outgoing } from './outgoing.ts'
import { Presence } from './presence.ts'
import { Proof } from './proof.ts'
import { Reading } from './reading.ts'
import { Upkeep, type UpkeepOptions } from './upkeep.ts'

/** What rooms are given by their hub. */
export interface RoomContext extends DocumentOptions, UpkeepOptions {
  /** Told of every refused update, by the guard's word for it. */
  readonly onRefused: (refusal: Refusal, document: string) => void
  /** Told of every append that begins, so that a relay which ends can wait for it. @returns To be called at its end. */
  readonly begin: () => () => void
  /** Resolves after so many milliseconds. */
  readonly after: (ms: number) => Promise<void>
  /** Called when a room has neither members nor work, or could not be loaded. */
  readonly onCold: (room: Room) => void
}

/** Transient: the client comes back, and the handshake brings what is missing. */
const INTERNAL_ERROR = 1011
/** Where the log was read so lately, in milliseconds, more joiners may come: what is read is kept for them so long. */
const SOUGHT_MS = 1000
const KEPT_MS = 5000

/** One document and those who are connected to it. */
export class Room {
  readonly document: string
  readonly number: number
  /** Resolves once the room knows what its log holds; rejects if the log cannot be read. */
  readonly loaded: Promise<void>
  readonly #context: RoomContext
  readonly #content: RoomDocument
  readonly #members = new Map<Member, Entrant>()
  readonly #presence = new Presence()
  readonly #answers = new Answers()
  readonly #proof: Proof
  /** Answers that are given more than once, framed for sockets once. */
  readonly #answerFrame = new WeakMap<Uint8Array, RoomFrame>()
  /** The last reading of the log, which those share who come together, or soon after one another. */
  #reading: Reading | undefined
  #readAtMs = Number.NEGATIVE_INFINITY
  readonly #upkeep: Upkeep
  #work = 0
  readonly #outgoing: Outgoing

  constructor(document: string, number: number, context: RoomContext) {
    this.document = document
    this.number = number
    this.#outgoing = new Outgoing(number, this.#members, context.after)
    this.#context = context
    this.#content = new RoomDocument(document, context)
    const { snapshotter, now, after } = context
    this.#proof = new Proof({ read: () => this.#content.read(), snapshotter, now, after })
    this.#upkeep = new Upkeep(this.#content, context, {
      working: (task) => this.#working(task),
      onRebuilt: () => this.close(INTERNAL_ERROR, 'the document was rebuilt; connect again'),
    })
    this.loaded = this.#working(() => this.#content.load())
  }

  /** Counts a member in. From now on it gets every update that becomes durable. */
  join(member: Member, entrant: Entrant): void {
    this.#members.set(member, entrant)
  }

  /** Counts a member out, and tells the others that the one whom it brought has gone. */
  leave(member: Member): void {
    const entrant = this.#members.get(member)
    if (entrant === undefined) return
    this.#members.delete(member)
    const removal = this.#presence.leave(entrant)
    if (removal !== undefined) this.#outgoing.add(encodeAwareness(removal), member)
    this.#dropIfCold()
  }

  /** Greets a member: the relay's step 1, so that it sends what the log lacks, and who is here. */
  greet(member: Member): void {
    this.askForMissing(member)
    this.sendPresence(member)
  }

  /** Asks a member for all that the log lacks. */
  askForMissing(member: Member): void {
    this.#answer(member, encodeSync(SyncType.step1, this.#content.stateVector))
  }

  /** Tells a member who is here. */
  sendPresence(member: Member): void {
    const states = this.#presence.all()
    if (states !== undefined) this.#answer(member, encodeAwareness(states))
  }

  /** Sends a member what its state vector lacks, at least an empty step 2. */
  sendMissing(member: Member, stateVector: Uint8Array): Promise<void> {
    return this.#working(async () => {
      const known = this.#content.known(stateVector)
      const frames = await this.#withReading((reading) => this.#answers.frames(reading, known))
      for (const bytes of frames) {
        const frame = this.#answerFrame.get(bytes) ?? new RoomFrame(this.number, bytes)
        this.#answerFrame.set(bytes, frame)
        if (this.#members.has(member)) member.answer(frame)
      }
    })
  }

  /** Judges an update; nothing is stored yet. One that is accepted has to be appended. */
  judge(update: Uint8Array, entrant: Entrant, isAnswer: boolean): Verdict {
    const { subject } = entrant
    const verdict = this.#content.judge(update, { subject, isAnswer, mayWrite: entrant.access() === 'write' })
    if (verdict.kind === 'refused') this.#context.onRefused(verdict.refusal, this.document)
    return verdict
  }

  /**
   * Stores an accepted update, then passes it on to the others: what anyone sees of another is durable.
   *
   * @returns Resolves once the update is durable and passed on. Calls finish in order.
   */
  append(sender: Member | undefined, accepted: Extract<Verdict, { kind: 'accepted' }>): Promise<void> {
    this.#work += 1
    this.#outgoing.expect()
    const end = this.#context.begin()
    const appended = this.#content.append(accepted).then(() => {
      this.#tellReading(accepted)
      this.#outgoing.addUpdate(accepted, sender?.isEchoed ? undefined : sender)
      this.#upkeep.afterAppend()
    })
    const done = (): void => {
      end()
      this.#outgoing.arrived()
      this.#workDone()
    }
    appended.then(done, done)
    return appended
  }

  /** Finds a clock under which an update says something else than the document, once all before it is stored. */
  async findFork(update: Uint8Array, overlap: readonly ClockRange[]): Promise<Id | undefined> {
    let fork: Id | undefined
    await this.#working(async () => {
      await this.#content.appended
      fork = await this.#withReading((reading) =>
        findFork(update, overlap, (clocks) => this.#answers.about(reading, clocks)),
      )
    })
    if (fork !== undefined) this.#context.onRefused('forked', this.document)
    return fork
  }

  /** Whether a replica says something else under the same clocks; see {@link Proof}. */
  async differs(digest: Digest): Promise<boolean> {
    const differs = await this.#working(() => this.#proof.differs(digest, this.#content.stateVector))
    if (differs) this.#context.onRefused('forked', this.document)
    return differs
  }

  /** Leases a client id to a member's subject. @returns Whether it may have it. */
  lease(client: number, subject: string): Promise<boolean> {
    let isLeased = false
    const end = this.#context.begin()
    const leased = this.#working(async () => {
      isLeased = await this.#content.lease(client, subject)
    })
    leased.then(end, end)
    return leased.then(() => isLeased)
  }

  /**
   * Takes an awareness update and passes on what is new in it.
   *
   * @throws {@link MerrowError} `invalid_frame` if it cannot be read.
   */
  announce(sender: Member, entrant: Entrant, update: Uint8Array): void {
    const news = this.#presence.receive(entrant, update, (client) => this.#mayUse(client, entrant))
    if (news !== undefined) this.#outgoing.add(encodeAwareness(news), sender)
  }

  /** Does something with the loaded room, which stays the document's only one meanwhile, members or not. */
  hold<T>(task: () => Promise<T>): Promise<T> {
    return this.#working(async () => {
      await this.loaded
      return task()
    })
  }

  /** Stores an update of the relay's own and passes it on to all. @throws {@link MerrowError} `unsupported` if the guard refuses it. */
  async write(update: Uint8Array): Promise<void> {
    const verdict = this.#content.judge(update, { subject: undefined, isAnswer: true, mayWrite: true })
    if (verdict.kind === 'nothing') return
    if (verdict.kind === 'accepted') return this.append(undefined, verdict)
    throw new MerrowError('unsupported', `Cannot write to document "${this.document}": ${verdict.reason}.`)
  }

  /** Reads the log, without updates that break the document. */
  read(): Promise<LogContent> {
    return this.#content.read()
  }

  /** Members, and what the log holds after the snapshot, as far as this room has counted. */
  get figures(): { readonly members: number; readonly tailUpdates: number; readonly tailBytes: number } {
    const { updates, bytes } = this.#content.tail
    return { members: this.#members.size, tailUpdates: updates, tailBytes: bytes }
  }

  /** Ends all memberships; the code is a WebSocket close code. Who comes back is answered from the log. */
  close(code: number, reason: string): void {
    this.#reading = undefined
    for (const member of [...this.#members.keys()]) member.close(code, reason)
  }

  /** Counts off what a snapshot has taken out of the log's tail, whoever asked for it. */
  noteTaken(taken: Taken): void {
    this.#content.noteTaken(taken)
    // Its tail is a snapshot now.
    this.#reading = undefined
  }

  /** Makes what the log holds into a snapshot, if its tail is not so short that nothing would be won. */
  async snapshotNow(): Promise<void> {
    await this.loaded
    await this.#upkeep.snapshotNow()
  }

  /** Who shows a client id to others is leased it first, so that nobody can take it from him. */
  #mayUse(client: number, entrant: Entrant): boolean {
    const { subject } = entrant
    if (subject === undefined) return true
    if (this.#content.isHeldByAnother(client, subject)) return false
    if (entrant.access() !== 'write') return true
    this.lease(client, subject).catch((error) =>
      this.#context.logger('error', 'cannot store a lease', { document: this.document, ...errorFields(error) }),
    )
    return true
  }

  /** Does something with what the log holds now. One that fails is not used again. */
  async #withReading<T>(use: (reading: Reading) => Promise<T>): Promise<T> {
    const reading = this.#reading ?? this.#read()
    try {
      return await use(reading)
    } catch (error) {
      this.#forget(reading)
      throw error
    }
  }

  /** Whoever asks is a member already, and gets all that is appended from now on. */
  #read(): Reading {
    const { now, after } = this.#context
    const isSought = Math.abs(now() - this.#readAtMs) < SOUGHT_MS
    this.#readAtMs = now()
    const reading = new Reading(this.#content.read())
    this.#reading = reading
    const forget = (): void => this.#forget(reading)
    // A document must not stay in memory for joiners that do not come.
    if (isSought) after(KEPT_MS).then(forget)
    else reading.snapshot.then(() => setImmediate(forget), forget)
    return reading
  }

  #tellReading(accepted: Extract<Verdict, { kind: 'accepted' }>): void {
    this.#reading?.append(accepted)
    if (this.#reading?.isLong) this.#reading = undefined
  }

  #forget(reading: Reading): void {
    if (this.#reading === reading) this.#reading = undefined
  }

  #answer(member: Member, bytes: Uint8Array): void {
    if (this.#members.has(member)) member.answer(new RoomFrame(this.number, bytes))
  }

  async #working<T>(task: () => Promise<T>): Promise<T> {
    this.#work += 1
    try {
      return await task()
    } finally {
      this.#workDone()
    }
  }

  #workDone(): void {
    this.#work -= 1
    this.#dropIfCold()
  }

  #dropIfCold(): void {
    if (this.#members.size === 0 && this.#work === 0) this.#context.onCold(this)
  }
}

// One member's side of a room: reads its frames, holds them until the room is loaded, and counts what is durable.
import { MerrowError } from '../../src/errors.ts'
import type { Digest } from '../../src/sync/digest.js'
import { CloseCode } from '../../src/sync/wire.ts'
import type { ClockRange } from '../guard/vector.ts'
import type { Refusal, Verdict } from '../guard/verdict.ts'
import { errorFields, type Logger } from '../logger.ts'
import { Acknowledgements } from './acknowledgements.ts'
import { decodeFrame, type Frame } from './frame.ts'
import type { Entrant, Member } from './member.ts'
import { MAX_AWARENESS_BYTES } from './presence.ts'
import { Requests } from './requests.ts'
import type { Room } from './room.ts'

/** Bounds of one membership. */
export interface MembershipOptions {
  /** Largest frame, and most bytes that wait for the room to load. */
  readonly maxFrameBytes: number
  readonly logger: Logger
  /** Whether frames are ignored now, for the relay is about to end. */
  readonly isDraining: () => boolean
}

/** Transient: the client tries again, and the handshake then brings what is missing. */
const INTERNAL_ERROR = 1011
/** Transient too: what is missing, or whose client id it is, may be settled by others meanwhile. */
const POLICY_VIOLATION = 1008
/** All memberships share these states. */
const JOINED = { kind: 'joined' } as const
const OVER = { kind: 'over' } as const

/** Frames that came before the room was loaded. */
interface Waiting {
  readonly kind: 'waiting'
  readonly frames: Uint8Array[]
  bytes: number
}

/** A member in its room. Over once either side ends it; what comes later is ignored. */
export class Membership {
  readonly #room: Room
  readonly #member: Member
  readonly #entrant: Entrant
  readonly #options: MembershipOptions
  /** Made once it writes: most only read. */
  #acknowledgements: Acknowledgements | undefined
  #state: Waiting | typeof JOINED | typeof OVER
  #requests: Requests | undefined

  constructor(room: Room, member: Member, entrant: Entrant, options: MembershipOptions) {
    this.#room = room
    this.#member = member
    this.#entrant = entrant
    this.#options = options
    this.#state = { kind: 'waiting', frames: [], bytes: 0 }
    // Before the log is read, so that no update falls between reading it and listening.
    room.join(member, entrant)
    room.loaded.then(
      () => this.#enter(),
      (error) => this.#failed('load', error),
    )
  }

  /** Number of the room. */
  get room(): number {
    return this.#room.number
  }

  /** Takes one stock frame from the member. */
  receive(frame: Uint8Array): void {
    const state = this.#state
    if (state.kind === 'over' || this.#options.isDraining()) return
    if (frame.length > this.#options.maxFrameBytes) this.#end(CloseCode.tooLarge, 'frame too large')
    else if (state.kind === 'joined') this.#read(frame)
    else this.#wait(state, frame)
  }

  /** Takes a digest of what the member's replica says. One that differs under the same clocks ends the membership: it is no copy of this document. */
  prove(digest: Digest): void {
    if (this.#state.kind !== 'joined') return
    this.#room.differs(digest).then(
      (differs) => {
        if (differs) this.#refuse('forked', 'this replica says something else under the same clocks')
      },
      (error) => {
        // A relay that ends takes its worker along; the replica proves itself at the next one.
        if (this.#options.isDraining()) return
        const { document } = this.#room
        this.#options.logger('warn', 'cannot compare a replica', { document, ...errorFields(error) })
      },
    )
  }

  /** Ends the membership from the member's side. */
  leave(): void {
    if (this.#state.kind === 'over') return
    this.#state = OVER
    this.#room.leave(this.#member)
  }

  /** Ends it from the relay's side, for its token no longer allows it. */
  forbid(): void {
    this.#end(CloseCode.forbidden, 'the token does not allow this document')
  }

  #wait(state: Waiting, frame: Uint8Array): void {
    state.bytes += frame.length
    if (state.bytes > this.#options.maxFrameBytes) this.#end(CloseCode.tooLarge, 'too many bytes at once')
    else state.frames.push(frame)
  }

  /** Nobody writes under a client id before it is his own, durably. */
  #enter(): void {
    const { client, subject } = this.#entrant
    if (client === undefined || subject === undefined || this.#entrant.access() !== 'write') return this.#joined()
    this.#room.lease(client, subject).then(
      (isLeased) => (isLeased ? this.#joined() : this.#end(CloseCode.clientTaken, `client id ${client} is taken`)),
      (error) => this.#failed('lease', error),
    )
  }

  #joined(): void {
    if (this.#state.kind !== 'waiting') return
    const { frames } = this.#state
    this.#state = JOINED
    this.#room.greet(this.#member)
    for (const frame of frames) this.receive(frame)
  }

  #read(bytes: Uint8Array): void {
    try {
      if (this.#entrant.access() === 'none') this.forbid()
      else this.#act(decodeFrame(bytes))
    } catch (error) {
      this.#refuse('malformed', error instanceof Error ? error.message : String(error))
    }
  }

  #act(frame: Frame): void {
    switch (frame.kind) {
      case 'step1':
        this.#room.sendMissing(this.#member, frame.stateVector).catch((error) => this.#failed('read', error))
        break
      case 'update':
        this.#take(frame.update, frame.isAnswer)
        break
      case 'awareness':
        if (frame.update.length > MAX_AWARENESS_BYTES) this.#end(CloseCode.tooLarge, 'awareness too large')
        else this.#room.announce(this.#member, this.#entrant, frame.update)
        break
      case 'queryAwareness':
        this.#room.sendPresence(this.#member)
        break
    }
  }

  #take(update: Uint8Array, isAnswer: boolean): void {
    const verdict = this.#room.judge(update, this.#entrant, isAnswer)
    switch (verdict.kind) {
      case 'nothing':
        return this.#settle(this.#unforked(update, verdict.overlap), isAnswer)
      case 'missing':
        return this.#requestMissing(verdict.reason, isAnswer)
      case 'refused':
        return this.#refuse(verdict.refusal, verdict.reason)
      case 'accepted':
        return this.#settle(this.#appended(update, verdict), isAnswer)
    }
  }

  #appended(update: Uint8Array, accepted: Extract<Verdict, { kind: 'accepted' }>): Promise<void> {
    const appended = this.#room.append(this.#member, accepted)
    if (accepted.overlap.length === 0) return appended
    return Promise.all([appended, this.#unforked(update, accepted.overlap)]).then(() => {})
  }

  /** What is said again must be the same: else it would be acknowledged, and be nowhere. Never resolves if it is not. */
  async #unforked(update: Uint8Array, overlap: readonly ClockRange[]): Promise<void> {
    if (overlap.length === 0) return
    this.#member.costs?.()
    const fork = await this.#room.findFork(update, overlap)
    if (fork === undefined) return
    this.#refuse(
      'forked',
      `client id ${fork.client} has other content at clock ${fork.clock}: two replicas wrote under it`,
    )
    await new Promise(() => {})
  }

  #settle(durable: Promise<void>, isAnswer: boolean): void {
    if (isAnswer) this.#requests?.answered()
    this.#counting()
      .add(durable, isAnswer)
      .catch((error) => this.#failed('append', error))
  }

  #counting(): Acknowledgements {
    this.#acknowledgements ??= new Acknowledgements((count) => {
      if (this.#state.kind === 'joined') this.#member.acknowledge(count)
    })
    return this.#acknowledgements
  }

  /** What builds on something that the relay lacks is not stored; the member's answer will hold it once more. */
  #requestMissing(reason: string, isAnswer: boolean): void {
    this.#requests ??= new Requests()
    const next = this.#requests.next(isAnswer)
    if (next === 'give up') return this.#end(POLICY_VIOLATION, `updates build on what nobody has sent: ${reason}`)
    this.#counting().addMissing()
    if (next === 'ask') this.#room.askForMissing(this.#member)
  }

  #failed(task: string, error: unknown): void {
    if (this.#state.kind === 'over') return
    if (error instanceof MerrowError && error.code === 'invalid_frame') {
      this.#refuse('malformed', error.message)
      return
    }
    if (error instanceof MerrowError && error.code === 'document_deleted') {
      this.#end(CloseCode.deleted, 'the document was deleted')
      return
    }
    this.#options.logger('error', `cannot ${task}`, { document: this.#room.document, ...errorFields(error) })
    this.#end(INTERNAL_ERROR, `the relay could not ${task}; try again`)
  }

  #refuse(refusal: Refusal, reason: string): void {
    const { document } = this.#room
    this.#options.logger('warn', 'bad frame', { document, refusal, reason, subject: this.#entrant.subject })
    this.#end(CODES[refusal], reason)
  }

  #end(code: number, reason: string): void {
    if (this.#state.kind === 'over') return
    this.leave()
    this.#member.close(code, reason)
  }
}

const CODES: Readonly<Record<Refusal, number>> = {
  malformed: CloseCode.badFrame,
  impossible: CloseCode.badFrame,
  shape: CloseCode.badFrame,
  broken: CloseCode.badFrame,
  read_only: CloseCode.forbidden,
  forked: CloseCode.forked,
  too_large: CloseCode.tooLarge,
  // Its holder may bring the same writes, and then they are known.
  foreign_client: POLICY_VIOLATION,
}

// One member's side of a room: reads its frames, holds them until the room is loaded, and counts what is durable.
import { MerrowError } from '../../src/errors.ts'
import { CloseCode } from '../../src/sync/wire.ts'
import { errorFields, type Logger } from '../logger.ts'
import { isEmptyUpdate } from './answer.ts'
import { decodeFrame, type Frame } from './frame.ts'
import type { Member } from './member.ts'
import { MAX_AWARENESS_BYTES } from './presence.ts'
import type { Room } from './room.ts'
import { rangesOf } from './vector.ts'

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
  readonly #options: MembershipOptions
  #state: Waiting | { readonly kind: 'joined' } | { readonly kind: 'over' }
  #lastAppend: Promise<void> = Promise.resolve()
  #durable = 0
  #isAckDue = false

  constructor(room: Room, member: Member, options: MembershipOptions) {
    this.#room = room
    this.#member = member
    this.#options = options
    this.#state = { kind: 'waiting', frames: [], bytes: 0 }
    // Before the log is read, so that no update falls between reading it and listening.
    room.join(member)
    room.loaded.then(
      () => this.#joined(),
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

  /** Ends the membership from the member's side. */
  leave(): void {
    if (this.#state.kind === 'over') return
    this.#state = { kind: 'over' }
    this.#room.leave(this.#member)
  }

  #wait(state: Waiting, frame: Uint8Array): void {
    state.bytes += frame.length
    if (state.bytes > this.#options.maxFrameBytes) this.#end(CloseCode.tooLarge, 'too many bytes at once')
    else state.frames.push(frame)
  }

  #joined(): void {
    if (this.#state.kind !== 'waiting') return
    const { frames } = this.#state
    this.#state = { kind: 'joined' }
    this.#room.greet(this.#member)
    for (const frame of frames) this.receive(frame)
  }

  #read(bytes: Uint8Array): void {
    try {
      this.#act(decodeFrame(bytes))
    } catch (error) {
      this.#refuse(error)
    }
  }

  #act(frame: Frame): void {
    switch (frame.kind) {
      case 'step1':
        this.#room.sendMissing(this.#member, frame.stateVector).catch((error) => this.#failed('read', error))
        break
      case 'update':
        this.#append(frame.update)
        break
      case 'awareness':
        if (frame.update.length > MAX_AWARENESS_BYTES) this.#end(CloseCode.tooLarge, 'awareness too large')
        else this.#room.announce(this.#member, frame.update)
        break
      case 'queryAwareness':
        this.#room.sendPresence(this.#member)
        break
    }
  }

  #append(update: Uint8Array): void {
    // An empty one waits for those before it: the count that is acknowledged is of the first frames, in order.
    if (!isEmptyUpdate(update)) this.#lastAppend = this.#room.append(this.#member, update, rangesOf(update))
    this.#lastAppend.then(
      () => this.#acknowledgeOne(),
      (error) => this.#failed('append', error),
    )
  }

  #acknowledgeOne(): void {
    this.#durable += 1
    if (this.#isAckDue) return
    this.#isAckDue = true
    // Appends of one commit resolve together; one message tells of all.
    queueMicrotask(() => {
      this.#isAckDue = false
      if (this.#state.kind === 'joined') this.#member.acknowledge(this.#durable)
    })
  }

  #failed(task: string, error: unknown): void {
    if (this.#state.kind === 'over') return
    if (error instanceof MerrowError && error.code === 'invalid_frame') {
      this.#refuse(error)
      return
    }
    if (error instanceof MerrowError && error.code === 'document_deleted') {
      this.#end(CloseCode.deleted, 'the document was deleted')
      return
    }
    this.#options.logger('error', `cannot ${task}`, { document: this.#room.document, ...errorFields(error) })
    this.#end(INTERNAL_ERROR, `the relay could not ${task}; try again`)
  }

  #refuse(error: unknown): void {
    const reason = error instanceof Error ? error.message : String(error)
    this.#options.logger('warn', 'bad frame', { document: this.#room.document, ...errorFields(error) })
    this.#end(CloseCode.badFrame, reason)
  }

  #end(code: number, reason: string): void {
    if (this.#state.kind === 'over') return
    this.leave()
    this.#member.close(code, reason)
  }
}

// One channel of a shared socket: puts the parts of long frames together and speaks to the room for it.
import type { Digest } from '../../../src/sync/digest.js'
import { CloseCode, encodeMessage, FrameType, SyncType } from '../../../src/sync/wire.ts'
import type { Hub } from '../../room/hub.ts'
import type { Member, RoomBatch, RoomFrame } from '../../room/member.ts'
import type { Membership } from '../../room/membership.ts'
import type { Intake } from './intake.ts'
import type { Sending } from './outlet.ts'
import { sharedBatch, sharedPackets } from './packets.ts'
import type { Session } from './sessions.ts'

/** Bytes of unfinished frames, counted for all channels of a connection together. */
export interface PartBudget {
  bytes: number
  readonly maxBytes: number
}

/** How a {@link Channel} is set up. */
export interface ChannelOptions {
  readonly hub: Hub
  readonly outlet: Sending
  readonly budget: PartBudget
  /** Client id that the channel's writes will stand under, if it was announced. */
  readonly client: number | undefined
  readonly session: Session
  /** Counts presence, and what makes the relay read a document. */
  readonly intake: Pick<Intake, 'presence' | 'question'>
  /** Whether the connection asks for a document that it has asked for before. */
  readonly isAskingAgain: (document: string) => boolean
  /** Called when the relay ends the channel, with the close code. */
  readonly onEnd: (code: number) => void
}

/** One document on a shared socket. */
export class Channel implements Member {
  readonly number: number
  readonly document: string
  readonly #options: ChannelOptions
  readonly #membership: Membership
  #parts: Uint8Array[] = []

  constructor(number: number, document: string, options: ChannelOptions) {
    this.number = number
    this.document = document
    this.#options = options
    const { session, client } = options
    this.#membership = options.hub.join(document, this, {
      subject: session.subject,
      client,
      access: () => session.access(document),
    })
    options.outlet.send(encodeMessage({ kind: 'opened', channel: number, room: this.#membership.room }))
  }

  /** Takes a piece of a frame that is not the last. */
  part(bytes: Uint8Array): void {
    const { budget } = this.#options
    this.#parts.push(bytes)
    budget.bytes += bytes.length
    if (budget.bytes > budget.maxBytes) this.close(CloseCode.tooLarge, `a frame is longer than ${budget.maxBytes} B`)
  }

  /** Takes a whole frame, or the last piece of one. */
  frame(bytes: Uint8Array): void {
    const whole = this.#parts.length === 0 ? bytes : Buffer.concat([...this.#parts, bytes])
    this.#forgetParts()
    const { intake, isAskingAgain } = this.#options
    if (whole[0] === FrameType.awareness) intake.presence()
    const isQuestion = whole[0] === FrameType.sync && whole[1] === SyncType.step1
    if (isQuestion && isAskingAgain(this.document)) intake.question()
    this.#membership.receive(whole)
  }

  /** Takes a digest of what the client's replica says; comparing it may cost a reading of the document. */
  prove(digest: Digest): void {
    this.#options.intake.question()
    this.#membership.prove(digest)
  }

  /** Ends it if its session no longer allows its document. */
  recheck(): void {
    if (this.#options.session.access(this.document) === 'none') this.#membership.forbid()
  }

  /** Ends the channel from the client's side. */
  leave(): void {
    this.#forgetParts()
    this.#membership.leave()
  }

  /** @inheritDoc */
  broadcast(batch: RoomBatch): void {
    this.#options.outlet.broadcast(sharedBatch(batch))
  }

  /** @inheritDoc */
  answer(frame: RoomFrame): void {
    this.#options.outlet.answer(sharedPackets(frame))
  }

  /** @inheritDoc */
  costs(): void {
    this.#options.intake.question()
  }

  /** @inheritDoc */
  acknowledge(count: number): void {
    this.#options.outlet.send(encodeMessage({ kind: 'ack', channel: this.number, count }))
  }

  /** @inheritDoc */
  close(code: number, reason: string): void {
    this.leave()
    this.#options.onEnd(code)
    this.#options.outlet.send(encodeMessage({ kind: 'close', channel: this.number, code, reason }))
  }

  #forgetParts(): void {
    for (const part of this.#parts) this.#options.budget.bytes -= part.length
    this.#parts = []
  }
}

// The channels of one shared socket: which documents it may open, and how many.
import { CloseCode } from '../../../src/sync/wire.ts'
import type { Hub } from '../../room/hub.ts'
import { Channel, type PartBudget } from './channel.ts'
import type { SocketContext, SocketLimits } from './context.ts'
import { type Intake, isRefusal } from './intake.ts'
import type { Sending } from './outlet.ts'
import type { Session } from './sessions.ts'

/** Why a channel is not opened, as it is told to the client. */
export interface OpenFault {
  readonly code: number
  readonly reason: string
}

/** All channels of one connection. */
export class Channels {
  readonly #open = new Map<number, Channel>()
  readonly #hub: Hub
  readonly #outlet: Sending
  readonly #limits: SocketLimits
  readonly #session: Session
  readonly #budget: PartBudget
  readonly #intake: Pick<Intake, 'fault' | 'presence' | 'question' | 'refusal'>
  /** Documents that were asked for; a channel that is opened again does not make a question a first one. */
  readonly #asked = new Set<string>()
  #opened = 0
  #refused = 0

  /** @param intake - Counts what is refused, presence, and what makes the relay read a document. */
  constructor(
    { hub, limits }: Pick<SocketContext, 'hub' | 'limits'>,
    outlet: Sending,
    session: Session,
    intake: Pick<Intake, 'fault' | 'presence' | 'question' | 'refusal'>,
  ) {
    this.#intake = intake
    this.#hub = hub
    this.#outlet = outlet
    this.#limits = limits
    this.#session = session
    this.#budget = { bytes: 0, maxBytes: limits.maxUpdateBytes }
  }

  /** Channels that were refused or closed by the relay, beyond every second one: an honest client stops soon. */
  get faults(): number {
    return this.#refused - this.#opened / 2
  }

  /**
   * Opens a channel.
   *
   * @param client - Client id that its writes will stand under, if it was announced.
   * @returns Why not, if it may not be.
   */
  open(number: number, document: string, client: number | undefined): OpenFault | undefined {
    const fault = this.#fault(number, document)
    this.#opened += 1
    if (fault !== undefined) {
      // Whoever asks for what the token does not allow is slowed down, and no more.
      if (fault.code === CloseCode.forbidden) this.#intake.fault()
      else this.#noteRefused(fault.code)
      return fault
    }
    const channel = new Channel(number, document, {
      hub: this.#hub,
      outlet: this.#outlet,
      budget: this.#budget,
      client,
      session: this.#session,
      intake: this.#intake,
      isAskingAgain: (asked) => this.#isAskingAgain(asked),
      onEnd: (code) => {
        this.#noteRefused(code)
        this.#open.delete(number)
      },
    })
    this.#open.set(number, channel)
    return undefined
  }

  /** The channel, unless it was never opened or is closed already. */
  get(number: number): Channel | undefined {
    return this.#open.get(number)
  }

  /** Ends a channel from the client's side. */
  leave(number: number): void {
    this.#open.get(number)?.leave()
    this.#open.delete(number)
  }

  /** Ends those that the session, which was renewed, no longer allows. */
  recheck(): void {
    for (const channel of [...this.#open.values()]) channel.recheck()
  }

  /** Ends all of them. */
  leaveAll(): void {
    for (const channel of this.#open.values()) channel.leave()
    this.#open.clear()
  }

  /** Whoever asks for more documents than may be open at once is no longer counted apart. */
  #isAskingAgain(document: string): boolean {
    if (this.#asked.has(document) || this.#asked.size >= this.#limits.maxDocuments) return true
    this.#asked.add(document)
    return false
  }

  #noteRefused(code: number): void {
    this.#refused += 1
    if (isRefusal(code)) this.#intake.refusal()
    else this.#intake.fault()
  }

  #fault(number: number, document: string): OpenFault | undefined {
    const bad = (reason: string): OpenFault => ({ code: CloseCode.badFrame, reason })
    if (!this.#hub.isName(document)) return bad('not a document name')
    if (this.#session.access(document) === 'none')
      return { code: CloseCode.forbidden, reason: 'the token does not allow this document' }
    if (this.#open.has(number)) return bad(`channel ${number} is open already`)
    for (const channel of this.#open.values()) {
      // The room number tells the client which channel a frame is for, so a document has one channel.
      if (channel.document === document) return bad('document is open already')
    }
    const { maxDocuments } = this.#limits
    if (this.#open.size < maxDocuments) return undefined
    return { code: CloseCode.tooLarge, reason: `more than ${maxDocuments} documents on one connection` }
  }
}

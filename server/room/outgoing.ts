// What a room sends to all its members: gathered for one turn, and sent to each in one piece. Knows members and frames, no log.
import { type Member, RoomBatch, RoomFrame } from './member.ts'

interface Sent {
  readonly frame: RoomFrame
  readonly except: Member | undefined
}

/** The sending side of one room. */
export class Outgoing {
  readonly #room: number
  readonly #members: ReadonlyMap<Member, unknown>
  #waiting: Sent[] = []

  /** @param room - Number of the room. @param members - Those who are in it, whenever something is sent. */
  constructor(room: number, members: ReadonlyMap<Member, unknown>) {
    this.#room = room
    this.#members = members
  }

  /** Sends a stock frame to all but one. What becomes durable in one commit goes out together: to a thousand members the calls to send cost more than the bytes. */
  add(bytes: Uint8Array, except?: Member): void {
    if (this.#members.size === 0) return
    const isFirst = this.#waiting.push({ frame: new RoomFrame(this.#room, bytes), except }) === 1
    if (isFirst) process.nextTick(() => this.#send())
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    const authors = new Set(waiting.map(({ except }) => except))
    const batch = new RoomBatch(waiting.map(({ frame }) => frame))
    for (const member of this.#members.keys()) {
      if (authors.has(member)) this.#sendOthers(member, waiting)
      else member.broadcast(batch)
    }
  }

  #sendOthers(author: Member, waiting: readonly Sent[]): void {
    const frames = waiting.filter(({ except }) => except !== author).map(({ frame }) => frame)
    if (frames.length > 0) author.broadcast(new RoomBatch(frames))
  }
}

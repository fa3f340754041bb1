// What a room sends to all its members: gathered for one turn, in a large room for what follows at once, and sent to each in one piece. Knows members and frames, no log.
import { SyncType } from '../../src/sync/wire.ts'
import { combined, type Part } from './combine.ts'
import { encodeSync } from './frame.ts'
import { type Member, RoomBatch, RoomFrame } from './member.ts'

interface Sent {
  /** By itself, for those who do not get all. */
  readonly frame: () => RoomFrame
  /** The update in it, if it is one. */
  readonly part: Part | undefined
  readonly except: Member | undefined
}

/** Sending to so many takes about a millisecond, and that long a room may wait for what would go out right after it. */
const MEMBERS_A_MS = 100
/** In a smaller room nothing waits. */
const LEAST_MEMBERS = 50

/** The sending side of one room. */
export class Outgoing {
  readonly #room: number
  readonly #members: ReadonlyMap<Member, unknown>
  readonly #after: (ms: number) => Promise<void>
  #waiting: Sent[] = []
  #expected = 0
  #isHeld = false

  /**
   * @param room - Number of the room. @param members - Those who are in it, whenever something is sent.
   * @param after - Resolves after so many milliseconds.
   */
  constructor(room: number, members: ReadonlyMap<Member, unknown>, after: (ms: number) => Promise<void>) {
    this.#room = room
    this.#members = members
    this.#after = after
  }

  /** An update is on its way to the disk. In a large room what is durable before it waits for it, about as long as sending would take. */
  expect(): void {
    this.#expected += 1
  }

  /** One that was expected has been added, or is not to come. */
  arrived(): void {
    this.#expected -= 1
    if (this.#expected === 0 && this.#isHeld) this.#sendSoon()
  }

  /**
   * Sends an update to all but one. What becomes durable in one commit goes out together, as one update: to a thousand members the calls
   * to send cost more than the bytes, and each of them integrates it at once.
   */
  addUpdate(part: Part, except?: Member): void {
    let frame: RoomFrame | undefined
    const alone = (): RoomFrame => {
      frame ??= this.#updateFrame(part.update)
      return frame
    }
    this.#add({ frame: alone, part, except })
  }

  /** Sends a frame that is no update to all but one. */
  add(bytes: Uint8Array, except?: Member): void {
    const frame = new RoomFrame(this.#room, bytes)
    this.#add({ frame: () => frame, part: undefined, except })
  }

  #add(sent: Sent): void {
    if (this.#members.size === 0) return
    const isFirst = this.#waiting.push(sent) === 1
    if (isFirst) this.#sendSoon()
  }

  #sendSoon(): void {
    process.nextTick(() => {
      if (this.#expected === 0 || this.#members.size < LEAST_MEMBERS) this.#send()
      else if (!this.#isHeld) this.#hold()
    })
  }

  #hold(): void {
    this.#isHeld = true
    const held = this.#waiting
    void this.#after(this.#members.size / MEMBERS_A_MS).then(() => {
      if (held === this.#waiting) this.#send()
    })
  }

  #send(): void {
    const waiting = this.#waiting
    this.#waiting = []
    this.#isHeld = false
    const [first] = waiting
    // Nothing, if the time it was given and what it waited for came at once.
    if (first === undefined) return
    if (waiting.length === 1) this.#sendOne(first)
    else this.#sendAll(waiting)
  }

  #sendOne({ frame, except }: Sent): void {
    const batch = new RoomBatch([frame()])
    for (const member of this.#members.keys()) if (member !== except) member.broadcast(batch)
  }

  #sendAll(waiting: readonly Sent[]): void {
    const authors = new Set(waiting.map(({ except }) => except))
    let whole: RoomBatch | undefined
    for (const member of this.#members.keys()) {
      if (authors.has(member)) this.#sendOthers(member, waiting)
      else {
        whole ??= this.#wholeOf(waiting)
        member.broadcast(whole)
      }
    }
  }

  /** Updates first: presence may speak of what they bring. */
  #wholeOf(waiting: readonly Sent[]): RoomBatch {
    const parts = waiting.flatMap(({ part }) => part ?? [])
    const updates = parts.length === 0 ? [] : combined(parts)
    const others = waiting.filter(({ part }) => part === undefined)
    return new RoomBatch([...updates.map((update) => this.#updateFrame(update)), ...others.map(({ frame }) => frame())])
  }

  /** Each author lacks others, so what they get is not put together anew for each. */
  #sendOthers(author: Member, waiting: readonly Sent[]): void {
    const frames = waiting.filter(({ except }) => except !== author).map(({ frame }) => frame())
    if (frames.length > 0) author.broadcast(new RoomBatch(frames))
  }

  #updateFrame(update: Uint8Array): RoomFrame {
    return new RoomFrame(this.#room, encodeSync(SyncType.update, update))
  }
}

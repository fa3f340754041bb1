// Who is here: the last awareness state of each client in a room, in the y-protocols encoding. Never stored.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { MerrowError } from '../../src/errors.ts'
import { MAX_CLIENT, MAX_CLOCK } from '../guard/update.ts'

/** Most clients whose states one room keeps; those beyond are not passed on. */
const MAX_PRESENT = 1000
/** Largest awareness update that is read, in bytes. */
export const MAX_AWARENESS_BYTES = 64 * 1024

/** Most states in one awareness update; stock clients also echo those of others. */
const MAX_ENTRIES = 2000
/** An honest clock grows by one a change; one far ahead would keep its client from ever being heard again. */
const MAX_CLOCK_JUMP = 10_000

interface Entry {
  readonly client: number
  readonly clock: number
  /** JSON; `null` says that the client has gone. */
  readonly state: string
}

interface Present extends Entry {
  /** Who brought it, and takes it along when leaving. */
  readonly owner: PresenceOwner
}

/** Who may bring one state: a member of the room. */
export interface PresenceOwner {
  readonly subject: string | undefined
  /** The client id that it announced, if it did. */
  readonly client?: number | undefined
}

/** The awareness states of one room, each bound to the member that brought it. */
export class Presence {
  readonly #present = new Map<number, Present>()
  /** The one client id that each member speaks for. */
  readonly #homes = new Map<PresenceOwner, number>()

  /**
   * Takes an awareness update from a member. A member speaks for one client id: the one it announced, else the first that it brings
   * alone. What it says of others is passed over, since stock clients echo what they hear.
   *
   * @param mayUse - Whether the member may speak for a client id.
   * @returns What the others have to be sent; `undefined` if it says nothing new.
   * @throws {@link MerrowError} `invalid_frame` if it cannot be read, or a clock is too far ahead.
   */
  receive(owner: PresenceOwner, update: Uint8Array, mayUse: (client: number) => boolean): Uint8Array | undefined {
    const entries = decodeEntries(update)
    const [first] = entries
    if (entries.length === 1 && first !== undefined && !this.#homes.has(owner)) this.#claim(owner, first, mayUse)
    const home = this.#homes.get(owner)
    const news = entries.filter((entry) => entry.client === home && this.#take(owner, entry))
    if (news.length === 0) return undefined
    return news.length === entries.length ? update : encodeEntries(news)
  }

  /** Forgets the state that `owner` brought. @returns Its removal, if there was one. */
  leave(owner: PresenceOwner): Uint8Array | undefined {
    const home = this.#homes.get(owner)
    this.#homes.delete(owner)
    const present = home === undefined ? undefined : this.#present.get(home)
    if (present?.owner !== owner) return undefined
    this.#present.delete(present.client)
    // The same clock, not the next: the client may come back with the clock it had, and must not be older than its own removal.
    return encodeEntries([{ ...present, state: 'null' }])
  }

  /** All states as one awareness update; `undefined` if nobody is here. */
  all(): Uint8Array | undefined {
    return this.#present.size === 0 ? undefined : encodeEntries([...this.#present.values()])
  }

  #claim(owner: PresenceOwner, { client, state }: Entry, mayUse: (client: number) => boolean): void {
    if (state === 'null' || (owner.client !== undefined && owner.client !== client)) return
    const known = this.#present.get(client)
    // The same user on a new connection, before the relay has noticed that the former one is dead.
    if ((known === undefined || known.owner.subject === owner.subject) && mayUse(client)) this.#homes.set(owner, client)
  }

  #take(owner: PresenceOwner, entry: Entry): boolean {
    const known = this.#present.get(entry.client)
    if (known !== undefined && entry.clock > known.clock + MAX_CLOCK_JUMP)
      throw new MerrowError('invalid_frame', `A presence jumps from clock ${known.clock} to ${entry.clock}.`)
    const isNews =
      known === undefined || entry.clock > known.clock || (entry.clock === known.clock && entry.state === 'null')
    if (known !== undefined && entry.clock >= known.clock) this.#present.set(entry.client, { ...known, owner })
    if (!isNews) return false
    if (entry.state === 'null') return this.#present.delete(entry.client)
    if (known === undefined && this.#present.size >= MAX_PRESENT) return false
    this.#present.set(entry.client, { ...entry, owner })
    return true
  }
}

const decodeEntries = (update: Uint8Array): readonly Entry[] => {
  try {
    const decoder = decoding.createDecoder(update)
    const count = decoding.readVarUint(decoder)
    if (count > MAX_ENTRIES) throw new Error(`it has ${count} states`)
    const entries: Entry[] = []
    for (let at = 0; at < count; at++) entries.push(readEntry(decoder))
    if (decoding.hasContent(decoder)) throw new Error('bytes are left over')
    return entries
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MerrowError('invalid_frame', `An awareness update of ${update.length} B cannot be read: ${reason}.`, {
      cause,
    })
  }
}

const readEntry = (decoder: decoding.Decoder): Entry => {
  const client = decoding.readVarUint(decoder)
  const clock = decoding.readVarUint(decoder)
  const state = decoding.readVarString(decoder)
  if (client > MAX_CLIENT || clock > MAX_CLOCK) throw new Error(`client ${client} at clock ${clock}`)
  // A client throws on what is no JSON, so it must not get that far.
  if (typeof JSON.parse(state) !== 'object') throw new Error('a state is no object')
  return { client, clock, state }
}

const encodeEntries = (entries: readonly Entry[]): Uint8Array => {
  const encoder = encoding.createEncoder()
  encoding.writeVarUint(encoder, entries.length)
  for (const { client, clock, state } of entries) {
    encoding.writeVarUint(encoder, client)
    encoding.writeVarUint(encoder, clock)
    encoding.writeVarString(encoder, state)
  }
  return encoding.toUint8Array(encoder)
}

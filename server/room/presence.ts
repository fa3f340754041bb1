// Who is here: the last awareness state of each client in a room, in the y-protocols encoding. Never stored.
import * as decoding from 'lib0/decoding'
import * as encoding from 'lib0/encoding'
import { MerrowError } from '../../src/errors.ts'

/** Most clients whose states one room keeps; those beyond are not passed on. */
const MAX_PRESENT = 1000
/** Largest awareness update that is read, in bytes. */
export const MAX_AWARENESS_BYTES = 64 * 1024

interface Entry {
  readonly client: number
  readonly clock: number
  /** JSON; `null` says that the client has gone. */
  readonly state: string
}

interface Present extends Entry {
  /** Who brought it last, and takes it along when leaving. */
  readonly owner: object
}

/** The awareness states of one room. */
export class Presence {
  readonly #present = new Map<number, Present>()

  /**
   * Takes an awareness update from a member.
   *
   * @returns What the others have to be sent; `undefined` if it says nothing new.
   * @throws {@link MerrowError} `invalid_frame` if it cannot be read.
   */
  receive(owner: object, update: Uint8Array): Uint8Array | undefined {
    const entries = decodeEntries(update)
    const news = entries.filter((entry) => this.#take(owner, entry))
    if (news.length === 0) return undefined
    return news.length === entries.length ? update : encodeEntries(news)
  }

  /** Forgets the states that `owner` brought last. @returns Their removal, if there were any. */
  leave(owner: object): Uint8Array | undefined {
    const gone = [...this.#present.values()].filter((present) => present.owner === owner)
    for (const { client } of gone) this.#present.delete(client)
    // The same clock, not the next: the client may come back with the clock it had, and must not be older than its own removal.
    return gone.length === 0 ? undefined : encodeEntries(gone.map((entry) => ({ ...entry, state: 'null' })))
  }

  /** All states as one awareness update; `undefined` if nobody is here. */
  all(): Uint8Array | undefined {
    return this.#present.size === 0 ? undefined : encodeEntries([...this.#present.values()])
  }

  #take(owner: object, entry: Entry): boolean {
    const known = this.#present.get(entry.client)
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
  // A client throws on what is no JSON, so it must not get that far.
  JSON.parse(state)
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

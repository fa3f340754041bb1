// What a document's log holds, as clocks per client, without loading the document. Knows updates (v1) and their gaps.
import * as Y from 'yjs'
import { MerrowError } from '../../src/errors.ts'

/** Clocks `from` up to and without `to` of one client. */
export interface ClockRange {
  readonly client: number
  readonly from: number
  readonly to: number
}

/** Ranges beyond a gap that one vector remembers; forgetting one only means that a client sends it again. */
const MAX_PENDING = 10_000

/**
 * Reads which clocks an update brings.
 *
 * @throws {@link MerrowError} `invalid_frame` if it cannot be decoded, or would make the document unreadable.
 */
export const rangesOf = (update: Uint8Array): readonly ClockRange[] => {
  try {
    // Not parseUpdateMeta: it counts the gaps inside an update as if they were there, and leaves the deletes unread.
    const { structs } = Y.decodeUpdate(update)
    const ranges: { client: number; from: number; to: number }[] = []
    for (const struct of structs) {
      if (struct.length <= 0) throw new Error('a struct has no length')
      if (struct instanceof Y.Skip) continue
      const { client, clock } = struct.id
      const last = ranges.at(-1)
      if (last?.client === client && last.to === clock) last.to += struct.length
      else ranges.push({ client, from: clock, to: clock + struct.length })
    }
    return ranges
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause)
    throw new MerrowError('invalid_frame', `An update of ${update.length} B cannot be read: ${reason}.`, {
      cause,
    })
  }
}

/**
 * Reads a state vector (v1).
 *
 * @throws {@link MerrowError} `invalid_frame` if it cannot be decoded.
 */
export const decodeVector = (encoded: Uint8Array): ReadonlyMap<number, number> => {
  try {
    return Y.decodeStateVector(encoded)
  } catch (cause) {
    throw new MerrowError('invalid_frame', `A state vector of ${encoded.length} B cannot be read: ${String(cause)}.`, {
      cause,
    })
  }
}

/** A state vector that grows with the updates it is told of. */
export class StateVector {
  #clocks = new Map<number, number>()
  #pending = new Map<number, ClockRange[]>()
  #pendingCount = 0
  /** Asked for by every joiner, and the same until something is counted. */
  #encoded: Uint8Array | undefined

  /** Starts from an encoded state vector (v1). */
  reset(encoded: Uint8Array | undefined): void {
    this.#encoded = undefined
    this.#clocks = encoded === undefined ? new Map() : Y.decodeStateVector(encoded)
    this.#pending.clear()
    this.#pendingCount = 0
  }

  /** The next clock of a client: all before it are counted. */
  clock(client: number): number {
    return this.#clocks.get(client) ?? 0
  }

  /** Whether nothing is counted. */
  get isEmpty(): boolean {
    return this.#clocks.size === 0
  }

  /** Takes over what another vector has counted, and forgets its own. */
  become(other: StateVector): void {
    this.#encoded = undefined
    this.#clocks = new Map(other.#clocks)
    this.#pending = new Map(other.#pending)
    this.#pendingCount = other.#pendingCount
  }

  /** Counts ranges in. One that leaves a gap before it counts only once the gap is filled. */
  add(ranges: readonly ClockRange[]): void {
    for (const range of ranges) {
      const clock = this.#clocks.get(range.client) ?? 0
      if (range.from > clock) this.#hold(range)
      else if (range.to > clock) this.#advance(range.client, range.to)
    }
  }

  /** The vector in Yjs encoding (v1). */
  encode(): Uint8Array {
    this.#encoded ??= Y.encodeStateVector(this.#clocks)
    return this.#encoded
  }

  /**
   * What another vector (v1) says of clients that are counted here: the rest makes no difference to what it lacks.
   *
   * @throws {@link MerrowError} `invalid_frame` if it cannot be decoded.
   */
  known(encoded: Uint8Array): Uint8Array {
    return Y.encodeStateVector(new Map([...decodeVector(encoded)].filter(([client]) => this.#clocks.has(client))))
  }

  /** The part of an update (v1) that is not counted yet, with all its deletes. */
  lacking(update: Uint8Array, clients: Iterable<number>): Uint8Array {
    const clocks = new Map(Array.from(clients, (client) => [client, this.clock(client)]))
    return Y.diffUpdate(update, Y.encodeStateVector(clocks))
  }

  #hold(range: ClockRange): void {
    if (this.#pendingCount >= MAX_PENDING) return
    const held = this.#pending.get(range.client) ?? []
    held.push(range)
    this.#pending.set(range.client, held)
    this.#pendingCount += 1
  }

  #advance(client: number, to: number): void {
    this.#encoded = undefined
    const held = this.#pending.get(client)?.sort((a, b) => a.from - b.from) ?? []
    let clock = to
    let filled = 0
    for (const range of held) {
      if (range.from > clock) break
      clock = Math.max(clock, range.to)
      filled += 1
    }
    this.#clocks.set(client, clock)
    if (filled === 0) return
    this.#pendingCount -= filled
    if (filled === held.length) this.#pending.delete(client)
    else this.#pending.set(client, held.slice(filled))
  }
}

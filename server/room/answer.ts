// What a joiner has to be sent: the part of a log that its state vector lacks. Knows bytes only, no sockets, no Y.Doc.
import * as Y from 'yjs'
import { MerrowError } from '../../src/errors.ts'
import { SyncType } from '../../src/sync/wire.ts'
import type { LogContent, LogEntry, Snapshot, StoredSnapshot } from '../log/port.ts'
import { encodeSync } from './frame.ts'

/** An update that says nothing: no structs, no deletes. */
const EMPTY_UPDATE = Uint8Array.of(0, 0)

const isEmptyUpdate = (update: Uint8Array): boolean => update.length === 2 && update[0] === 0 && update[1] === 0

interface MergedTail {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly update: Uint8Array
}

/** Works out answers for the joiners of one document. */
export class Answers {
  #loading: { readonly upTo: number; readonly state: Promise<Uint8Array> } | undefined
  /** The tail as one update, as long as there is memory for it: merging hundreds takes ten times longer than adding one. */
  #merged: WeakRef<MergedTail> | undefined

  /**
   * Frames that bring a joiner up to date, to be sent in order.
   *
   * The last one is a step 2, which stock clients take as "synced", so the snapshot goes before it as an update.
   *
   * @param content - The document's log.
   * @param stateVector - What the joiner has, encoded (v1).
   * @throws {@link MerrowError} `invalid_frame` if `stateVector` cannot be decoded.
   */
  async frames(content: LogContent, stateVector: Uint8Array): Promise<readonly Uint8Array[]> {
    const has = decodeVector(stateVector)
    const missed =
      content.snapshot === undefined ? EMPTY_UPDATE : await this.#missedOf(content.snapshot, has, stateVector)
    const tail = content.entries
    const news = tail.length === 0 ? EMPTY_UPDATE : lacking(this.#mergedOf(tail), has, stateVector)
    const step2 = encodeSync(SyncType.step2, news)
    return isEmptyUpdate(missed) ? [step2] : [encodeSync(SyncType.update, missed), step2]
  }

  #mergedOf(tail: readonly LogEntry[]): Uint8Array {
    const [from, to] = [tail[0]?.seq ?? 0, tail.at(-1)?.seq ?? 0]
    const known = this.#merged?.deref()
    if (known?.from === from && known.to === to) return known.update
    // Seldom is one in between left out, and then the whole is merged anew: the count tells.
    const isBeginning = known?.from === from && tail[known.count - 1]?.seq === known.to
    const rest = isBeginning ? tail.slice(known.count) : tail
    const updates = rest.map(({ update }) => update)
    const merged = {
      from,
      to,
      count: tail.length,
      update: Y.mergeUpdates(isBeginning ? [known.update, ...updates] : updates),
    }
    this.#merged = new WeakRef(merged)
    return merged.update
  }

  /**
   * Most joiners come back and have all of the snapshot's clocks; state vectors know nothing of deletes, so they
   * still need those, which are stored beside the state.
   */
  async #missedOf(snapshot: StoredSnapshot, has: Clocks, stateVector: Uint8Array): Promise<Uint8Array> {
    if (covers(has, decodeVector(snapshot.stateVector))) return snapshot.deletes
    return lacking(await this.#stateOf(snapshot), has, stateVector)
  }

  /** Joiners who come together share one reading; once it is done it is not kept. */
  #stateOf(snapshot: StoredSnapshot): Promise<Uint8Array> {
    if (this.#loading?.upTo === snapshot.upTo) return this.#loading.state
    const loading = { upTo: snapshot.upTo, state: snapshot.state() }
    const forget = () => {
      if (this.#loading === loading) this.#loading = undefined
    }
    this.#loading = loading
    loading.state.then(forget, forget)
    return loading.state
  }
}

type Clocks = ReadonlyMap<number, number>

const decodeVector = (encoded: Uint8Array): Clocks => {
  try {
    return Y.decodeStateVector(encoded)
  } catch (cause) {
    throw new MerrowError('invalid_frame', `A state vector of ${encoded.length} B cannot be read: ${String(cause)}.`, {
      cause,
    })
  }
}

const covers = (has: Clocks, needed: Clocks): boolean =>
  has.size > 0 && [...needed].every(([client, clock]) => (has.get(client) ?? 0) >= clock)

const lacking = (update: Uint8Array, has: Clocks, stateVector: Uint8Array): Uint8Array =>
  has.size === 0 ? update : Y.diffUpdate(update, stateVector)

/** The updates that make up a document, in order. */
export const updatesOf = async ({ snapshot, entries }: LogContent): Promise<readonly Uint8Array[]> => [
  ...(snapshot === undefined ? [] : [await snapshot.state()]),
  ...entries.map(({ update }) => update),
]

/** A snapshot of everything in `content`. */
export const snapshotOf = (content: LogContent, made: Omit<Snapshot, 'upTo'>): Snapshot => ({
  upTo: content.entries.at(-1)?.seq ?? content.snapshot?.upTo ?? 0,
  ...made,
})

// What a joiner has to be sent: the part of a log that its state vector lacks. Knows bytes only, no sockets, no Y.Doc.
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { decodeVector } from '../guard/vector.ts'
import type { LogContent, LogEntry, Snapshot, StoredSnapshot } from '../log/port.ts'
import { encodeSync } from './frame.ts'
import type { Snapshotter } from './snapshotter.ts'

/** An update that says nothing: no structs, no deletes. */
const EMPTY_UPDATE = Uint8Array.of(0, 0)

const isEmptyUpdate = (update: Uint8Array): boolean => update.length === 2 && update[0] === 0 && update[1] === 0

/** So many updates of a tail are merged into one frame. Yjs takes a time that grows with the square of their number. */
const MERGED_AT_ONCE = 100

/** Some updates of a tail in a row as one. */
interface Merged {
  readonly from: number
  readonly to: number
  readonly count: number
  readonly update: Uint8Array
}

/** What a joiner lacks of a snapshot of this size or more is worked out by the worker, in bytes; small structs take 80 ms a MiB. */
const DIFFED_ASIDE_BYTES = 16 * 1024

/** Works out answers for the joiners of one document. */
export class Answers {
  readonly #snapshotter: Pick<Snapshotter, 'diff'>
  #loading: { readonly upTo: number; readonly frame: Promise<Uint8Array> } | undefined
  /** The state that was read last, as the frame that whoever has nothing gets, as long as there is memory for it. */
  #read: { readonly upTo: number; readonly frame: WeakRef<Uint8Array> } | undefined
  /** What was merged of the tail, by group, as long as there is memory for it: merging takes ten times longer than adding one. */
  #merged = new WeakRef(new Map<number, Merged>())
  readonly #merging = new WeakMap<readonly LogEntry[], Promise<readonly Uint8Array[]>>()

  constructor(snapshotter: Pick<Snapshotter, 'diff'>) {
    this.#snapshotter = snapshotter
  }

  /**
   * Frames that bring a joiner up to date, to be sent in order.
   *
   * The last one is a step 2, which stock clients take as "synced", so all before it go as updates. Those who have nothing may be given
   * the same bytes, which nobody may change.
   *
   * @param content - The document's log.
   * @param stateVector - What the joiner has, encoded (v1).
   * @throws {@link MerrowError} `invalid_frame` if `stateVector` cannot be decoded.
   */
  async frames({ snapshot, entries }: LogContent, stateVector: Uint8Array): Promise<readonly Uint8Array[]> {
    const has = decodeVector(stateVector)
    const frames = snapshot === undefined ? [] : await this.#snapshotFrames(snapshot, has, stateVector)
    const news = (await this.#mergedOf(entries)).map((update) => lacking(update, has, stateVector))
    const updates = news.filter((update) => !isEmptyUpdate(update))
    const last = updates.pop() ?? EMPTY_UPDATE
    return [
      ...frames,
      ...updates.map((update) => encodeSync(SyncType.update, update)),
      encodeSync(SyncType.step2, last),
    ]
  }

  /** Joiners who share a reading share what is merged of it. */
  #mergedOf(tail: readonly LogEntry[]): Promise<readonly Uint8Array[]> {
    const merging = this.#merging.get(tail) ?? this.#mergeAll(tail)
    this.#merging.set(tail, merging)
    return merging
  }

  /** The tail, a hundred updates in one. Others get their turn between. */
  async #mergeAll(tail: readonly LogEntry[]): Promise<readonly Uint8Array[]> {
    const known = this.#merged.deref() ?? new Map<number, Merged>()
    const groups = groupsOf(tail)
    const current = new Map<number, Merged>()
    for (const [number, group] of groups) {
      current.set(number, merge(group, known.get(number)))
      if (current.size < groups.size) await new Promise((resolve) => setImmediate(resolve))
    }
    this.#merged = new WeakRef(current)
    return Array.from(current.values(), ({ update }) => update)
  }

  /**
   * Most joiners come back and have all of the snapshot's clocks; state vectors know nothing of deletes, so they
   * still need those, which are stored beside the state.
   */
  async #snapshotFrames(
    snapshot: StoredSnapshot,
    has: Clocks,
    stateVector: Uint8Array,
  ): Promise<readonly Uint8Array[]> {
    if (has.size === 0) return [await this.#frameOf(snapshot)]
    const missed = await this.#missedOf(snapshot, has, stateVector)
    return isEmptyUpdate(missed) ? [] : [encodeSync(SyncType.update, missed)]
  }

  async #missedOf(snapshot: StoredSnapshot, has: Clocks, stateVector: Uint8Array): Promise<Uint8Array> {
    if (covers(has, decodeVector(snapshot.stateVector))) return snapshot.deletes
    // The state is the end of its frame.
    const state = (await this.#frameOf(snapshot)).subarray(-snapshot.bytes)
    const isSmall = state.length < DIFFED_ASIDE_BYTES
    return isSmall ? lacking(state, has, stateVector) : this.#snapshotter.diff(state, stateVector)
  }

  /** Joiners who come together share one reading, and so do those who come one after another, as long as there is memory for it. */
  #frameOf(snapshot: StoredSnapshot): Promise<Uint8Array> {
    const { upTo } = snapshot
    const read = this.#read?.upTo === upTo ? this.#read.frame.deref() : undefined
    if (read !== undefined) return Promise.resolve(read)
    if (this.#loading?.upTo === upTo) return this.#loading.frame
    const loading = { upTo, frame: snapshot.state().then((state) => encodeSync(SyncType.update, state)) }
    const forget = () => {
      if (this.#loading === loading) this.#loading = undefined
    }
    this.#loading = loading
    loading.frame.then((frame) => {
      this.#read = { upTo, frame: new WeakRef(frame) }
      forget()
    }, forget)
    return loading.frame
  }
}

/** Updates by hundreds of their numbers, so that a tail which grows or is cut keeps most of its groups. */
const groupsOf = (tail: readonly LogEntry[]): ReadonlyMap<number, readonly LogEntry[]> => {
  const groups = new Map<number, LogEntry[]>()
  for (const entry of tail) {
    const number = Math.floor(entry.seq / MERGED_AT_ONCE)
    const group = groups.get(number)
    if (group === undefined) groups.set(number, [entry])
    else group.push(entry)
  }
  return groups
}

const merge = (group: readonly LogEntry[], known: Merged | undefined): Merged => {
  const [from, to] = [group[0]?.seq ?? 0, group.at(-1)?.seq ?? 0]
  if (known?.from === from && known.to === to && known.count === group.length) return known
  // Seldom is one in between left out, and then the whole is merged anew: the count tells.
  const isBeginning = known?.from === from && group[known.count - 1]?.seq === known.to
  const updates = (isBeginning ? group.slice(known.count) : group).map(({ update }) => update)
  const update = Y.mergeUpdates(isBeginning ? [known.update, ...updates] : updates)
  return { from, to, count: group.length, update }
}

type Clocks = ReadonlyMap<number, number>

const covers = (has: Clocks, needed: Clocks): boolean =>
  has.size > 0 && [...needed].every(([client, clock]) => (has.get(client) ?? 0) >= clock)

const lacking = (update: Uint8Array, has: Clocks, stateVector: Uint8Array): Uint8Array =>
  has.size === 0 ? update : Y.diffUpdate(update, stateVector)

/** What a document's snapshot says, as updates: one, or none if there is no snapshot. */
export const stateOf = async ({ snapshot }: LogContent): Promise<readonly Uint8Array[]> =>
  snapshot === undefined ? [] : [await snapshot.state()]

/** The updates that make up a document, in order. */
export const updatesOf = async (content: LogContent): Promise<readonly Uint8Array[]> => [
  ...(await stateOf(content)),
  ...content.entries.map(({ update }) => update),
]

/** A snapshot of everything in `content`. */
export const snapshotOf = (content: LogContent, made: Omit<Snapshot, 'upTo'>): Snapshot => ({
  upTo: content.upTo,
  ...made,
})

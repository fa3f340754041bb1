// What a joiner has to be sent, and what an update is compared with: parts of a log, copied out as bytes. Knows no sockets, no Y.Doc.
import { SyncType } from '../../src/sync/wire.ts'
import { type ClockRange, decodeVector } from '../guard/vector.ts'
import type { LogContent, Snapshot, StoredSnapshot } from '../log/port.ts'
import { type Chart, type Clocks, chartInTurns, type Excerpt, excerptOf, rangesBeyond } from './chart.ts'
import { encodeSync } from './frame.ts'
import { type Combined, Outgo, type Reading } from './reading.ts'

/** An update that says nothing: no structs, no deletes. */
const NOTHING_NEW = new Outgo(Uint8Array.of(0, 0))

const isEmptyUpdate = (update: Uint8Array): boolean => update.length === 2 && update[0] === 0 && update[1] === 0

/** Who lacks so much of a snapshot gets it whole: it is there already, and the same for all. */
const NEARLY_ALL = 7 / 8

/** Works out answers for the joiners of one document. */
export class Answers {
  #loading: { readonly upTo: number; readonly frame: Promise<Uint8Array> } | undefined
  /** The state that was read last, as the frame that whoever has nothing gets, as long as there is memory for it. */
  #read: { readonly upTo: number; readonly frame: WeakRef<Uint8Array> } | undefined
  #charted: { readonly upTo: number; readonly chart: Promise<Chart> } | undefined

  /**
   * Frames that bring a joiner up to date, to be sent in order.
   *
   * The last one is a step 2, which stock clients take as "synced", so all before it go as updates. Joiners may be given the same bytes,
   * which nobody may change.
   *
   * @param stateVector - What the joiner has, encoded (v1).
   * @throws {@link MerrowError} `invalid_frame` if `stateVector` cannot be decoded.
   */
  async frames(reading: Reading, stateVector: Uint8Array): Promise<readonly Uint8Array[]> {
    const has = decodeVector(stateVector)
    const snapshot = await reading.snapshot
    const frames = snapshot === undefined ? [] : await this.#snapshotFrames(snapshot, has)
    const news = (await reading.tail()).map((combined) => beyond(combined, has))
    const tail = news.filter(({ update }) => !isEmptyUpdate(update))
    const last = tail.pop() ?? NOTHING_NEW
    return [...frames, ...tail.map((part) => part.framedAs(SyncType.update)), last.framedAs(SyncType.step2)]
  }

  /** What the log says under some clocks, as updates, which may say a little more. Others get their turn between. */
  async *about(reading: Reading, clocks: readonly ClockRange[]): AsyncIterable<Uint8Array> {
    const wanted = new Map(clocks.map((range) => [range.client, range]))
    const rangesOf = ({ ranges }: Chart) =>
      ranges.filter(({ client, from, to }) => {
        const range = wanted.get(client)
        return range !== undefined && from < range.to && range.from < to
      })
    const snapshot = await reading.snapshot
    if (snapshot !== undefined)
      for (const range of rangesOf(await this.#chartOf(snapshot))) {
        yield excerptOf([range], await this.#excerpt(snapshot, range.bytes.from, range.bytes.to))
        await turnOfOthers()
      }
    for (const combined of await reading.tail()) {
      const ranges = rangesOf(combined)
      if (ranges.length === 0) continue
      yield excerptOf(ranges, { bytes: combined.whole.update, at: 0 })
      await turnOfOthers()
    }
  }

  /**
   * Most joiners come back and have all of the snapshot's clocks; state vectors know nothing of deletes, so they
   * still need those, which are stored beside the state.
   */
  async #snapshotFrames(snapshot: StoredSnapshot, has: Clocks): Promise<readonly Uint8Array[]> {
    if (has.size === 0) return [await this.#frameOf(snapshot)]
    if (covers(has, decodeVector(snapshot.stateVector))) return updateFrames(snapshot.deletes)
    const chart = await this.#chartOf(snapshot)
    const ranges = rangesBeyond(chart, has)
    const [first, last] = [ranges[0], ranges.at(-1)]
    if (first === undefined || last === undefined) return updateFrames(snapshot.deletes)
    const bytes = ranges.reduce((sum, range) => sum + range.bytes.to - range.bytes.from, 0)
    if (bytes >= NEARLY_ALL * snapshot.bytes) return [await this.#frameOf(snapshot)]
    const excerpt = await this.#excerpt(snapshot, first.bytes.from, last.bytes.to)
    const deletes = await this.#excerpt(snapshot, chart.deletesAt, snapshot.bytes)
    return updateFrames(excerptOf(ranges, excerpt, has, deletes.bytes.subarray(chart.deletesAt - deletes.at)))
  }

  /** Charted once for each snapshot. */
  #chartOf(snapshot: StoredSnapshot): Promise<Chart> {
    const { upTo } = snapshot
    if (this.#charted?.upTo === upTo) return this.#charted.chart
    const charted = { upTo, chart: this.#frameOf(snapshot).then((frame) => chartInTurns(stateIn(frame, snapshot))) }
    this.#charted = charted
    charted.chart.catch(() => {
      if (this.#charted === charted) this.#charted = undefined
    })
    return charted.chart
  }

  /** Bytes of the state, read by themselves if it is not in memory. */
  async #excerpt(snapshot: StoredSnapshot, from: number, to: number): Promise<Excerpt> {
    const frame = this.#known(snapshot)
    if (frame !== undefined) return { bytes: stateIn(frame, snapshot), at: 0 }
    const bytes = new Uint8Array(to - from)
    let end = 0
    for await (const block of snapshot.stream(from, to)) {
      bytes.set(block, end)
      end += block.length
    }
    return { bytes, at: from }
  }

  #known({ upTo }: StoredSnapshot): Uint8Array | undefined {
    return this.#read?.upTo === upTo ? this.#read.frame.deref() : undefined
  }

  /** Joiners who come together share one reading, and so do those who come one after another, as long as there is memory for it. */
  #frameOf(snapshot: StoredSnapshot): Promise<Uint8Array> {
    const { upTo } = snapshot
    const read = this.#known(snapshot)
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

const turnOfOthers = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** The state is the end of its frame. */
const stateIn = (frame: Uint8Array, { bytes }: StoredSnapshot): Uint8Array => frame.subarray(frame.length - bytes)

const covers = (has: Clocks, needed: Clocks): boolean =>
  has.size > 0 && [...needed].every(([client, clock]) => (has.get(client) ?? 0) >= clock)

const updateFrames = (update: Uint8Array): readonly Uint8Array[] =>
  isEmptyUpdate(update) ? [] : [encodeSync(SyncType.update, update)]

const beyond = (combined: Combined, has: Clocks): Outgo => {
  const { whole, ranges, deletesAt } = combined
  if (ranges.every(({ client }) => !has.has(client))) return whole
  const { update } = whole
  return new Outgo(excerptOf(rangesBeyond(combined, has), { bytes: update, at: 0 }, has, update.subarray(deletesAt)))
}

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

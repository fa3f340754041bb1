// What a log held of one document when it was read, and what was appended since: joiners share it as long as they come one soon after
// another. Knows updates as bytes and where their parts lie; asks no log by itself.
import * as decoding from 'lib0/decoding'
import type { SyncType } from '../../src/sync/wire.ts'
import { readDeletes } from '../guard/update.ts'
import type { LogContent, StoredSnapshot } from '../log/port.ts'
import { type Chart, chartOf } from './chart.ts'
import { combined, type Part } from './combine.ts'
import { encodeSync } from './frame.ts'

/** An update on its way to joiners, framed once however many get it. */
export class Outgo {
  readonly update: Uint8Array
  readonly #frames = new Map<number, Uint8Array>()

  constructor(update: Uint8Array) {
    this.update = update
  }

  /** The same bytes each time, which nobody may change. */
  framedAs(type: typeof SyncType.update | typeof SyncType.step2): Uint8Array {
    const frame = this.#frames.get(type) ?? encodeSync(type, this.update)
    this.#frames.set(type, frame)
    return frame
  }
}

/** Some updates of a tail in a row as one. */
export interface Combined extends Chart {
  readonly whole: Outgo
}

/** So many updates of a tail are put together, and are so before others get their turn. */
const COMBINED_AT_ONCE = 100
/** Some megabytes of updates and where their parts lie. */
const MOST_APPENDED = 10_000

interface Group {
  readonly count: number
  readonly updates: readonly Combined[]
}

/** One reading of a log, which grows as the log does. */
export class Reading {
  /** The snapshot, once it is read. */
  readonly snapshot: Promise<StoredSnapshot | undefined>
  readonly #groups: Group[] = []
  /** What is in no group yet: as it was read, or as it was accepted since. */
  #news: (Uint8Array | Part)[] = []
  #combining: Promise<unknown>
  #appended = 0

  /** @param content - What is being read; whatever is appended from now on is to be told. */
  constructor(content: Promise<LogContent>) {
    this.snapshot = content.then(({ snapshot, entries }) => {
      this.#news = [...entries.map(({ update }) => update), ...this.#news]
      return snapshot
    })
    this.#combining = this.snapshot
  }

  /** Tells of an update that is durable now. One that was read already may be told again. */
  append(part: Part): void {
    this.#news.push(part)
    this.#appended += 1
  }

  /** Whether so much was appended that reading again costs less than keeping it. */
  get isLong(): boolean {
    return this.#appended >= MOST_APPENDED
  }

  /** The updates after the snapshot, a hundred in one. Others get their turn between. */
  async tail(): Promise<readonly Combined[]> {
    const combining = this.#combining.then(() => this.#combine())
    this.#combining = combining
    await combining
    return this.#groups.flatMap(({ updates }) => updates)
  }

  async #combine(): Promise<void> {
    const news = this.#news
    this.#news = []
    for (let at = 0; at < news.length; ) {
      if (at > 0) await new Promise((resolve) => setImmediate(resolve))
      const last = this.#groups.at(-1)
      const open = last !== undefined && last.count < COMBINED_AT_ONCE ? last : { count: 0, updates: [] }
      const taken = news.slice(at, at + COMBINED_AT_ONCE - open.count)
      const parts = taken.map((update) => (update instanceof Uint8Array ? partOf(update, chartOf(update)) : update))
      const known = open.updates.map((update) => partOf(update.whole.update, update))
      const group = { count: open.count + taken.length, updates: combined([...known, ...parts]).map(charted) }
      if (open === last) this.#groups.pop()
      this.#groups.push(group)
      at += taken.length
    }
  }
}

const charted = (update: Uint8Array): Combined => ({ whole: new Outgo(update), ...chartOf(update) })

const partOf = (update: Uint8Array, { ranges, deletesAt }: Chart): Part => ({
  update,
  ranges,
  deletes: readDeletes(decoding.createDecoder(update.subarray(deletesAt))),
})

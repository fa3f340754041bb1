// Encoding many new rows as updates, without a document that holds them: what a bulk insert stores. Knows the bytes of a Yjs update
// (encoding v1) of nothing but arrays in one array, and the page of segments; no rows and no storage.
import type { RandomBytes } from '../ids.ts'
import type { StampClock } from '../stamp.ts'
import { ByteWriter } from './byte-writer.ts'
import { drawClientId } from './document.ts'
import { encodeHeader, encodeSeal, encodeShape, SEGMENT_PATCHES } from './format.ts'
import { LOG } from './segments.ts'

/** What an encoder is given to work with. */
export interface InsertEncoderOptions {
  /** Name of this writer, `<device>.<run>`, unique for good. */
  readonly replica: string
  /** Who its patches are by. */
  readonly author: string | undefined
  readonly clock: StampClock
  /** What each insert writes. */
  readonly columns: readonly string[]
  /** Source of the updates' client ids. */
  readonly random: RandomBytes
}

/** Segments in one update: 4,096 rows, so that it is neither a transaction for each few nor one for all. */
const UPDATE_SEGMENTS = 16
/** Bytes to begin with for a segment, and for an update. */
const SEGMENT_BYTES = 64 * 1024
const UPDATE_BYTES = 1024 * 1024

// Of a Yjs update: an item's first byte says what it holds, and whether it names the item before it.
const TYPE = 7
const VALUES = 8
const HAS_ORIGIN = 0x80
const ARRAY_TYPE = 0
/** A patch in a segment, and a value that is an array. */
const ARRAY = 117

/**
 * Turns inserts of rows into updates, all segments sealed: byte for byte what Yjs encodes for a document that they were pushed to.
 *
 * The ids must be new to the document that the updates are for: nobody here looks.
 */
export class InsertEncoder {
  readonly #options: InsertEncoderOptions
  readonly #updates: Uint8Array[] = []
  readonly #segment = new ByteWriter(SEGMENT_BYTES)
  readonly #items = new ByteWriter(UPDATE_BYTES)
  #client = 0
  #segments = 0
  /** Clock of the update's next item, and of its last segment. */
  #clock = 0
  #last = 0
  #patches = 0
  #since = 0

  constructor(options: InsertEncoderOptions) {
    this.#options = options
  }

  /** Adds one row. @param packedId - As `packId` makes it. @param values - Stored values, one a column. */
  add(packedId: string, values: readonly unknown[]): void {
    const stamp = this.#options.clock.next()
    if (this.#patches === 0) this.#begin(stamp)
    const segment = this.#segment
    segment.byte(ARRAY)
    segment.varUint(3 + values.length)
    segment.any(0)
    segment.any(packedId)
    segment.any(stamp - this.#since)
    for (let at = 0; at < values.length; at++) segment.any(values[at])
    this.#patches += 1
    if (this.#patches === SEGMENT_PATCHES) this.#end()
  }

  /** All rows added so far, as updates, in order; it then starts afresh. */
  take(): readonly Uint8Array[] {
    if (this.#patches > 0) this.#end()
    if (this.#segments > 0) this.#encode()
    return this.#updates.splice(0)
  }

  #begin(since: number): void {
    const { replica, author, columns } = this.#options
    this.#since = since
    this.#segment.any(encodeHeader({ replica, author, since }))
    this.#segment.any(encodeShape(true, columns))
  }

  /** Ends a segment: an item that is an array, and one in it that holds its elements. */
  #end(): void {
    this.#segment.any(encodeSeal())
    const items = this.#items
    if (this.#segments === 0) {
      this.#client = drawClientId(this.#options.random)
      items.byte(TYPE)
      items.varUint(1)
      items.varString(LOG)
    } else {
      items.byte(HAS_ORIGIN | TYPE)
      this.#itemId(this.#last)
    }
    items.varUint(ARRAY_TYPE)
    items.byte(VALUES)
    items.varUint(0)
    this.#itemId(this.#clock)
    const elements = 2 + this.#patches + 1
    items.varUint(elements)
    items.bytes(this.#segment.written())
    this.#last = this.#clock
    this.#clock += 1 + elements
    this.#segments += 1
    this.#patches = 0
    this.#segment.clear()
    if (this.#segments === UPDATE_SEGMENTS) this.#encode()
  }

  #itemId(clock: number): void {
    this.#items.varUint(this.#client)
    this.#items.varUint(clock)
  }

  /** Ends an update: one client's items from clock 0 on, and nothing deleted. Each has a client of its own. */
  #encode(): void {
    const update = new ByteWriter(this.#items.written().length + 32)
    update.varUint(1)
    update.varUint(2 * this.#segments)
    update.varUint(this.#client)
    update.varUint(0)
    update.bytes(this.#items.written())
    update.varUint(0)
    this.#updates.push(update.written())
    this.#items.clear()
    this.#segments = 0
    this.#clock = 0
  }
}

// Encoding many new rows as updates, without a log that shows them: what a bulk insert stores. Knows segments; no rows and no storage.
import * as Y from 'yjs'
import type { StampClock } from '../stamp.ts'
import { createDocument } from './document.ts'
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
}

/** Segments in one update: 4,096 rows, so that what waits rests as bytes (about 90 B a row) and not as objects. */
const UPDATE_SEGMENTS = 16

/**
 * Turns inserts of rows into updates, all segments sealed.
 *
 * The ids must be new to the document that the updates are for: nobody here looks.
 */
export class InsertEncoder {
  readonly #options: InsertEncoderOptions
  readonly #updates: Uint8Array[] = []
  #document = createDocument()
  #segments: Y.Array<unknown>[] = []
  #elements: unknown[] = []
  #since = 0

  constructor(options: InsertEncoderOptions) {
    this.#options = options
  }

  /** Adds one row. @param packedId - As `packId` makes it. @param values - Stored values, one a column. */
  add(packedId: string, values: readonly unknown[]): void {
    const stamp = this.#options.clock.next()
    if (this.#elements.length === 0) this.#begin(stamp)
    this.#elements.push([0, packedId, stamp - this.#since, ...values])
    if (this.#elements.length === 2 + SEGMENT_PATCHES) this.#end()
  }

  /** All rows added so far, as updates, in order; it then starts afresh. */
  take(): readonly Uint8Array[] {
    if (this.#elements.length > 0) this.#end()
    if (this.#segments.length > 0) this.#encode()
    return this.#updates.splice(0)
  }

  #begin(since: number): void {
    const { replica, author, columns } = this.#options
    this.#since = since
    this.#elements.push(encodeHeader({ replica, author, since }), encodeShape(true, columns))
  }

  #end(): void {
    this.#elements.push(encodeSeal())
    const segment = new Y.Array<unknown>()
    segment.push(this.#elements)
    this.#segments.push(segment)
    this.#elements = []
    if (this.#segments.length === UPDATE_SEGMENTS) this.#encode()
  }

  /** A document of its own each time, so that what is encoded can be forgotten. */
  #encode(): void {
    this.#document.getArray(LOG).push(this.#segments)
    this.#updates.push(Y.encodeStateAsUpdate(this.#document))
    this.#document = createDocument()
    this.#segments = []
  }
}

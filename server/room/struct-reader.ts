// Passes over the structs of an update (v1), to see how long they are and how many clocks they take. Knows the encoding, no bounds: what it
// reads was guarded, or is made of what was.
import type { Span } from '../guard/update.ts'

const GARBAGE = 0
/** A list of plain values, as `Y.Array` and `Y.Map` hold them. */
export const LIST = 8
const SKIP = 10
const CONTENT_BITS = 0b0001_1111
const HAS_PARENT_SUB = 0b0010_0000
export const HAS_RIGHT_ORIGIN = 0b0100_0000
export const HAS_ORIGIN = 0b1000_0000

/** What a struct begins with. */
export interface Head {
  readonly info: number
  readonly ref: number
  readonly rightOrigin: Span
  /** Where its content begins. */
  readonly end: number
}

/** Passes over an update's structs without making anything of them: ten times as fast as decoding them. */
export class StructReader {
  readonly #bytes: Uint8Array
  at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  number(): number {
    let [number, factor] = [0, 1]
    for (;;) {
      const byte = this.#byte()
      number += (byte & 127) * factor
      if (byte < 128) return number
      factor *= 128
    }
  }

  /** Passes over what a struct begins with. */
  head(): Head {
    const info = this.#byte()
    const ref = info & CONTENT_BITS
    const rightOrigin = { from: this.at, to: this.at }
    // Garbage, and clocks that are left out, have nothing else.
    if (ref === GARBAGE || ref === SKIP) return { info, ref, rightOrigin, end: this.at }
    if ((info & HAS_ORIGIN) !== 0) this.#skipId()
    rightOrigin.from = this.at
    if ((info & HAS_RIGHT_ORIGIN) !== 0) this.#skipId()
    rightOrigin.to = this.at
    if ((info & (HAS_ORIGIN | HAS_RIGHT_ORIGIN)) === 0) {
      if (this.number() === 1) this.#skipBytes()
      else this.#skipId()
      if ((info & HAS_PARENT_SUB) !== 0) this.#skipBytes()
    }
    return { info, ref, rightOrigin, end: this.at }
  }

  /** Passes over values until they have `most` bytes. @returns How many. */
  values(count: number, most: number): number {
    const start = this.at
    let read = 0
    while (read < count && this.at - start < most) {
      this.#skipValue()
      read += 1
    }
    return read
  }

  slice(from: number, to: number): Uint8Array {
    return this.#bytes.slice(from, to)
  }

  /** Passes over any content but a list. Numbers are those of `readContent` in the guard. @returns How many clocks it takes. */
  content(ref: number): number {
    switch (ref) {
      case GARBAGE:
      case SKIP:
      case 1:
        return this.number()
      case 2:
        return this.#each(() => this.#skipBytes())
      case 3:
      case 5:
        this.#skipBytes()
        return 1
      case 4:
        return this.#text()
      case 6:
        this.#skipBytes()
        this.#skipBytes()
        return 1
      case 7: {
        const type = this.number()
        if (type === 3 || type === 5) this.#skipBytes()
        return 1
      }
      case 9:
        this.#skipBytes()
        this.#skipValue()
        return 1
      default:
        throw new Error(`there is no content ${ref}`)
    }
  }

  #each(skip: () => void): number {
    const count = this.number()
    for (let at = 0; at < count; at++) skip()
    return count
  }

  /** A text takes a clock for each UTF-16 unit. */
  #text(): number {
    const length = this.number()
    const end = this.at + length
    let units = 0
    while (this.at < end) {
      const byte = this.#byte()
      if ((byte & 0b1100_0000) !== 0b1000_0000) units += byte >= 0b1111_0000 ? 2 : 1
    }
    return units
  }

  #skipId(): void {
    this.#skipNumber()
    this.#skipNumber()
  }

  #skipNumber(): void {
    while (this.#byte() >= 128);
  }

  #skipBytes(): void {
    const length = this.number()
    this.at += length
  }

  /** A plain value, as lib0 writes it. */
  #skipValue(): void {
    switch (this.#byte()) {
      case 125:
        this.#skipNumber()
        break
      case 124:
        this.at += 4
        break
      case 123:
      case 122:
        this.at += 8
        break
      case 119:
      case 116:
        this.#skipBytes()
        break
      case 118:
        this.#each(() => {
          this.#skipBytes()
          this.#skipValue()
        })
        break
      case 117:
        this.#each(() => this.#skipValue())
    }
  }

  /** Beyond the end it stops, rather than count for ever. */
  #byte(): number {
    const byte = this.#bytes[this.at]
    if (byte === undefined) throw new Error('the update ends in the middle')
    this.at += 1
    return byte
  }
}

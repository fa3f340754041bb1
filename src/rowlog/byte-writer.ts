// Writing the primitives of an update, the bytes that lib0's encoding gives for the same values, into one array that grows. Knows no Yjs.

/** Strings shorter than this take fewer than 128 bytes, whatever they hold, so that their length takes one. */
const SHORT_STRING = 43
/** Most bytes of a UTF-16 unit in UTF-8. */
const UNIT_BYTES = 3
/** Most bytes of a number, its kind among them, and of a string's length. */
const NUMBER_BYTES = 16
/** Largest number, either way, that is written as an integer. */
const MOST_INTEGER = 0x7fffffff
/** What stands for half a surrogate pair. */
const REPLACEMENT = 0xfffd
const utf8 = new TextEncoder()

/** Bytes being written. */
export class ByteWriter {
  #bytes: Uint8Array
  #view: DataView
  #length = 0

  /** @param capacity - Bytes to begin with; more are taken as they are needed. */
  constructor(capacity: number) {
    this.#bytes = new Uint8Array(capacity)
    this.#view = new DataView(this.#bytes.buffer)
  }

  /** Appends one byte. */
  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#length++] = value
  }

  /** Appends bytes as they are. */
  bytes(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#length)
    this.#length += bytes.length
  }

  /** Appends a whole number from 0 on. */
  varUint(value: number): void {
    this.#reserve(NUMBER_BYTES)
    this.#varUint(value)
  }

  /** Appends a string, its length in bytes first. Half a surrogate pair becomes U+FFFD. */
  varString(text: string): void {
    this.#reserve(text.length * UNIT_BYTES + NUMBER_BYTES)
    if (text.length < SHORT_STRING) this.#shortString(text)
    else this.#longString(text)
  }

  /** Appends a value with its kind: undefined, null, a boolean, a number, a bigint, a string, bytes, or an array or object of such. */
  any(value: unknown): void {
    if (typeof value === 'string') {
      this.byte(119)
      this.varString(value)
    } else if (typeof value === 'number') this.#number(value)
    else if (typeof value === 'boolean') this.byte(value ? 120 : 121)
    else if (value === null) this.byte(126)
    else if (typeof value === 'object') this.#object(value)
    else if (typeof value === 'bigint') {
      this.#reserve(NUMBER_BYTES)
      this.#bytes[this.#length++] = 122
      this.#view.setBigInt64(this.#length, value)
      this.#length += 8
    } else this.byte(127)
  }

  /** What was written so far, as an array that the next write may change. */
  written(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** Begins anew, in the same array. */
  clear(): void {
    this.#length = 0
  }

  #reserve(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const bytes = new Uint8Array(2 * (this.#length + more))
    bytes.set(this.written())
    this.#bytes = bytes
    this.#view = new DataView(bytes.buffer)
  }

  #varUint(rest: number): void {
    let value = rest
    while (value > 127) {
      this.#bytes[this.#length++] = 128 | (value % 128)
      value = Math.floor(value / 128)
    }
    this.#bytes[this.#length++] = value
  }

  #number(value: number): void {
    this.#reserve(NUMBER_BYTES)
    if (Number.isInteger(value) && Math.abs(value) <= MOST_INTEGER) {
      this.#bytes[this.#length++] = 125
      this.#varInt(value)
    } else if (Math.fround(value) === value) {
      this.#bytes[this.#length++] = 124
      this.#view.setFloat32(this.#length, value)
      this.#length += 4
    } else {
      this.#bytes[this.#length++] = 123
      this.#view.setFloat64(this.#length, value)
      this.#length += 8
    }
  }

  /** The sign stands in the first byte, -0 has one too. */
  #varInt(value: number): void {
    const isNegative = value < 0 || Object.is(value, -0)
    const size = Math.abs(value)
    this.#bytes[this.#length++] = (size > 63 ? 128 : 0) | (isNegative ? 64 : 0) | (size & 63)
    if (size > 63) this.#varUint(size >> 6)
  }

  #object(value: object): void {
    if (Array.isArray(value)) {
      this.byte(117)
      this.varUint(value.length)
      for (const item of value) this.any(item)
    } else if (value instanceof Uint8Array) {
      this.byte(116)
      this.varUint(value.length)
      this.bytes(value)
    } else {
      const keys = Object.keys(value)
      this.byte(118)
      this.varUint(keys.length)
      for (const key of keys) {
        this.varString(key)
        this.any((value as Record<string, unknown>)[key])
      }
    }
  }

  /** Room for it is reserved. */
  #shortString(text: string): void {
    const bytes = this.#bytes
    const start = this.#length
    let at = start + 1
    for (let index = 0; index < text.length; index++) {
      const unit = text.charCodeAt(index)
      if (unit < 0x80) bytes[at++] = unit
      else {
        const point = unit < 0xd800 || unit > 0xdfff ? unit : pointAt(text, index)
        if (point > 0xffff) index += 1
        at = writePoint(bytes, at, point)
      }
    }
    bytes[start] = at - start - 1
    this.#length = at
  }

  /** Room for it is reserved: encoded behind where it will stand, since its length comes first. */
  #longString(text: string): void {
    const from = this.#length + NUMBER_BYTES
    const { written } = utf8.encodeInto(text, this.#bytes.subarray(from))
    this.#varUint(written)
    this.#bytes.copyWithin(this.#length, from, from + written)
    this.#length += written
  }
}

/** The code point of which a surrogate is the first half; {@link REPLACEMENT} if it is half of none. */
const pointAt = (text: string, index: number): number => {
  const point = text.codePointAt(index) as number
  return point > 0xffff ? point : REPLACEMENT
}

/** Writes a code point beyond ASCII. @returns Where the next one stands. */
const writePoint = (bytes: Uint8Array, start: number, point: number): number => {
  let at = start
  if (point < 0x800) bytes[at++] = 0xc0 | (point >> 6)
  else {
    if (point < 0x10000) bytes[at++] = 0xe0 | (point >> 12)
    else {
      bytes[at++] = 0xf0 | (point >> 18)
      bytes[at++] = 0x80 | ((point >> 12) & 63)
    }
    bytes[at++] = 0x80 | ((point >> 6) & 63)
  }
  bytes[at++] = 0x80 | (point & 63)
  return at
}

// Long frames, put together of their parts. Knows rooms by their numbers.

/** Pieces of frames that have not come whole, by room. */
export class FrameParts {
  readonly #parts = new Map<number, Uint8Array[]>()

  /** Takes a part; more come. */
  add(room: number, part: Uint8Array): void {
    const parts = this.#parts.get(room)
    if (parts === undefined) this.#parts.set(room, [part])
    else parts.push(part)
  }

  /** @returns The whole frame that ends with `last`. */
  join(room: number, last: Uint8Array): Uint8Array {
    const parts = this.#parts.get(room)
    if (parts === undefined) return last
    this.#parts.delete(room)
    const whole = new Uint8Array(parts.reduce((sum, { length }) => sum + length, last.length))
    let at = 0
    for (const part of [...parts, last]) {
      whole.set(part, at)
      at += part.length
    }
    return whole
  }

  clear(): void {
    this.#parts.clear()
  }
}

// Counts which of a member's update frames are durable, in order. Knows numbers, not frames.

const NONE: readonly number[] = []
const NOTHING_BEFORE = Promise.resolve()

/** The count of one member. */
export class Acknowledgements {
  readonly #tell: (count: number) => void
  #received = 0
  #durable = 0
  /** Numbers of frames that were not stored, until an answer brings what is in them. */
  #missing: readonly number[] = NONE
  #last: Promise<void> = NOTHING_BEFORE
  #isDue = false
  #told = 0

  /** @param tell - Told how many of the first frames are durable, once a turn. */
  constructor(tell: (count: number) => void) {
    this.#tell = tell
  }

  /**
   * Counts a frame once it and all before it are durable.
   *
   * @param isAnswer - It holds everything that its member has, so it stands for those before it.
   * @returns Rejects as `durable` does.
   */
  add(durable: Promise<void>, isAnswer: boolean): Promise<void> {
    const number = ++this.#received
    const before = this.#last
    this.#last = durable
      .then(() => before)
      .then(() => {
        this.#durable = number
        if (isAnswer && this.#missing !== NONE) this.#missing = this.#missing.filter((other) => other > number)
        this.#schedule()
      })
    return this.#last
  }

  /** Counts a frame that was not stored: neither it nor those after it are acknowledged before an answer is durable. */
  addMissing(): void {
    this.#missing = [...this.#missing, ++this.#received]
  }

  #schedule(): void {
    if (this.#isDue) return
    this.#isDue = true
    // Appends of one commit resolve together; one message tells of all.
    queueMicrotask(() => {
      this.#isDue = false
      const count = Math.min(this.#durable, (this.#missing[0] ?? Number.POSITIVE_INFINITY) - 1)
      if (count <= this.#told) return
      this.#told = count
      this.#tell(count)
    })
  }
}

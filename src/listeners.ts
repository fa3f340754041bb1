// Who is told of something: one that throws keeps nobody else from hearing. Knows nothing of what is told.

/** Listeners that are told the same. The same function may listen twice. */
export class Listeners<T extends readonly unknown[] = []> {
  readonly #listeners = new Set<(...told: T) => void>()
  readonly #onError: (error: unknown) => void

  /** @param onError - Told what a listener threw. */
  constructor(onError: (error: unknown) => void) {
    this.#onError = onError
  }

  /** How many listen. */
  get size(): number {
    return this.#listeners.size
  }

  /** Adds one. @returns A function that ends it, and says whether it had not ended before. */
  add(listener: (...told: T) => void): () => boolean {
    const own = (...told: T): void => listener(...told)
    this.#listeners.add(own)
    return () => this.#listeners.delete(own)
  }

  /** Tells each that listened when this began and still does when its turn comes. */
  tell(...told: T): void {
    for (const listener of [...this.#listeners]) {
      if (!this.#listeners.has(listener)) continue
      try {
        listener(...told)
      } catch (error) {
        this.#onError(error)
      }
    }
  }
}

/** Tells soon, once for however many changes of one turn: for listeners who ask for what is new themselves. */
export class Announcement {
  readonly #listeners: Listeners
  readonly #schedule: (work: () => void) => void
  #isScheduled = false

  /** @param schedule - Runs the telling later; after the running microtask unless given. */
  constructor(
    onError: (error: unknown) => void,
    schedule: (work: () => void) => void = (work) => queueMicrotask(work),
  ) {
    this.#listeners = new Listeners(onError)
    this.#schedule = schedule
  }

  /** Calls `listener` soon after anything here has changed. @returns A function that ends it. */
  subscribe(listener: () => void): () => void {
    return this.#listeners.add(listener)
  }

  /** @internal Something has changed. */
  touch(): void {
    if (this.#isScheduled || this.#listeners.size === 0) return
    this.#isScheduled = true
    this.#schedule(() => {
      this.#isScheduled = false
      this.#listeners.tell()
    })
  }
}

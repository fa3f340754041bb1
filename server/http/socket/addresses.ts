// How many connections each address has. Knows addresses, not who is behind them.

/** Counts connections by address. */
export class Addresses {
  readonly #max: number
  readonly #counts = new Map<string, number>()

  /** @param max - Most connections of one address at a time. */
  constructor(max: number) {
    this.#max = max
  }

  /** Counts a connection in. @returns What to call once it has ended; undefined if there are too many. */
  enter(address: string): (() => void) | undefined {
    const count = this.#counts.get(address) ?? 0
    if (count >= this.#max) return undefined
    this.#counts.set(address, count + 1)
    return () => this.#leave(address)
  }

  #leave(address: string): void {
    const count = (this.#counts.get(address) ?? 1) - 1
    if (count === 0) this.#counts.delete(address)
    else this.#counts.set(address, count)
  }
}

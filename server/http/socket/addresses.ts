// How many connections each address has. Knows addresses, not who is behind them.

/** Counts connections by address. */
export class Addresses {
  readonly #max: number
  readonly #counts = new Map<string, number>()
  readonly #known = new WeakMap<object, string>()

  /** @param max - Most connections of one address at a time. */
  constructor(max: number) {
    this.#max = max
  }

  /** Counts a connection in, whatever object stands for it. @returns Whether it may be; there may be too many. */
  enter(connection: object, address: string): boolean {
    const count = this.#counts.get(address) ?? 0
    if (count >= this.#max) return false
    this.#counts.set(address, count + 1)
    this.#known.set(connection, address)
    return true
  }

  /** Counts out a connection that has ended. */
  leave(connection: object): void {
    const address = this.#known.get(connection)
    if (address === undefined || !this.#known.delete(connection)) return
    const count = (this.#counts.get(address) ?? 1) - 1
    if (count === 0) this.#counts.delete(address)
    else this.#counts.set(address, count)
  }
}

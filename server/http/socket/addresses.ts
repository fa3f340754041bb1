// How many connections each address has. Knows addresses, not who is behind them.

/** One address, the same object for all its connections. */
export interface Place {
  readonly address: string
  readonly connections: number
}

/** Counts connections by address. */
export class Addresses {
  readonly #max: number
  readonly #places = new Map<string, { readonly address: string; connections: number }>()

  /** @param max - Most connections of one address at a time. */
  constructor(max: number) {
    this.#max = max
  }

  /** Counts a connection in. @returns Where it counts; undefined if there are too many. */
  enter(address: string): Place | undefined {
    const place = this.#places.get(address) ?? { address, connections: 0 }
    if (place.connections >= this.#max) return undefined
    place.connections += 1
    this.#places.set(address, place)
    return place
  }

  /** Counts out a connection that has ended, once. */
  leave({ address }: Place): void {
    const place = this.#places.get(address)
    if (place === undefined) return
    place.connections -= 1
    if (place.connections === 0) this.#places.delete(address)
  }
}

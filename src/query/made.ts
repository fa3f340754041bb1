// Queries that were made lately, by the steps that led to them: who takes the same steps again gets the same query, and with it what it
// has worked out. Knows no plans.

/** Most queries that are kept; beyond, all are let go of. */
const MAX_QUERIES = 256

/** Queries that begin with all rows of one table. */
export class Made {
  readonly #steps = new Map<object, Map<string, object>>()
  #count = 0

  /** The query that a step leads to. @param from - Where it begins. @param make - Makes it, if nobody has. */
  find<Q extends object>(from: Q, step: string, make: () => Q): Q {
    const known = this.#steps.get(from)?.get(step)
    if (known !== undefined) return known as Q
    const made = make()
    if (this.#count === MAX_QUERIES) {
      this.#steps.clear()
      this.#count = 0
    }
    const steps = this.#steps.get(from) ?? new Map<string, object>()
    this.#steps.set(from, steps.set(step, made))
    this.#count += 1
    return made
  }
}

// A sum of floating-point numbers without rounding on the way, so that it does not depend on the order of adding and taking away.

/**
 * The exact sum of finite numbers, kept as parts that do not overlap (Shewchuk 1997, "Adaptive precision floating-point arithmetic",
 * grow-expansion). Taking a number away is adding its negative.
 */
export class ExactSum {
  #parts: number[] = []

  /** Adds a number. */
  add(value: number): void {
    const parts: number[] = []
    let sum = value
    for (const part of this.#parts) {
      const [large, small] = Math.abs(sum) < Math.abs(part) ? [part, sum] : [sum, part]
      const total = large + small
      const error = small - (total - large)
      if (error !== 0) parts.push(error)
      sum = total
    }
    parts.push(sum)
    this.#parts = parts
  }

  /** The sum, rounded once. */
  get value(): number {
    let sum = 0
    for (let at = this.#parts.length - 1; at >= 0; at--) sum += this.#parts[at] as number
    return sum
  }
}

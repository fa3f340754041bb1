// Timers that stand still until a test lets them run. Knows no clock.
import type { Timers } from '../../sync/socket.ts'

/** Timers in a time of their own. */
export class TestTimers implements Timers {
  #nowMs = 0
  #last = 0
  readonly #waiting = new Map<number, { readonly atMs: number; readonly work: () => void }>()

  setTimeout(work: () => void, ms: number): number {
    this.#last += 1
    this.#waiting.set(this.#last, { atMs: this.#nowMs + ms, work })
    return this.#last
  }

  clearTimeout(timer: unknown): void {
    this.#waiting.delete(timer as number)
  }

  /** Lets time go on, and what is due then run. */
  run(ms: number): void {
    this.#nowMs += ms
    for (const [timer, { atMs, work }] of [...this.#waiting])
      if (atMs <= this.#nowMs && this.#waiting.delete(timer)) work()
  }
}

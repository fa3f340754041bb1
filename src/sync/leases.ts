// The relay's leases as work that is done while they last. Knows duties and the shared socket; not what the work is.
import { type Clocks, Duty } from './duty.ts'
import type { RelayLease } from './port.ts'
import type { SharedSocket } from './shared-socket.ts'
import type { Timers } from './socket.ts'

/** What leases are given to work with. */
export interface LeasesOptions {
  readonly shared: SharedSocket
  readonly timers: Timers
  readonly clocks: Clocks
  readonly random: () => number
  /** Resolves once all that the relay held at the last connection is here. */
  readonly synced: () => Promise<void>
}

/** Leases of one connection. */
export class Leases implements RelayLease {
  readonly #options: LeasesOptions
  readonly #duties = new Map<string, Duty>()

  constructor(options: LeasesOptions) {
    this.#options = options
  }

  async hold(
    name: string,
    work: (lost: AbortSignal, number: number) => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    if (signal.aborted) return
    const { shared, timers, clocks, random } = this.#options
    let duty: Duty | undefined
    try {
      await new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => resolve(), { once: true })
        duty = new Duty({
          ...{ duty: name, holder: crypto.randomUUID(), line: shared, timers, clocks, random },
          work: (lost, number) => void this.#work(lost, number, work).catch(reject),
          onRefused: reject,
        })
        this.#duties.set(name, duty)
        signal.addEventListener('abort', () => shared.putDown(duty as Duty), { once: true })
        shared.takeOn(duty)
      })
    } finally {
      this.#duties.delete(name)
      if (duty !== undefined) shared.putDown(duty)
    }
  }

  isHeld(name: string): boolean {
    return this.#duties.get(name)?.isHeld ?? false
  }

  /** What others wrote while they held it comes first. */
  async #work(
    lost: AbortSignal,
    number: number,
    work: (lost: AbortSignal, number: number) => Promise<void>,
  ): Promise<void> {
    const gone = new Promise<void>((resolve) => lost.addEventListener('abort', () => resolve(), { once: true }))
    await Promise.race([this.#options.synced(), gone])
    if (!lost.aborted) await work(lost, number)
  }
}

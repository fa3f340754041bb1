// Marks over several logs: what is staged in any of them since a mark can be taken back together. Knows placement; stages nothing.
import type { Entry, RowLog } from '../../rowlog/index.ts'
import type { Placed, Placement } from './placement.ts'

/** One write, and what was known of its row before. */
export interface Step {
  readonly id: string
  /** What showed of it. */
  readonly before: Entry | undefined
  /** Where it was, if it was irregular. */
  readonly irregular: Placed | undefined
}

/** The marks of a table's logs, each set in all of them. */
export class Marks {
  readonly #placement: Placement
  readonly #marks: { readonly steps: number; readonly byLog: Map<RowLog, number> }[] = []
  readonly #steps: Step[] = []

  constructor(placement: Placement) {
    this.#placement = placement
  }

  set(): number {
    const byLog = new Map(Array.from(this.#placement.partitions.values(), ({ log }) => [log, log.mark()]))
    return this.#marks.push({ steps: this.#steps.length, byLog })
  }

  /** Takes note of a write, while a mark is set. */
  note(step: Step): void {
    if (this.#marks.length > 0) this.#steps.push(step)
  }

  /** Takes in a log that was opened since: what is written to it must be taken back with the rest. */
  join(log: RowLog): void {
    for (const { byLog } of this.#marks) byLog.set(log, log.mark())
  }

  /** Keeps what was written since the last mark. */
  release(): void {
    for (const [log, mark] of this.#marks.pop()?.byLog ?? []) log.release(mark)
    if (this.#marks.length === 0) this.#steps.length = 0
  }

  /** Takes back what was written since the last mark. @returns the steps, last first. */
  rollback(): readonly Step[] {
    const last = this.#marks.pop()
    if (last === undefined) return []
    for (const [log, mark] of last.byLog) log.rollback(mark)
    const steps = this.#steps.splice(last.steps).reverse()
    for (const { id, irregular } of steps) this.#placement.restore(id, irregular)
    return steps
  }
}

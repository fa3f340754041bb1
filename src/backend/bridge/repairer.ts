// The bridge that leads, asked to repair: does what requests say, once, and answers. Knows the outbox's face; not who asks.
import type { Core } from '../core.ts'
import type { KeyedLog } from '../keyed-log.ts'
import type { OutboxView } from '../outbox/repair.ts'
import type { Repair, RepairRequest } from './repair-requests.ts'

/** Answers requests while this bridge leads. */
export class Repairer {
  readonly #core: Core
  readonly #requests: KeyedLog
  readonly #outbox: OutboxView
  #isScheduled = false

  constructor(core: Core, requests: KeyedLog, outbox: OutboxView) {
    this.#core = core
    this.#requests = requests
    this.#outbox = outbox
  }

  /** There may be requests: looks at them soon. */
  look(): void {
    if (this.#isScheduled) return
    this.#isScheduled = true
    this.#core.timers.setTimeout(() => {
      this.#isScheduled = false
      this.#answerAll()
    }, 0)
  }

  #answerAll(): void {
    if (!this.#core.mayRepair()) return
    for (const [key, value] of [...this.#requests.entries()]) {
      const request = value as unknown as RepairRequest
      if (request.untilMs < this.#core.host.now()) this.#requests.delete(key)
      else if (request.refusal === undefined)
        this.#requests.put(key, { ...request, refusal: this.#refusalOf(request) } as never)
    }
    this.#core.commit()
    this.#requests.commit()
  }

  #refusalOf({ operation: id, repair }: RepairRequest): string | null {
    try {
      this.#do(id, repair)
      return null
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  #do(id: string, repair: Repair): void {
    switch (repair.kind) {
      case 'retry':
        return this.#outbox.retry({ id })
      case 'discard':
        return this.#outbox.discard({ id }, repair)
      case 'edit': {
        const { table = '' } = this.#core.outbox.queue.get(id) ?? {}
        const codec = this.#core.tables.get(table)?.codec
        const written = Object.entries(repair.data).map(([name, value]) => [name, codec?.written(name, value)])
        return this.#outbox.edit({ id }, Object.fromEntries(written))
      }
    }
  }
}

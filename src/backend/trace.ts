// Traces: what became of each operation, kept for export and replay; and problems that no operation shows. Knows the journal.
import type { Json } from '../schema/index.ts'
import type { KeyedLog } from './keyed-log.ts'
import type { Operation } from './outbox/operation.ts'
import type { RemoteId, RemoteRecord } from './remote-table.ts'

/** What became of one operation. */
export interface TraceEntry {
  readonly id: string
  readonly order: number
  readonly table: string
  readonly row: string
  readonly kind: Operation['kind']
  /** Columns in stored form, references as local ids. */
  readonly fields: Operation['fields']
  readonly timeMs: number
  readonly tries: number
  /** How it ended: done, dropped because later writes made it needless, or discarded by the user. */
  readonly outcome: 'done' | 'dropped' | 'discarded'
  readonly endedMs: number
  readonly remote?: RemoteId
  readonly request?: RemoteRecord
  readonly answer?: string
}

/** Something that needs a look and is no operation's failure. */
export interface Problem {
  readonly kind: 'record' | 'answer' | 'cursor' | 'twice' | 'limit' | 'pull' | 'request'
  readonly message: string
  readonly table?: string
  readonly row?: string
  readonly operation?: string
  readonly timeMs: number
}

const MAX_PROBLEMS = 100
const PREFIX = 'trace/'

/** The newest traces and problems. */
export class Trace {
  readonly #journal: KeyedLog
  readonly #max: number
  #keys: string[] = []
  #next = 1
  #problems: Problem[] = []

  /** @param max - How many traces are kept. */
  constructor(journal: KeyedLog, max: number) {
    this.#journal = journal
    this.#max = max
    this.reload()
  }

  /** Reads again what the journal says: others who share it have written. */
  reload(): void {
    this.#keys = [...this.#journal.entries()].flatMap(([key]) => (key.startsWith(PREFIX) ? [key] : [])).sort(byNumber)
    this.#next = numberOf(this.#keys.at(-1) ?? `${PREFIX}0`) + 1
  }

  get problems(): readonly Problem[] {
    return this.#problems
  }

  /** Stages a trace. */
  add(entry: TraceEntry): void {
    if (this.#max === 0) return
    const key = `${PREFIX}${this.#next++}`
    this.#journal.put(key, entry as unknown as Json)
    this.#keys.push(key)
    while (this.#keys.length > this.#max) this.#journal.delete(this.#keys.shift() as string)
  }

  report(problem: Problem): void {
    this.#problems = [...this.#problems, problem].slice(-MAX_PROBLEMS)
  }

  /** All traces that are kept, oldest first. */
  list(): readonly TraceEntry[] {
    return this.#keys.map((key) => this.#journal.get(key) as unknown as TraceEntry)
  }
}

const numberOf = (key: string): number => Number(key.slice(PREFIX.length))
const byNumber = (a: string, b: string): number => numberOf(a) - numberOf(b)

// Finds the conflicts of one table's rows, and keeps the list as rows change. Knows entries and columns; resolves nothing.
import { type Entry, isCreated, KNEW, type LogPatch, siblingsOf, type TableLog } from '../rowlog/index.ts'
import type { TableSchema } from '../schema/index.ts'
import { stampTimeMs } from '../stamp.ts'
import type { Conflict, ConflictingWrite } from './conflicts.ts'
import { deviceOf } from './meta.ts'

/** Keeps the conflicts of the columns that ask. */
export class ConflictFinder {
  readonly #table: string
  readonly #schema: TableSchema
  readonly #log: TableLog
  readonly #columns: readonly string[]
  readonly #byRow = new Map<string, readonly Conflict[]>()
  #hasChanged = false
  /** What was stored for a write that is shown in a conflict. */
  readonly #stored = new WeakMap<ConflictingWrite, unknown>()

  constructor(table: string, schema: TableSchema, log: TableLog) {
    this.#table = table
    this.#schema = schema
    this.#log = log
    this.#columns = schema.columnNames.filter((name) => schema.columns[name]?.rule.kind === 'ask')
    this.look(log.entries.keys())
    this.takeChanged()
  }

  /** The conflicts there are, writes that are not announced yet included. */
  list(): readonly Conflict[] {
    if (this.#columns.length === 0) return []
    // Looked at without being kept: what is staged may yet be taken back.
    const unannounced = new Set(this.#log.unannounced())
    const known = [...this.#byRow].filter(([id]) => !unannounced.has(id)).flatMap(([, conflicts]) => conflicts)
    return [...known, ...[...unannounced].flatMap((id) => this.#conflictsOf(id))]
  }

  /** The stored value of a write in a conflict that this finder listed. */
  storedOf(write: ConflictingWrite): unknown {
    return this.#stored.get(write)
  }

  /** Looks at rows again. */
  look(ids: Iterable<string>): void {
    if (this.#columns.length === 0) return
    for (const id of ids) {
      const found = this.#conflictsOf(id)
      if (found.length === 0 && !this.#byRow.delete(id)) continue
      if (found.length > 0) this.#byRow.set(id, found)
      this.#hasChanged = true
    }
  }

  /** Whether any conflict came, changed or went since this was last asked. */
  takeChanged(): boolean {
    const hasChanged = this.#hasChanged
    this.#hasChanged = false
    return hasChanged
  }

  #conflictsOf(id: string): readonly Conflict[] {
    const entry = this.#log.entries.get(id)
    if (entry === undefined || entry.single !== undefined || entry.valid.length < 2) return []
    // Of a row that was purged meanwhile nothing shows, so there is nothing to choose.
    return isCreated(entry) ? this.#find(id, entry) : []
  }

  #find(id: string, entry: Entry): readonly Conflict[] {
    return this.#columns.flatMap((column) => {
      const writes = siblingsOf(entry, column)
      if (writes.length < 2) return []
      const last = writes[writes.length - 1] as LogPatch
      const base = this.#read(column, beforeOf(last, column))
      return [{ table: this.#table, id, column, base, writes: writes.map((write) => this.#describe(write, column)) }]
    })
  }

  #describe(patch: LogPatch, column: string): ConflictingWrite {
    const stored = patch.value(column)
    const isMine = deviceOf(patch.replica) === deviceOf(this.#log.replica)
    const write = {
      value: this.#read(column, stored),
      author: patch.author,
      timeMs: stampTimeMs(patch.stamp),
      isMine,
    }
    this.#stored.set(write, stored)
    return write
  }

  #read(column: string, stored: unknown): unknown {
    return stored === undefined ? undefined : this.#schema.columns[column]?.type.read(stored)
  }
}

/** What a column held before a write, as its writer knew it. */
const beforeOf = (write: LogPatch, column: string): unknown => {
  const known = write.value(`${column}${KNEW}`)
  return Array.isArray(known) ? known[0] : undefined
}

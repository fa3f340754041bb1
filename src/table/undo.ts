// Undo and redo of this user's own writes, over all tables. Knows what each write replaced; not how rows are stored.
import { MerrowError } from '../errors.ts'
import { isSameWrite, type LogPatch } from '../rowlog/index.ts'

/** One field that a write changed: what it held before, or, for a counter, by how much it rose. */
export type FieldRecord =
  | {
      readonly kind: 'value'
      readonly field: string
      readonly before: unknown
      readonly replaced: LogPatch | undefined
    }
  | { readonly kind: 'count'; readonly field: string; readonly by: number }

/** One write of this replica. */
export interface WriteRecord {
  readonly table: string
  readonly id: string
  /** Whether it created the row; taking it back soft-deletes the row then. */
  readonly insert: boolean
  readonly fields: readonly FieldRecord[]
  /** The patch that it made. */
  readonly patch: LogPatch
}

/** A field that was left as it is, because somebody has written it since, or (`purgedAt`) purged its row. */
export interface Skipped {
  readonly table: string
  readonly id: string
  readonly column: string
}

/** What `undo` or `redo` did. */
export interface UndoResult {
  /** The label that was given to `transact`, if one was. */
  readonly label: string | undefined
  /** How many fields were put back. */
  readonly restored: number
  /** What was left alone, since others have written it meanwhile. */
  readonly skipped: readonly Skipped[]
}

/** What a table does for undo. */
export interface UndoTarget {
  /** Puts back what a write changed, as far as nobody else has written it since. */
  revert(record: WriteRecord, lineage: Lineage): { readonly restored: number; readonly skipped: readonly Skipped[] }
}

/** Which writes stand for which: one that put a field back stands for the write that had made it so. */
export class Lineage {
  /** By write, since compaction makes copies of patches; the newest only. */
  readonly #originals = new Map<string, Map<string, LogPatch>>()

  /** Whether a field's last write is the given one (or a copy of it, in another document), or stands for it. */
  isStill(last: LogPatch, made: LogPatch, field: string): boolean {
    return isSameWrite(last, made) || isSameWrite(this.#originalOf(last, field), made)
  }

  /** Takes note that `made` put a field back to what `original` had made of it. */
  note(made: LogPatch, field: string, original: LogPatch | undefined): void {
    if (original === undefined) return
    const fields = this.#originals.get(keyOf(made)) ?? new Map<string, LogPatch>()
    fields.set(field, this.#originalOf(original, field))
    this.#originals.set(keyOf(made), fields)
    if (this.#originals.size <= MAX_RECORDS) return
    for (const oldest of this.#originals.keys()) return void this.#originals.delete(oldest)
  }

  #originalOf(patch: LogPatch, field: string): LogPatch {
    return this.#originals.get(keyOf(patch))?.get(field) ?? patch
  }
}

const keyOf = ({ stamp, replica }: LogPatch): string => `${stamp} ${replica}`

interface Step {
  readonly label: string | undefined
  readonly records: WriteRecord[]
  lastMs: number
  isClosed: boolean
}

/** A step that is written to in several goes. */
export interface OpenStep {
  /** Runs work, whose writes belong to the step. If it throws, nothing of it was written, and nothing is kept. */
  add<T>(work: () => T): T
  /** Ends the step: it can be undone from now on. */
  close(): void
}

/** Writes within this time join into one step, unless `transact` says otherwise. */
const JOIN_MS = 500
const MAX_STEPS = 200
/** Writes that join into one step. */
const MAX_JOINED = 1000
/** Writes that are kept in all; of a step with more than that, none is. */
const MAX_RECORDS = 100_000

/** What is kept of this user's writes, newest last. Memory is bounded: of more than 200 steps or 100,000 writes the oldest are forgotten. */
export class UndoStack {
  readonly #now: () => number
  readonly #targets = new Map<string, UndoTarget>()
  readonly #run: <T>(work: () => T) => T
  #undo: Step[] = []
  #redo: Step[] = []
  /** Where new records go: a step that is being taken back records its own reversal. */
  #recording: Step | undefined
  readonly #lineage = new Lineage()

  /** @internal Made by `createDatabase`. `run` runs work as one transaction. */
  constructor(now: () => number, run: <T>(work: () => T) => T) {
    this.#now = now
    this.#run = run
  }

  /** @internal Adds a table. */
  join(table: string, target: UndoTarget): void {
    this.#targets.set(table, target)
  }

  /** How many steps can be undone. */
  get undoable(): number {
    return this.#undo.length
  }

  /** How many steps can be redone. */
  get redoable(): number {
    return this.#redo.length
  }

  /** @internal Takes note of a write of this user's. */
  record(record: WriteRecord): void {
    if (this.#recording !== undefined) {
      this.#recording.records.push(record)
      return
    }
    const nowMs = this.#now()
    this.#redo = []
    const last = this.#undo[this.#undo.length - 1]
    const joins = last !== undefined && !last.isClosed && last.records.length < MAX_JOINED
    if (joins && nowMs - last.lastMs <= JOIN_MS) {
      last.records.push(record)
      last.lastMs = nowMs
    } else this.#push({ label: undefined, records: [record], lastMs: nowMs, isClosed: false })
  }

  /** @internal Makes one step of all that `work` writes. If it throws, nothing of it was written, and nothing is kept. */
  step<T>(label: string | undefined, work: () => T): T {
    if (this.#recording !== undefined) return this.#inner(this.#recording.records, work)
    const step = this.open(label)
    const result = step.add(work)
    step.close()
    return result
  }

  /** @internal Opens a step for work that is done in several goes. */
  open(label: string | undefined): OpenStep {
    const step: Step = { label, records: [], lastMs: this.#now(), isClosed: true }
    return {
      add: (work) => {
        this.#recording = step
        try {
          return this.#inner(step.records, work)
        } finally {
          this.#recording = undefined
        }
      },
      close: () => {
        if (step.records.length === 0) return
        this.#redo = []
        this.#push(step)
      },
    }
  }

  #inner<T>(records: WriteRecord[], work: () => T): T {
    const count = records.length
    try {
      return work()
    } catch (error) {
      records.length = count
      throw error
    }
  }

  /** Takes back the newest step. @returns undefined if there is none. */
  undo(): UndoResult | undefined {
    return this.#move(this.#undo, this.#redo)
  }

  /** Takes back the newest undo. @returns undefined if there is none. */
  redo(): UndoResult | undefined {
    return this.#move(this.#redo, this.#undo)
  }

  /** Forgets all steps. */
  clear(): void {
    this.#undo = []
    this.#redo = []
  }

  #push(step: Step): void {
    this.#undo.push(step)
    let kept = this.#undo.reduce((sum, { records }) => sum + records.length, 0)
    while (this.#undo.length > MAX_STEPS || kept > MAX_RECORDS) kept -= this.#undo.shift()?.records.length ?? 0
  }

  #move(from: Step[], to: Step[]): UndoResult | undefined {
    if (this.#recording !== undefined)
      throw new MerrowError(
        'invalid_argument',
        'undo() and redo() are transactions of their own. Call them outside transact().',
      )
    const step = from.pop()
    if (step === undefined) return undefined
    const reversal: Step = { label: step.label, records: [], lastMs: 0, isClosed: true }
    this.#recording = reversal
    try {
      const done = this.#run(() => [...step.records].reverse().map((record) => this.#revert(record)))
      if (reversal.records.length > 0) to.push(reversal)
      return {
        label: step.label,
        restored: done.reduce((sum, { restored }) => sum + restored, 0),
        skipped: done.flatMap(({ skipped }) => skipped),
      }
    } catch (error) {
      from.push(step)
      throw error
    } finally {
      this.#recording = undefined
    }
  }

  #revert(record: WriteRecord): { readonly restored: number; readonly skipped: readonly Skipped[] } {
    return (this.#targets.get(record.table) as UndoTarget).revert(record, this.#lineage)
  }
}

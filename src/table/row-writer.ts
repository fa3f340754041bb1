// Writes of one table: columns become fields of patches, and each is noted for undo. Knows no validation and no rows.
import {
  DELETED,
  type Entry,
  fieldOf,
  isCreated,
  type LogPatch,
  PURGED,
  type TableLog,
  winnerOf,
} from '../rowlog/index.ts'
import type { StoredFields, TableSchema } from '../schema/index.ts'
import type { WriteOrigin } from './changes.ts'
import { parseField, Registers } from './registers.ts'
import type { FieldRecord, Lineage, Skipped, UndoStack, UndoTarget, WriteRecord } from './undo.ts'
import type { WriteBatch } from './write-batch.ts'

/** What a writer is given to work with. */
export interface RowWriterOptions {
  readonly name: string
  readonly schema: TableSchema
  readonly log: TableLog
  readonly batch: WriteBatch
  readonly undo: UndoStack
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Told of a row that is about to be written. */
  readonly onWrite: (id: string) => void
}

const NO_FIELDS: readonly FieldRecord[] = []
const DELETED_FIELD = [DELETED]
const PURGED_FIELD = [PURGED]

/** Stages the writes of one table. */
export class RowWriter implements UndoTarget {
  readonly #name: string
  readonly #log: TableLog
  readonly #batch: WriteBatch
  readonly #undo: UndoStack
  readonly #now: () => number
  readonly #onWrite: (id: string) => void
  readonly #registers: Registers
  #origins = new Map<string, WriteOrigin>()

  constructor({ name, schema, log, batch, undo, now, onWrite }: RowWriterOptions) {
    this.#name = name
    this.#log = log
    this.#batch = batch
    this.#undo = undo
    this.#now = now
    this.#onWrite = onWrite
    this.#registers = new Registers(schema, log.replica)
    undo.join(name, this)
  }

  /** Writes a new row. */
  insert(id: string, fields: StoredFields): void {
    const { columns, values } = this.#registers.ofInsert(fields)
    this.#onWrite(id)
    const patch = this.#log.stage(id, true, columns, values)
    this.#note(id, { table: this.#name, id, insert: true, fields: NO_FIELDS, patch })
  }

  /** Writes some columns of a row. */
  update(id: string, fields: StoredFields): void {
    this.#write(id, this.#registers.ofUpdate(fields, this.#entry(id)))
  }

  /** Soft-deletes a row at a time, or, with null, restores it. */
  setDeleted(id: string, timeMs: number | null): void {
    this.#write(id, { columns: DELETED_FIELD, values: [timeMs] })
  }

  /** Removes a row for good: what was written to it is deleted from the document. Not undone. */
  purge(id: string): void {
    this.#onWrite(id)
    this.#log.stage(id, false, PURGED_FIELD, [this.#now()])
    this.#note(id)
  }

  /** Puts back what a write changed, as far as nobody else has written it since. */
  revert(record: WriteRecord, lineage: Lineage): { readonly restored: number; readonly skipped: readonly Skipped[] } {
    const entry = this.#log.entries.get(record.id)
    if (entry === undefined || !isCreated(entry)) return { restored: 0, skipped: [this.#skip(record.id, PURGED)] }
    if (record.insert) return this.#revertInsert(record, entry)
    const isFree = (field: FieldRecord): boolean => {
      const last = winnerOf(entry, field.field)
      return field.kind === 'count' || last === undefined || lineage.isStill(last, record.patch, field.field)
    }
    const free = record.fields.filter(isFree)
    const made = this.#write(record.id, this.#registers.ofRevert(free, entry))
    for (const field of free) if (made && field.kind === 'value') lineage.note(made, field.field, field.replaced)
    const skipped = record.fields.filter((field) => !isFree(field)).map(({ field }) => this.#skip(record.id, field))
    return { restored: free.length, skipped }
  }

  /** Rows that others than the app itself wrote here since this was last asked, and who did. */
  takeOrigins(): ReadonlyMap<string, WriteOrigin> {
    const origins = this.#origins
    if (origins.size > 0) this.#origins = new Map()
    return origins
  }

  /** A row that others have written since stays; theirs would go with it. */
  #revertInsert(
    { id }: WriteRecord,
    entry: Entry,
  ): { readonly restored: number; readonly skipped: readonly Skipped[] } {
    const isOthers = entry.valid.some(({ replica }) => replica !== this.#log.replica)
    if (isOthers) return { restored: 0, skipped: [this.#skip(id, DELETED)] }
    if (typeof fieldOf(entry, DELETED) !== 'number') this.setDeleted(id, this.#now())
    return { restored: 1, skipped: [] }
  }

  #write(id: string, { columns, values }: StoredFields): LogPatch | undefined {
    if (columns.length === 0) return undefined
    const fields = this.#registers.describe(columns, values, this.#entry(id))
    this.#onWrite(id)
    const patch = this.#log.stage(id, false, columns, values)
    this.#note(id, { table: this.#name, id, insert: false, fields, patch })
    return patch
  }

  /** What a backend writes is nothing for this user to undo. */
  #note(id: string, record?: WriteRecord): void {
    this.#batch.noteWrite()
    const { origin } = this.#batch
    if (origin !== 'local') this.#origins.set(id, origin)
    if (record !== undefined && origin !== 'backend') this.#undo.record(record)
  }

  #entry(id: string): Entry {
    return this.#log.entries.get(id) as Entry
  }

  #skip(id: string, field: string): Skipped {
    return { table: this.#name, id, column: parseField(field).column }
  }
}

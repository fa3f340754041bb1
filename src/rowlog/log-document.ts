// What a row log stands on: one Yjs document, and what reads and writes it. Knows Yjs and segments; not what is staged, nor who listens to rows.
import * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import type { RandomBytes } from '../ids.ts'
import type { StampClock } from '../stamp.ts'
import { createDocument } from './document.ts'
import type { Entry } from './entry.ts'
import { Intake } from './intake.ts'
import type { Losses } from './losses.ts'
import { Packer } from './packer.ts'
import { TransactionReader } from './reader.ts'
import type { RowChanges, RowEntries } from './row-entries.ts'
import { Segments } from './segments.ts'
import type { ShapeBook } from './shape.ts'
import { SegmentWriter } from './writer.ts'

/** What a document of a log is given to work with. */
export interface LogDocumentOptions {
  readonly replica: string
  readonly author: string | undefined
  readonly clock: StampClock
  readonly random: RandomBytes | undefined
  readonly keepsHistory: boolean
  readonly isFoldable: (field: string) => boolean
  readonly shapes: ShapeBook
  readonly entries: RowEntries
  readonly losses: Losses | undefined
  /** The entry that listeners know of a row that is about to change; asked once a row. */
  readonly beforeOf: (id: string, entry: Entry | undefined) => Entry | undefined
  /** Told of rows that a transaction from elsewhere changed. */
  readonly onRemoteChange: (changes: RowChanges) => void
  /** Told of each update of the document but those that {@link LogDocument.load} brought. */
  readonly onUpdate: (update: Uint8Array, isLocal: boolean) => void
}

/** Origins of transactions: what is stored, and what this replica writes. All others are from elsewhere. */
const LOADING = Symbol('loading')
const WRITING = Symbol('writing')

/** One document, with all that works on it. */
export class LogDocument {
  readonly document: Y.Doc
  readonly segments: Segments
  readonly intake: Intake
  readonly writer: SegmentWriter
  readonly packer: Packer

  /** Begins an empty one. */
  constructor(options: LogDocumentOptions) {
    const { replica, author, clock, random, keepsHistory, isFoldable, shapes, entries, losses } = options
    this.document = createDocument(random)
    this.segments = new Segments(this.document)
    this.intake = new Intake(new TransactionReader(this.segments, shapes), entries, losses)
    this.writer = new SegmentWriter(this.segments, { replica, author })
    this.packer = new Packer({
      replica,
      clock,
      rules: { ageMs: (stamp) => clock.ageMs(stamp), isFoldable, keepsHistory },
      shapes,
      segments: this.segments,
      entries,
      transact: (work) => this.transact(work),
    })
    const { beforeOf, onRemoteChange, onUpdate } = options
    // Not observeDeep: for each transaction that walks the root's list, deleted segments included, to sort its events.
    this.document.on('afterTransaction', (transaction: Y.Transaction) => {
      if (transaction.origin === WRITING) return
      if (transaction.origin === LOADING) return this.intake.load(transaction, this.segments.isEmpty)
      const changes = this.intake.take(transaction, beforeOf)
      if (changes.size > 0) onRemoteChange(changes)
    })
    this.document.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== LOADING) onUpdate(update, origin === WRITING)
    })
  }

  /** Writes, as one Yjs transaction. */
  transact(work: () => void): void {
    this.document.transact(work, WRITING)
  }

  /** Takes in stored updates, all in one transaction. @throws {@link MerrowError} `storage_failed` if one cannot be read. */
  load(updates: readonly Uint8Array[]): void {
    orDamaged(() =>
      this.document.transact(() => {
        for (const update of updates) Y.applyUpdate(this.document, update, LOADING)
      }, LOADING),
    )
  }

  /** Ends this replica's open segment: it will write into a new one, if at all. */
  seal(): void {
    this.transact(() => this.writer.seal())
  }

  /** All of it as one update. */
  encode(): Uint8Array {
    return Y.encodeStateAsUpdate(this.document)
  }

  destroy(): void {
    this.document.destroy()
  }
}

/** Reads what is stored. @throws {@link MerrowError} `storage_failed` if that cannot be read. */
export const orDamaged = <T>(read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    const message =
      'A stored update cannot be read, so the store is damaged. Restore it from a backup, or remove it and sync again.'
    throw new MerrowError('storage_failed', message, { cause })
  }
}

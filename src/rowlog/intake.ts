// What comes into a log from its document: patches and blocks that a transaction brought and took, put into the entries. Knows Yjs
// transactions and entries; writes nothing into the document.
import type * as Y from 'yjs'
import { type Entry, showsSame } from './entry.ts'
import type { Losses } from './losses.ts'
import type { PatchSink, TransactionReader } from './reader.ts'
import type { OnChange, RowChanges, RowEntries } from './row-entries.ts'

/** Takes in what others wrote, and what is stored. */
export class Intake {
  readonly #reader: TransactionReader
  readonly #entries: RowEntries
  readonly #losses: Losses | undefined

  /** @param losses - Told of rows of which others have deleted something. */
  constructor(reader: TransactionReader, entries: RowEntries, losses?: Losses) {
    this.#reader = reader
    this.#entries = entries
    this.#losses = losses
  }

  /** Elements of the document that were of no use. */
  get refused(): number {
    return this.#reader.refused + this.#entries.refused
  }

  /**
   * Takes in what is stored and in no document yet.
   *
   * @returns Whether it could; false before anything was taken. @throws if the bytes are no updates.
   */
  readStored(updates: readonly Uint8Array[]): boolean {
    return this.#reader.readStored(updates, this.#sink({ note: () => {} }))
  }

  /** Takes in patches that nobody has to be told of, into a log without staged ones. @param isNew - Whether it has none at all. */
  load(transaction: Y.Transaction, isNew: boolean): void {
    const several = new Set<string>()
    const note = (id: string, before: Entry | undefined): void => {
      if (before !== undefined) several.add(id)
    }
    const sink = this.#sink({ note, noteDeleted: () => {} })
    if (isNew) this.#reader.readAll(sink)
    else this.#reader.read(transaction, sink)
    this.#entries.noteSuperseded(several)
  }

  /**
   * Takes in a transaction from elsewhere.
   *
   * @param beforeOf - The entry that listeners know of a row that is about to change; asked once a row.
   * @returns The rows that listeners have to hear of. What was merely packed is none of it, and stays the same object.
   */
  take(transaction: Y.Transaction, beforeOf: (id: string, entry: Entry | undefined) => Entry | undefined): RowChanges {
    const changes = new Map<string, Entry | undefined>()
    const held = new Map<string, Entry>()
    const mayLose = this.#losses !== undefined && transaction.deleteSet.clients.size > 0
    const note = (id: string, before: Entry | undefined): void => {
      if (changes.has(id)) return
      changes.set(id, beforeOf(id, before))
      if (mayLose && before !== undefined) held.set(id, before)
    }
    const packed = new Set<string>()
    const noteBlock = (id: string, before: Entry | undefined): void => {
      packed.add(id)
      note(id, before)
    }
    this.#reader.read(transaction, this.#sink({ note, noteBlock }))
    this.#entries.noteSuperseded(changes.keys())
    for (const id of packed) {
      const [before, entry] = [changes.get(id), this.#entries.get(id)]
      if (before === undefined || entry === undefined || !showsSame(before, entry)) continue
      entry.row = before.row
      changes.delete(id)
      held.delete(id)
    }
    if (held.size > 0) this.#losses?.look(held, this.#entries)
    return changes
  }

  /** Told of each row that changes; by whole blocks, and by single deletes, if those are told apart. */
  #sink({
    note,
    noteBlock = note,
    noteDeleted = note,
  }: {
    readonly note: OnChange
    readonly noteBlock?: OnChange
    readonly noteDeleted?: OnChange
  }): PatchSink {
    return {
      onPatch: (patch) => this.#entries.takePatch(patch, note),
      onBlock: (block) => this.#entries.takeBlock(block, noteBlock),
      onBlockDeleted: (block) => this.#entries.forgetBlock(block, noteBlock),
      onDeleted: (raw) => this.#entries.forgetPatch(raw, noteDeleted),
      onTorn: (segment) => this.#losses?.noteTorn(segment),
    }
  }
}

// The row log: rows as stamped patches in one Y.Doc. Knows Yjs and the merge law; no columns, no storage, no network.
import * as Y from 'yjs'
import { MerrowError } from '../errors.ts'
import { unpackId } from '../ids.ts'
import { type StampClock, stampTimeMs } from '../stamp.ts'
import { decodeBlock, encodeBlock } from './block.ts'
import { PlacedBlock } from './block-place.ts'
import { DIRTY_SHARE, MIN_DIRTY, type PackedRows, type PackRules, packRows, rowsToPack } from './compaction.ts'
import { writeCopies } from './copies.ts'
import { createDocument } from './document.ts'
import { type Entry, holdsAll, isSameEntry, showsSame, superseded, withoutPatches, withPatch } from './entry.ts'
import { type PatchSink, TransactionReader } from './reader.ts'
import type { BlockSource, Patch } from './segment.ts'
import { Segments } from './segments.ts'
import { ShapeBook } from './shape.ts'
import { Staging, type StagingMark } from './staging.ts'
import { countLog, type LogStats } from './stats.ts'
import { clientsOf } from './stored-lists.ts'
import { SegmentWriter } from './writer.ts'

/** Rows that changed, and their entries before; undefined for rows that were unknown. */
export type RowChanges = ReadonlyMap<string, Entry | undefined>

/** What a row log is given to work with. */
export interface RowLogOptions {
  /** Name of this writer, `<device>.<run>`, unique for good. */
  readonly replica: string
  /** Who its patches are by. */
  readonly author: string | undefined
  readonly clock: StampClock
  /** Superseded patches that are kept all the same: of each row at most so many, and none older than that. None if left out. */
  readonly history?: { readonly maxWrites: number; readonly maxAgeMs: number } | undefined
  /** Whether the writes of a field may lose their exact time once they are old; see `packRow`. None may if left out. */
  readonly isFoldable?: (field: string) => boolean
}

const LOADING = Symbol('loading')
/** Yjs takes about 10 µs over each run that ever wrote; up to here that is less than reading twice. */
const MANY_RUNS = 256

/**
 * One table's patches.
 *
 * Writes are staged first: rows show them at once. `commit` then carries all that is staged into the document as one Yjs
 * transaction, together with the removal of patches that nobody will see again.
 */
export class RowLog {
  /** Name of this writer. */
  readonly replica: string
  readonly #document: Y.Doc = createDocument()
  readonly #clock: StampClock
  readonly #history: RowLogOptions['history']
  readonly #packRules: PackRules
  readonly #shapes = new ShapeBook()
  readonly #segments: Segments
  readonly #reader: TransactionReader
  readonly #writer: SegmentWriter
  readonly #staging: Staging
  readonly #entries = new Map<string, Entry>()
  /** Patches in the document that nobody will see again, by row. */
  readonly #superseded = new Map<string, readonly Patch[]>()
  #localChanges = new Map<string, Entry | undefined>()
  #listener: (changes: RowChanges) => void = () => {}
  #position = 0
  /** Patches outside blocks that have come since it was last asked whether to compact. */
  #loose = 0
  #lastCompactionMs: number | undefined
  /** Stored updates whose rows show, and which the document lacks. */
  #shown: readonly Uint8Array[] | undefined
  #onWhole: (() => void)[] = []

  constructor({ replica, author, clock, history, isFoldable = () => false }: RowLogOptions) {
    this.replica = replica
    this.#clock = clock
    this.#history = history
    this.#packRules = { ageMs: (stamp) => clock.ageMs(stamp), isFoldable, keepsHistory: history !== undefined }
    this.#segments = new Segments(this.#document)
    this.#reader = new TransactionReader(this.#segments, this.#shapes)
    this.#writer = new SegmentWriter(this.#segments, { replica, author })
    this.#staging = new Staging({ replica, author })
    // Not observeDeep: for each transaction that walks the root's list, deleted segments included, to sort its events.
    this.#document.on('afterTransaction', (transaction: Y.Transaction) => {
      if (transaction.origin === this) return
      if (transaction.origin === LOADING) return this.#loadFrom(transaction)
      const changes = this.#takeIn(transaction)
      if (changes.size > 0) this.#listener(changes)
    })
  }

  /** The Yjs document, for storage and sync to carry; whole, see {@link bringIn}. */
  get document(): Y.Doc {
    this.bringIn()
    return this.#document
  }

  /** All rows that anything is known of, by id: soft-deleted ones and ones whose insert is yet to come included. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries
  }

  /** Elements of the document that were of no use; they were left where they are. */
  get refused(): number {
    return this.#reader.refused
  }

  /** When this run last dropped segments, in milliseconds since the epoch; undefined if it has not. */
  get lastCompactionMs(): number | undefined {
    return this.#lastCompactionMs
  }

  /** Counts what the document and its rows come to. @param records - Ids of entries that are no rows. */
  stats(records: ReadonlySet<string>): LogStats {
    const { document, entries } = this
    const replaced = new Set([...this.#superseded.values()].flat())
    const isReplaced = (patch: Patch): boolean => replaced.has(patch)
    const isFarFuture = (stamp: number): boolean => this.#clock.isFarFuture(stamp)
    return countLog({ document, entries: entries.values(), records, isReplaced, isFarFuture })
  }

  /** The stamp up to which what this replica wrote is in the document; 0 before its first commit. */
  get position(): number {
    return this.#position
  }

  /** Calls `listener` after each transaction that came from elsewhere and changed rows. */
  onRemoteChange(listener: (changes: RowChanges) => void): void {
    const before = this.#listener
    this.#listener = (changes) => {
      before(changes)
      listener(changes)
    }
  }

  /** Calls `listener` with each update of the document but those that {@link load} brought. */
  onUpdate(listener: (update: Uint8Array, isLocal: boolean) => void): void {
    this.onWhole(() =>
      this.#document.on('update', (update: Uint8Array, origin: unknown) => {
        if (origin !== LOADING) listener(update, origin === this)
      }),
    )
  }

  /** Calls `work` once the document is whole: now, or when it is brought in. */
  onWhole(work: () => void): void {
    if (this.isWhole) work()
    else this.#onWhole.push(work)
  }

  /** Takes in stored updates, all in one transaction. @throws {@link MerrowError} `storage_failed` if one cannot be read. */
  load(updates: readonly Uint8Array[]): void {
    const { document } = this
    orDamaged(() =>
      document.transact(() => {
        for (const update of updates) Y.applyUpdate(document, update, LOADING)
      }, LOADING),
    )
  }

  /**
   * Takes in what is stored, into an empty log. If many runs have written it, which Yjs takes longer over than reading it takes, rows show
   * before the document has it: {@link bringIn} gives it that, and is called by all that needs it.
   *
   * @param manyRuns - From so many on.
   * @throws {@link MerrowError} `storage_failed` if an update cannot be read.
   */
  show(updates: readonly Uint8Array[], manyRuns = MANY_RUNS): void {
    const isShown = orDamaged(
      () =>
        clientsOf(updates) >= manyRuns &&
        this.#reader.readStored(
          updates,
          this.#loadingSink(() => {}),
        ),
    )
    if (isShown) this.#shown = updates
    else this.load(updates)
  }

  /** Whether the document has all that rows show. */
  get isWhole(): boolean {
    return this.#shown === undefined
  }

  /**
   * Makes the document whole: gives it what {@link show} has read. Rows stay as they are; should Yjs make anything else of the bytes, that
   * is told as a remote change.
   *
   * @returns Whether it was not whole before.
   * @throws {@link MerrowError} `storage_failed` if Yjs cannot read it; rows can be read all the same.
   */
  bringIn(): boolean {
    const updates = this.#shown
    if (updates === undefined) return false
    this.#shown = undefined
    const before = new Map(this.#entries)
    this.#entries.clear()
    this.#loose = 0
    try {
      this.load(updates)
    } catch (error) {
      this.#shown = updates
      for (const [id, entry] of before) this.#entries.set(id, entry)
      throw error
    }
    for (const work of this.#onWhole.splice(0)) work()
    const changes = keepRows(before, this.#entries)
    if (changes.size > 0) this.#listener(changes)
    return true
  }

  /** Lets go of the document. */
  destroy(): void {
    this.#document.destroy()
  }

  /** The whole document as one update. */
  encode(): Uint8Array {
    return Y.encodeStateAsUpdate(this.document)
  }

  /**
   * Stages one patch, with a stamp above all that this replica has seen.
   *
   * @param insert - Whether it creates the row.
   * @param columns - What it writes; for inserts, the same array each time is quicker.
   * @param values - Stored values, one a column.
   * @returns The patch.
   */
  stage(id: string, insert: boolean, columns: readonly string[], values: readonly unknown[]): Patch {
    this.bringIn()
    const shape = insert ? this.#shapes.insert(columns) : this.#shapes.update(columns)
    const before = this.#entries.get(id)
    const { patch, after } = this.#staging.add({ id, shape, values, stamp: this.#clock.next() }, before, this.#shapes)
    this.#entries.set(id, after)
    if (!this.#localChanges.has(id)) this.#localChanges.set(id, before)
    return patch
  }

  /** Remembers where staging stands, so that it can be taken back to here. */
  mark(): StagingMark {
    return this.#staging.mark()
  }

  /** Keeps what was staged since the mark. */
  release(mark: StagingMark): void {
    this.#staging.release(mark)
  }

  /** Takes back all that was staged since the mark. */
  rollback(mark: StagingMark): void {
    for (const { id, before } of this.#staging.rollback(mark)) {
      this.#put(id, before)
      if (this.#localChanges.get(id) === before) this.#localChanges.delete(id)
    }
  }

  /** Carries all that is staged into the document, as one Yjs transaction; nothing if nothing is staged. */
  commit(): void {
    if (this.#staging.isEmpty) return
    const { patches, displaced } = this.#staging.take()
    // Before the writer packs them.
    const ids = new Set(patches.map(({ raw }) => raw[1]))
    this.#position = this.#clock.newest
    this.#loose += patches.length
    this.document.transact(() => {
      this.#writer.write(patches)
      for (const id of ids) this.#noteSuperseded(this.#entries.get(id))
      this.#clean(displaced)
    }, this)
  }

  /** Ids of the rows that {@link takeLocalChanges} would give. */
  unannounced(): Iterable<string> {
    return this.#localChanges.keys()
  }

  /** Rows that staging changed since this was last asked, and their entries before. */
  takeLocalChanges(): RowChanges {
    const changes = this.#localChanges
    if (changes.size > 0) this.#localChanges = new Map()
    return changes
  }

  /** Removes the notes of purges before a time, in milliseconds since the epoch: nobody is expected to bring older writes any more. */
  forgetPurges(beforeMs: number): void {
    const old = new Map<string, readonly Patch[]>()
    for (const entry of this.#entries.values()) {
      if (entry.packed !== undefined || entry.valid === entry.patches) continue
      const { id, patches } = entry
      const notes = patches.filter(({ shape, stamp }) => shape.isPurge && stampTimeMs(stamp) < beforeMs)
      if (notes.length > 0) old.set(id, notes)
    }
    if (old.size === 0) return
    if (this.bringIn()) return this.forgetPurges(beforeMs)
    this.document.transact(() => {
      this.#segments.deletePatches([...old.values()].flat())
      for (const [id, notes] of old) this.#removeFromEntry(id, notes)
      this.#segments.dropEmpty()
    }, this)
  }

  /**
   * Packs rows into blocks, if enough of them are worth it: their live writes go into new ones, in the same transaction in which the old
   * are deleted. Rows stay as they are, whoever does it at once.
   *
   * @returns How many rows it packed.
   */
  compact(): number {
    // Nobody has written to it.
    if (!this.isWhole) return 0
    if (this.#loose < Math.max(MIN_DIRTY, this.#entries.size / DIRTY_SHARE)) return 0
    this.#loose = 0
    return this.pack(rowsToPack)
  }

  /** Packs the rows that are chosen; all, unless told which. @returns How many. */
  pack(choose: (entries: ReadonlyMap<string, Entry>) => readonly Entry[] = (entries) => [...entries.values()]): number {
    this.bringIn()
    this.commit()
    const rows = choose(this.#entries)
    if (rows.length === 0) return 0
    // Its own segment goes with the rest: it writes into a new one, if at all.
    this.seal()
    this.#pack(rows)
    return rows.length
  }

  /** Takes in copies of patches that stand in another document, by row; those that are here already, or would not show, are passed over. */
  adopt(rows: ReadonlyMap<string, readonly Patch[]>): void {
    this.bringIn()
    const lacking = [...rows].flatMap(([id, patches]) => {
      const held = this.#entries.get(id)
      return patches.filter((patch) => held === undefined || !holdsAll(held, patch)).map((patch) => ({ id, patch }))
    })
    if (lacking.length === 0) return
    this.document.transact(() => {
      for (const copy of writeCopies(this.#segments, lacking)) this.#takePatch(copy, () => {})
    }, this)
    for (const id of new Set(lacking.map(({ id }) => id))) this.#noteSuperseded(this.#entries.get(id))
  }

  /** Deletes all that the document holds of some rows; a block in which they lie is written anew. */
  drop(ids: Iterable<string>): void {
    this.bringIn()
    const entries = Array.from(ids, (id) => this.#entries.get(id) ?? []).flat()
    if (entries.length === 0) return
    this.document.transact(() => {
      const gone = entries.flatMap(({ patches }) => patches)
      this.#segments.deletePatches(gone)
      for (const { id, patches } of entries) this.#removeFromEntry(id, patches)
      this.#pack(this.#rowsOf(new Set(gone.flatMap(({ segment: { block } }) => block ?? []))))
      this.#segments.dropEmpty()
    }, this)
  }

  /** Ends this replica's open segment: it will write into a new one, if at all. */
  seal(): void {
    this.#document.transact(() => this.#writer.seal(), this)
  }

  /** Takes in patches that nobody has to be told of, into a log without staged ones. */
  #loadFrom(transaction: Y.Transaction): void {
    const several = new Set<string>()
    const sink = this.#loadingSink((id, before) => {
      if (before !== undefined) several.add(id)
    })
    if (this.#segments.isEmpty) this.#reader.readAll(sink)
    else this.#reader.read(transaction, sink)
    for (const id of several) this.#noteSuperseded(this.#entries.get(id))
  }

  #loadingSink(note: (id: string, before: Entry | undefined) => void): PatchSink {
    return {
      onPatch: (patch) => this.#takePatch(patch, note),
      onBlock: (block) => this.#takeBlock(block, note),
      onBlockDeleted: (block) => this.#forgetBlock(block, note),
      onDeleted: (raw) => this.#forgetDeleted(raw),
    }
  }

  /** One Yjs transaction a block, unless within one. */
  #pack(rows: readonly Entry[]): void {
    for (const packed of packRows(rows, this.#packRules))
      this.document.transact(() => {
        this.#packBlock(packed)
        this.#segments.deletePatches(packed.entries.flatMap(({ patches }) => patches))
        this.#segments.dropEmpty()
      }, this)
    this.#lastCompactionMs = this.#clock.nowMs
  }

  #packBlock({ entries, rows }: PackedRows): void {
    const packedAt = entries.reduce(packedAfter, this.#clock.next())
    const bytes = encodeBlock({ packedAt, packer: this.replica, rows })
    const segment = this.#segments.append(bytes)
    const placed = new PlacedBlock(segment, decodeBlock(bytes), { bytes: bytes.length, shapes: this.#shapes })
    for (const after of placed.entries()) {
      const { id } = after
      after.row = this.#entries.get(id)?.row
      this.#superseded.delete(id)
      this.#entries.set(id, after)
    }
  }

  #takeBlock(block: PlacedBlock, tell: (id: string, before: Entry | undefined) => void): void {
    this.#clock.seeAll(block.stamps)
    for (const row of block.entries()) {
      const { id } = row
      const before = this.#entries.get(id)
      const after =
        before === undefined ? row : row.patches.reduce((entry, patch) => withPatch(entry, id, patch), before)
      this.#entries.set(id, after)
      tell(id, before)
    }
  }

  #forgetBlock(block: BlockSource, tell: (id: string, before: Entry) => void): void {
    for (const id of block.ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || !entry.patches.some(({ segment }) => segment.block === block)) continue
      this.#superseded.delete(id)
      this.#put(
        id,
        withoutPatches(entry, ({ segment }) => segment.block === block),
      )
      tell(id, entry)
    }
  }

  #takePatch(patch: Patch, tell: (id: string, before: Entry | undefined) => void): void {
    const id = unpackId(patch.raw[1])
    if (id === undefined) {
      this.#reader.refused += 1
      return
    }
    this.#clock.see(patch.stamp)
    this.#loose += 1
    const before = this.#entries.get(id)
    this.#entries.set(id, withPatch(before, id, patch))
    tell(id, before)
  }

  /** Removes a patch that the document no longer holds. @returns the row's entry before, if that held it. */
  #forgetDeleted(raw: readonly unknown[]): Entry | undefined {
    const id = typeof raw[1] === 'string' ? unpackId(raw[1]) : undefined
    const entry = id === undefined ? undefined : this.#entries.get(id)
    const patch = entry?.patches.find((candidate) => candidate.raw === raw)
    if (entry === undefined || patch === undefined) return undefined
    patch.segment.live -= 1
    this.#superseded.delete(entry.id)
    this.#put(
      entry.id,
      withoutPatches(entry, (other) => other === patch),
    )
    return entry
  }

  #takeIn(transaction: Y.Transaction): RowChanges {
    const changes = new Map<string, Entry | undefined>()
    const note = (id: string, before: Entry | undefined): void => {
      if (!changes.has(id)) changes.set(id, this.#beforeChange(id, before))
    }
    const packed = new Set<string>()
    const notePacked = (id: string, before: Entry | undefined): void => {
      packed.add(id)
      note(id, before)
    }
    this.#reader.read(transaction, {
      onPatch: (patch) => this.#takePatch(patch, note),
      onBlock: (block) => this.#takeBlock(block, notePacked),
      onBlockDeleted: (block) => this.#forgetBlock(block, notePacked),
      onDeleted: (raw) => {
        const before = this.#forgetDeleted(raw)
        if (before !== undefined) note(before.id, before)
      },
    })
    for (const id of changes.keys()) this.#noteSuperseded(this.#entries.get(id))
    for (const id of packed) {
      const [before, entry] = [changes.get(id), this.#entries.get(id)]
      if (before === undefined || entry === undefined || !showsSame(before, entry)) continue
      // Packed elsewhere: nobody has to hear of it.
      entry.row = before.row
      changes.delete(id)
    }
    return changes
  }

  /** The entry that listeners know: the one before staged changes that they have not been told of yet. */
  #beforeChange(id: string, entry: Entry | undefined): Entry | undefined {
    if (!this.#localChanges.has(id)) return entry
    const before = this.#localChanges.get(id)
    this.#localChanges.delete(id)
    return before
  }

  #noteSuperseded(entry: Entry | undefined): void {
    if (entry === undefined) return
    const gone = this.#withoutKept(superseded(entry), entry).filter(({ segment }) => segment.list !== undefined)
    if (gone.length > 0) this.#superseded.set(entry.id, gone)
  }

  /** The superseded patches of a row that are not kept as its history. What a purge voided never is. */
  #withoutKept(patches: readonly Patch[], entry: Entry): readonly Patch[] {
    const history = this.#history
    if (history === undefined || patches.length === 0) return patches
    const kept = patches
      .filter((patch) => entry.valid.includes(patch) && this.#clock.ageMs(patch.stamp) <= history.maxAgeMs)
      .slice(-history.maxWrites)
    return patches.filter((patch) => !kept.includes(patch))
  }

  /** Deletes what nobody will see again. Every replica may do it, at once even: deletes are idempotent. */
  #clean(displaced: readonly Patch[]): void {
    if (displaced.length + this.#superseded.size > 0) {
      const gone = new Set(displaced)
      for (const patches of this.#superseded.values()) for (const patch of patches) gone.add(patch)
      const toRewrite = this.#blocksToRewrite(displaced)
      this.#segments.deletePatches(gone)
      for (const [id, patches] of this.#superseded) this.#removeFromEntry(id, patches)
      this.#superseded.clear()
      if (toRewrite.size > 0) this.#pack(this.#rowsOf(toRewrite))
    }
    if (this.#segments.dropEmpty() > 0) this.#lastCompactionMs = this.#clock.nowMs
  }

  /** Blocks that hold what must not stay, even unseen: what a purge voided, and what would come back at the next loading. */
  #blocksToRewrite(displaced: readonly Patch[]): ReadonlySet<BlockSource> {
    const voided = [...this.#superseded].flatMap(([id, patches]) => {
      const entry = this.#entries.get(id)
      return entry === undefined || entry.valid === entry.patches ? [] : patches
    })
    return new Set([...displaced, ...voided].flatMap(({ segment: { block } }) => block ?? []))
  }

  #rowsOf(blocks: ReadonlySet<BlockSource>): readonly Entry[] {
    const ids = new Set([...blocks].flatMap((block) => block.ids))
    return [...ids].flatMap((id) => {
      const entry = this.#entries.get(id)
      return entry?.patches.some(({ segment: { block } }) => block !== undefined && blocks.has(block)) ? entry : []
    })
  }

  #removeFromEntry(id: string, gone: readonly Patch[]): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const after = withoutPatches(entry, (patch) => gone.includes(patch))
    if (after !== undefined) after.row = entry.row
    this.#put(id, after)
  }

  #put(id: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#entries.delete(id)
    else this.#entries.set(id, entry)
  }
}

const orDamaged = <T>(read: () => T): T => {
  try {
    return read()
  } catch (cause) {
    const message =
      'A stored update cannot be read, so the store is damaged. Restore it from a backup, or remove it and sync again.'
    throw new MerrowError('storage_failed', message, { cause })
  }
}

/** Hands rows on to entries read anew. @returns those that are not as they were, as they were. */
const keepRows = (before: ReadonlyMap<string, Entry>, after: ReadonlyMap<string, Entry>): RowChanges => {
  const changes = new Map<string, Entry | undefined>()
  for (const [id, entry] of after) {
    const held = before.get(id)
    if (held !== undefined && isSameEntry(held, entry)) entry.row = held.row
    else changes.set(id, held)
  }
  for (const [id, held] of before) if (!after.has(id)) changes.set(id, held)
  return changes
}

/** A stamp above those of the blocks that a row was packed in. */
const packedAfter = (stamp: number, { patches }: Entry): number =>
  patches.reduce((after, { segment: { block } }) => Math.max(after, (block?.packedAt ?? 0) + 1), stamp)

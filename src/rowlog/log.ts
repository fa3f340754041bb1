// The row log: rows as stamped patches in one Y.Doc. Knows the merge law; no columns, no storage, no network.
import type * as Y from 'yjs'
import type { RandomBytes } from '../ids.ts'
import { type StampClock, stampTimeMs } from '../stamp.ts'
import { DIRTY_SHARE, MIN_DIRTY, rowsToPack } from './compaction.ts'
import { writeCopies } from './copies.ts'
import { type Entry, holdsAll, withoutCopies } from './entry.ts'
import { LogDocument, orDamaged } from './log-document.ts'
import { Losses } from './losses.ts'
import { blocksOf } from './packer.ts'
import { type Retention, type RowChanges, RowEntries } from './row-entries.ts'
import type { Patch } from './segment.ts'
import { ShapeBook } from './shape.ts'
import { Staging, type StagingMark } from './staging.ts'
import { countLog, type LogStats } from './stats.ts'
import { clientsOf } from './stored-lists.ts'

export type { RowChanges }

/** What a row log is given to work with. */
export interface RowLogOptions {
  /** Name of this writer, `<device>.<run>`, unique for good. */
  readonly replica: string
  /** Who its patches are by. */
  readonly author: string | undefined
  readonly clock: StampClock
  /** Source of the document's client id; Yjs's own if left out. */
  readonly random?: RandomBytes | undefined
  /** Superseded patches that are kept all the same: of each row at most so many, and none older than that. None if left out. */
  readonly history?: Retention | undefined
  /** Whether the writes of a field may lose their exact time once they are old; see `packRow`. None may if left out. */
  readonly isFoldable?: (field: string) => boolean
  /**
   * For how long notes of purges are kept, where nothing but purges deletes rows: then a younger write that somebody has deleted, and that
   * nothing replaces, is lost; see {@link RowLog.isIntact}. Losses are not looked for if left out.
   */
  readonly purgesKeptMs?: number | undefined
}

const NOTHING: ReadonlyMap<string, readonly Patch[]> = new Map()
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
  readonly #options: RowLogOptions
  readonly #clock: StampClock
  readonly #shapes = new ShapeBook()
  readonly #staging: Staging
  /** What it stands on; another one after {@link renew}. */
  #base: LogDocument
  readonly #entries: RowEntries
  readonly #losses: Losses | undefined
  #localChanges = new Map<string, Entry | undefined>()
  #listener: (changes: RowChanges) => void = () => {}
  readonly #onUpdate: ((update: Uint8Array, isLocal: boolean) => void)[] = []
  #position = 0
  #lastDropMs: number | undefined
  /** Stored updates whose rows show, and which the document lacks. */
  #shown: readonly Uint8Array[] | undefined
  #onWhole: (() => void)[] = []
  /** Ids of rows that were found worth packing and are not packed yet, the first one last. */
  #toPack: string[] = []

  constructor(options: RowLogOptions) {
    const { replica, author, clock, history, purgesKeptMs } = options
    this.replica = replica
    this.#options = options
    this.#clock = clock
    this.#entries = new RowEntries(clock, history)
    this.#losses = purgesKeptMs === undefined ? undefined : new Losses(clock, purgesKeptMs)
    this.#staging = new Staging({ replica, author })
    this.#base = this.#begin()
  }

  /** Begins an empty document. */
  #begin(): LogDocument {
    const { replica, author, clock, random, history, isFoldable = () => false } = this.#options
    return new LogDocument({
      ...{ replica, author, clock, random, isFoldable, keepsHistory: history !== undefined },
      shapes: this.#shapes,
      entries: this.#entries,
      losses: this.#losses,
      beforeOf: (id, entry) => this.#beforeChange(id, entry),
      onRemoteChange: (changes) => {
        this.#staging.noteElsewhere(changes.keys())
        this.#listener(changes)
      },
      onUpdate: (update, isLocal) => {
        for (const listener of this.#onUpdate) listener(update, isLocal)
      },
    })
  }

  /** The Yjs document, for storage and sync to carry; whole, see {@link bringIn}. */
  get document(): Y.Doc {
    this.bringIn()
    return this.#base.document
  }

  /** All rows that anything is known of, by id: soft-deleted ones and ones whose insert is yet to come included. */
  get entries(): ReadonlyMap<string, Entry> {
    return this.#entries.all
  }

  /** Elements of the document that were of no use; they were left where they are. */
  get refused(): number {
    return this.#base.intake.refused
  }

  /** When this run last dropped segments, in milliseconds since the epoch; undefined if it has not. */
  get lastCompactionMs(): number | undefined {
    return latest(this.#lastDropMs, this.#base.packer.lastMs)
  }

  /** Counts what the document and its rows come to. @param records - Ids of entries that are no rows. */
  stats(records: ReadonlySet<string>): LogStats {
    const { document, entries } = this
    const replaced = new Set([...this.#entries.superseded.values()].flat())
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
    this.#onUpdate.push(listener)
  }

  /** Calls `work` once the document is whole: now, or when it is brought in. */
  onWhole(work: () => void): void {
    if (this.isWhole) work()
    else this.#onWhole.push(work)
  }

  /** Takes in stored updates, all in one transaction. @throws {@link MerrowError} `storage_failed` if one cannot be read. */
  load(updates: readonly Uint8Array[]): void {
    this.bringIn()
    this.#base.load(updates)
  }

  /**
   * Takes in what is stored, into an empty log. If many runs have written it, which Yjs takes longer over than reading it takes, rows show
   * before the document has it: {@link bringIn} gives it that, and is called by all that needs it.
   *
   * @param manyRuns - From so many on.
   * @throws {@link MerrowError} `storage_failed` if an update cannot be read.
   */
  show(updates: readonly Uint8Array[], manyRuns = MANY_RUNS): void {
    const isShown = orDamaged(() => clientsOf(updates) >= manyRuns && this.#base.intake.readStored(updates))
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
    let changes: RowChanges
    try {
      changes = this.#entries.readAgain(() => this.load(updates))
    } catch (error) {
      this.#shown = updates
      throw error
    }
    for (const work of this.#onWhole.splice(0)) work()
    if (changes.size > 0) this.#listener(changes)
    return true
  }

  /** Whether no write was deleted from elsewhere that nothing replaces: if one was, somebody says something else under the clocks of this log. */
  get isIntact(): boolean {
    return this.#lost.size === 0 && this.#torn.size === 0
  }

  /** Writes again what was lost. */
  restoreLost(): void {
    const [lost, torn] = [this.#lost, this.#torn]
    if (lost.size + torn.size === 0) return
    const changes = new Map(Array.from(lost.keys(), (id) => [id, this.#entries.get(id)]))
    // Rows show these; they are held no more, so that they are written.
    for (const [id, patches] of torn) this.#entries.remove(id, patches)
    this.adopt(torn)
    this.adopt(lost)
    this.#losses?.clear()
    this.#listener(changes)
  }

  get #torn(): ReadonlyMap<string, readonly Patch[]> {
    return this.#losses?.torn(this.#entries) ?? NOTHING
  }

  get #lost(): ReadonlyMap<string, readonly Patch[]> {
    return this.#losses?.left(this.#entries) ?? NOTHING
  }

  /**
   * Goes on with another document, which says the same under clocks of its own: those of this one are taken by somebody who says something else.
   * Rows stay as they are, but for those that were lost, which are back. No update is told of it.
   *
   * @returns The new document as one update.
   */
  renew(): Uint8Array {
    this.bringIn()
    this.commit()
    const copy = new RowLog(this.#options)
    copy.adopt(new Map(Array.from(this.entries, ([id, { patches }]) => [id, patches])))
    copy.adopt(this.#lost)
    this.#losses?.clear()
    copy.seal()
    const update = copy.encode()
    copy.destroy()
    this.#base.destroy()
    this.#base = this.#begin()
    this.#toPack = []
    const changes = this.#entries.readAgain(() => this.load([update]))
    if (changes.size > 0) this.#listener(changes)
    return update
  }

  /** Lets go of the document. */
  destroy(): void {
    this.#base.destroy()
  }

  /** The whole document as one update. */
  encode(): Uint8Array {
    this.bringIn()
    return this.#base.encode()
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
      this.#entries.set(id, before)
      if (this.#localChanges.get(id) === before) this.#localChanges.delete(id)
    }
  }

  /** Carries all that is staged into the document, as one Yjs transaction; nothing if nothing is staged. */
  commit(): void {
    if (this.#staging.isEmpty) return
    const { patches, displaced, written } = this.#staging.take()
    this.#position = this.#clock.newest
    this.#entries.loose += patches.length
    this.#base.transact(() => {
      this.#base.writer.write(patches)
      this.#entries.noteSuperseded(written)
      this.#clean(displaced)
    })
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
    for (const entry of this.entries.values()) {
      if (entry.packed !== undefined || entry.single !== undefined || entry.valid === entry.patches) continue
      const { id, patches } = entry
      const notes = patches.filter(({ shape, stamp }) => shape.isPurge && stampTimeMs(stamp) < beforeMs)
      if (notes.length > 0) old.set(id, notes)
    }
    if (old.size === 0) return
    if (this.bringIn()) return this.forgetPurges(beforeMs)
    this.#base.transact(() => {
      this.#base.segments.deletePatches([...old.values()].flat())
      for (const [id, notes] of old) this.#entries.remove(id, notes)
      this.#base.segments.dropEmpty()
    })
  }

  /**
   * Packs rows into blocks, if enough of them are worth it: their live writes go into new ones, in the same transaction in which the old
   * are deleted. Rows stay as they are, whoever does it at once.
   *
   * @param most - Rows to pack before it returns; the next call goes on with the others, as they are then.
   * @returns How many rows it packed; 0 once none is left.
   */
  compact(most = Number.POSITIVE_INFINITY): number {
    // Nobody has written to it.
    if (!this.isWhole) return 0
    if (this.#toPack.length === 0) {
      if (this.#entries.loose < Math.max(MIN_DIRTY, this.entries.size / DIRTY_SHARE)) return 0
      this.#entries.loose = 0
      this.commit()
      this.#toPack = rowsToPack(this.entries)
        .map(({ id }) => id)
        .sort()
        .reverse()
    }
    let packed = 0
    while (packed === 0 && this.#toPack.length > 0) {
      const ids = this.#toPack.splice(-Math.min(most, this.#toPack.length)).reverse()
      packed = this.pack((entries) => ids.flatMap((id) => entries.get(id) ?? []))
    }
    return packed
  }

  /** Packs the rows that are chosen; all, unless told which. @returns How many. */
  pack(choose: (entries: ReadonlyMap<string, Entry>) => readonly Entry[] = (entries) => [...entries.values()]): number {
    this.bringIn()
    this.commit()
    const rows = choose(this.entries)
    if (rows.length === 0) return 0
    // Its own segment goes with the rest: it writes into a new one, if at all.
    this.seal()
    this.#base.packer.pack(rows)
    return rows.length
  }

  /** Takes in copies of patches that stand in another document, by row; those that are here already, or would not show, are passed over. */
  adopt(rows: ReadonlyMap<string, readonly Patch[]>): void {
    this.bringIn()
    const lacking = [...rows].flatMap(([id, patches]) => {
      const held = this.#entries.get(id)
      return withoutCopies(patches)
        .filter((patch) => held === undefined || !holdsAll(held, patch))
        .map((patch) => ({ id, patch }))
    })
    if (lacking.length === 0) return
    this.#base.transact(() => {
      for (const copy of writeCopies(this.#base.segments, lacking)) this.#entries.takePatch(copy, () => {})
    })
    this.#entries.noteSuperseded(new Set(lacking.map(({ id }) => id)))
  }

  /** Deletes all that the document holds of some rows; a block in which they lie is written anew. */
  drop(ids: Iterable<string>): void {
    this.bringIn()
    const entries = Array.from(ids, (id) => this.#entries.get(id) ?? []).flat()
    if (entries.length === 0) return
    this.#base.transact(() => {
      const gone = entries.flatMap(({ patches }) => patches)
      this.#base.segments.deletePatches(gone)
      for (const { id, patches } of entries) this.#entries.remove(id, patches)
      this.#base.packer.rewrite(blocksOf(gone))
      this.#base.segments.dropEmpty()
    })
  }

  /** Ends this replica's open segment: it will write into a new one, if at all. */
  seal(): void {
    this.#base.seal()
  }

  /** The entry that listeners know: the one before staged changes that they have not been told of yet. */
  #beforeChange(id: string, entry: Entry | undefined): Entry | undefined {
    if (!this.#localChanges.has(id)) return entry
    const before = this.#localChanges.get(id)
    this.#localChanges.delete(id)
    return before
  }

  /** Deletes what nobody will see again. Every replica may do it, at once even: deletes are idempotent. */
  #clean(displaced: readonly Patch[]): void {
    if (displaced.length + this.#entries.superseded.size > 0) {
      const gone = new Set(displaced)
      for (const patches of this.#entries.superseded.values()) for (const patch of patches) gone.add(patch)
      const toRewrite = this.#base.packer.blocksToRewrite(displaced)
      this.#base.segments.deletePatches(gone)
      this.#entries.dropSuperseded()
      if (toRewrite.size > 0) this.#base.packer.rewrite(toRewrite)
    }
    if (this.#base.segments.dropEmpty() > 0) this.#lastDropMs = this.#clock.nowMs
  }
}

const latest = (a: number | undefined, b: number | undefined): number | undefined =>
  a === undefined || b === undefined ? (a ?? b) : Math.max(a, b)

// The entries of a log's rows, as patches come to them and go, and which patches nobody will see again. Knows the merge law and clocks;
// no document.
import { unpackId } from '../ids.ts'
import type { StampClock } from '../stamp.ts'
import type { PlacedBlock } from './block-place.ts'
import { type Entry, isSameEntry, showsSame, superseded, withoutPatches, withPatch } from './entry.ts'
import type { BlockSource, Patch } from './segment.ts'

/** Rows that changed, and their entries before; undefined for rows that were unknown. */
export type RowChanges = ReadonlyMap<string, Entry | undefined>

/** Superseded patches that are kept all the same: of each row at most so many, and none older than that. */
export interface Retention {
  readonly maxWrites: number
  readonly maxAgeMs: number
}

/** Is told of a row that changes, and of its entry before. */
export type OnChange = (id: string, before: Entry | undefined) => void

/** All entries of one log. */
export class RowEntries {
  readonly #clock: StampClock
  readonly #history: Retention | undefined
  readonly #entries = new Map<string, Entry>()
  readonly #superseded = new Map<string, readonly Patch[]>()
  /** Patches outside blocks that have come since somebody set it back. */
  loose = 0
  /** Patches that were of no use, since their row has no id. */
  refused = 0

  constructor(clock: StampClock, history: Retention | undefined) {
    this.#clock = clock
    this.#history = history
  }

  /** By row id. */
  get all(): ReadonlyMap<string, Entry> {
    return this.#entries
  }

  /** Patches in the document that nobody will see again, by row. */
  get superseded(): ReadonlyMap<string, readonly Patch[]> {
    return this.#superseded
  }

  get(id: string): Entry | undefined {
    return this.#entries.get(id)
  }

  set(id: string, entry: Entry | undefined): void {
    if (entry === undefined) this.#entries.delete(id)
    else this.#entries.set(id, entry)
  }

  /** Puts a packed entry in the place of the one that was packed; its row stays the same. */
  replace(packed: Entry): void {
    const { id } = packed
    packed.row = this.#entries.get(id)?.row
    this.#superseded.delete(id)
    this.#entries.set(id, packed)
  }

  /** Takes some patches out of a row's entry; its row stays the same. */
  remove(id: string, gone: readonly Patch[]): void {
    const entry = this.#entries.get(id)
    if (entry === undefined) return
    const after = withoutPatches(entry, (patch) => gone.includes(patch))
    if (after !== undefined) after.row = entry.row
    this.set(id, after)
  }

  takePatch(patch: Patch, tell: OnChange): void {
    const id = unpackId(patch.raw[1])
    if (id === undefined) {
      this.refused += 1
      return
    }
    this.#clock.see(patch.stamp)
    this.loose += 1
    const before = this.#entries.get(id)
    this.#entries.set(id, withPatch(before, id, patch))
    tell(id, before)
  }

  takeBlock(block: PlacedBlock, tell: OnChange): void {
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

  /** Removes the patches of a block that the document no longer holds. */
  forgetBlock(block: BlockSource, tell: OnChange): void {
    for (const id of block.ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || !entry.patches.some(({ segment }) => segment.block === block)) continue
      this.#superseded.delete(id)
      this.set(
        id,
        withoutPatches(entry, ({ segment }) => segment.block === block),
      )
      tell(id, entry)
    }
  }

  /** Removes a patch that the document no longer holds, by what it was there. */
  forgetPatch(raw: readonly unknown[], tell: OnChange): void {
    const id = typeof raw[1] === 'string' ? unpackId(raw[1]) : undefined
    const entry = id === undefined ? undefined : this.#entries.get(id)
    const patch = entry?.patches.find((candidate) => candidate.raw === raw)
    if (entry === undefined || patch === undefined) return
    patch.segment.live -= 1
    this.#superseded.delete(entry.id)
    this.set(
      entry.id,
      withoutPatches(entry, (other) => other === patch),
    )
    tell(entry.id, entry)
  }

  /** Looks which patches of some rows nobody will see again. */
  noteSuperseded(ids: Iterable<string>): void {
    for (const id of ids) {
      const entry = this.#entries.get(id)
      if (entry === undefined || entry.single !== undefined) continue
      const gone = this.#withoutKept(superseded(entry), entry).filter(({ segment }) => segment.list !== undefined)
      if (gone.length > 0) this.#superseded.set(id, gone)
    }
  }

  /** Takes all superseded patches out of their entries. */
  dropSuperseded(): void {
    for (const [id, patches] of this.#superseded) this.remove(id, patches)
    this.#superseded.clear()
  }

  /**
   * Has all entries read again from the beginning. Rows whose patches are the same stay the same objects.
   *
   * @returns The others. If `read` throws, entries are as they were.
   */
  readAgain(read: () => void): RowChanges {
    const before = new Map(this.#entries)
    this.#entries.clear()
    this.#superseded.clear()
    this.loose = 0
    this.refused = 0
    try {
      read()
    } catch (error) {
      this.#entries.clear()
      for (const [id, entry] of before) this.#entries.set(id, entry)
      throw error
    }
    const changes = new Map<string, Entry | undefined>()
    for (const [id, entry] of this.#entries) {
      const held = before.get(id)
      if (held !== undefined && (isSameEntry(held, entry) || showsSame(held, entry))) entry.row = held.row
      else changes.set(id, held)
    }
    for (const [id, held] of before) if (!this.#entries.has(id)) changes.set(id, held)
    return changes
  }

  /** Without those that are kept as the row's history. What a purge voided never is. */
  #withoutKept(patches: readonly Patch[], entry: Entry): readonly Patch[] {
    const history = this.#history
    if (history === undefined || patches.length === 0) return patches
    const kept = patches
      .filter((patch) => entry.valid.includes(patch) && this.#clock.ageMs(patch.stamp) <= history.maxAgeMs)
      .slice(-history.maxWrites)
    return patches.filter((patch) => !kept.includes(patch))
  }
}

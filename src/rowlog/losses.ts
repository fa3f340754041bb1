// Writes that were deleted from elsewhere although nothing replaces them: whoever deleted them had something else under their clocks. Knows
// entries and how long notes of purges are kept; not what becomes of it.
import type { StampClock } from '../stamp.ts'
import { Entry, holdsAll, lostIn, withoutPatches } from './entry.ts'
import type { RowEntries } from './row-entries.ts'
import type { Patch, Segment } from './segment.ts'

/** What has gone of a log's rows and should not have. */
export class Losses {
  readonly #clock: StampClock
  readonly #purgesKeptMs: number
  readonly #lost = new Map<string, readonly Patch[]>()
  /** Segments whose patches are here, and could not be read again. */
  readonly #torn = new Set<Segment>()

  /** @param purgesKeptMs - The note of a purge is kept for so long at least: an older write may have been purged, and the note be gone. */
  constructor(clock: StampClock, purgesKeptMs: number) {
    this.#clock = clock
    this.#purgesKeptMs = purgesKeptMs
  }

  /** Looks at rows of which something was deleted. @param before - Their entries before that. */
  look(before: ReadonlyMap<string, Entry>, entries: RowEntries): void {
    for (const [id, entry] of before) {
      const lost = lostIn(entry, entries.get(id)).filter(({ stamp }) => this.#clock.ageMs(stamp) < this.#purgesKeptMs)
      if (lost.length > 0) this.#lost.set(id, [...(this.#lost.get(id) ?? []), ...lost])
    }
  }

  /** Takes note of a segment that misses a part. */
  noteTorn(segment: Segment): void {
    this.#torn.add(segment)
  }

  /** What rows show and the document can no longer say, by row. What it says elsewhere too is held as it stands there alone from now on. */
  torn(entries: RowEntries): ReadonlyMap<string, readonly Patch[]> {
    const found = new Map<string, readonly Patch[]>()
    if (this.#torn.size === 0) return found
    for (const [id, entry] of entries.all) {
      const torn = entry.patches.filter(({ segment }) => this.#torn.has(segment))
      if (torn.length === 0) continue
      const sound = withoutPatches(entry, (patch) => torn.includes(patch))
      const lost = torn.filter((patch) => sound === undefined || !holdsAll(sound, patch))
      const held = torn.filter((patch) => !lost.includes(patch))
      if (held.length > 0) entries.remove(id, held)
      if (lost.length > 0) found.set(id, lost)
    }
    if (found.size === 0) this.#torn.clear()
    return found
  }

  /** What is still lost, by row: what replaces a write may come after it was deleted. */
  left(entries: RowEntries): ReadonlyMap<string, readonly Patch[]> {
    for (const [id, patches] of this.#lost) {
      const lost = patches.filter((patch) => lostIn(Entry.only(id, patch), entries.get(id)).length > 0)
      if (lost.length > 0) this.#lost.set(id, lost)
      else this.#lost.delete(id)
    }
    return this.#lost
  }

  /** They have been written again. */
  clear(): void {
    this.#lost.clear()
    this.#torn.clear()
  }
}

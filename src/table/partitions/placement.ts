// Placement: which open documents hold a row, what its patches in all of them make together, and where it belongs. Writes nothing.
import {
  comparePatches,
  Entry,
  isSameCopy,
  isSameWrite,
  type LogPatch,
  type RowLog,
  showsSame,
} from '../../rowlog/index.ts'

/** One open partition. */
export interface Partition {
  readonly key: string
  readonly log: RowLog
  /** Whether its rows show: one that is open for the sake of others' rows alone is not listed. */
  isListed: boolean
  /** Whether what is stored of it has been read. */
  isLoaded: boolean
}

/** A row as all open documents know it. */
export interface Placed {
  readonly entry: Entry
  /** The key that it gives; undefined if nobody can say. */
  readonly home: string | undefined
  /** Whether it is what a row has left behind long ago whose own document knows of no such row any more: it was purged. */
  readonly isForgotten: boolean
}

/** How a placement judges rows. */
export interface PlacementRules {
  /** The key that a row gives; undefined if nobody can say. */
  readonly keyOf: (entry: Entry | undefined) => string | undefined
  /** Whether so much time has passed since the last of a row's writes that notes of its purge may have been dropped. */
  readonly isOld: (entry: Entry) => boolean
}

/**
 * The rows of all open partitions.
 *
 * A row is what its patches in all open documents make together, and shows while the document of its key is open. So it is there
 * once, wherever its patches lie. Rows that lie in the document of their key alone, nearly all, cost nothing here.
 */
export class Placement {
  readonly partitions = new Map<string, Partition>()
  /** Rows that lie in several open documents, or in one that is not theirs. */
  readonly #irregular = new Map<string, Placed>()
  readonly rules: PlacementRules

  constructor(rules: PlacementRules) {
    this.rules = rules
  }

  /** What shows of a row. */
  get(id: string): Entry | undefined {
    const placed = this.#irregular.get(id)
    if (placed !== undefined) return this.shown(placed)
    return this.#elsewhere(id, undefined)?.log.entries.get(id)
  }

  *keys(): Generator<string, undefined, undefined> {
    for (const { id } of this.values()) yield id
  }

  *values(): Generator<Entry, undefined, undefined> {
    for (const { isListed, log } of this.partitions.values()) {
      if (!isListed) continue
      for (const entry of log.entries.values()) if (!this.#irregular.has(entry.id)) yield entry
    }
    for (const placed of this.#irregular.values()) {
      const entry = this.shown(placed)
      if (entry !== undefined) yield entry
    }
  }

  /** Where a row is, shown or not. */
  placed(id: string): Placed | undefined {
    const placed = this.#irregular.get(id)
    if (placed !== undefined) return placed
    for (const { key, log } of this.partitions.values()) {
      const entry = log.entries.get(id)
      if (entry !== undefined) return { entry, home: key, isForgotten: false }
    }
    return undefined
  }

  /** A row before one of its documents changed, of which {@link look} has not been told yet. */
  placedBefore(id: string, { key }: Partition, before: Entry | undefined): Placed | undefined {
    const placed = this.#irregular.get(id)
    if (placed !== undefined) return placed
    if (before !== undefined) return { entry: before, home: key, isForgotten: false }
    const other = this.#elsewhere(id, key, false)
    return other && { entry: other.log.entries.get(id) as Entry, home: other.key, isForgotten: false }
  }

  /** What shows of a placed row. */
  shown(placed: Placed | undefined): Entry | undefined {
    if (placed === undefined) return undefined
    const { entry, home, isForgotten } = placed
    if (isForgotten) return undefined
    return home === undefined || this.partitions.get(home)?.isListed === true ? entry : undefined
  }

  /** The rows that lie in several open documents, or in one that is not theirs. */
  irregular(): ReadonlyMap<string, Placed> {
    return this.#irregular
  }

  /** The open partitions that hold patches of a row. */
  holders(id: string): readonly Partition[] {
    return [...this.partitions.values()].filter(({ log }) => log.entries.has(id))
  }

  /** Looks at a row again; it stays the same object if it shows the same. @returns where it is now. */
  look(id: string): Placed | undefined {
    const before = this.get(id)
    const placed = this.#locate(id)
    keepRow(before, this.get(id))
    return placed
  }

  #locate(id: string): Placed | undefined {
    const { first, isAlone } = this.#find(id)
    if (first === undefined) {
      this.#irregular.delete(id)
      return undefined
    }
    const entry = isAlone ? (first.log.entries.get(id) as Entry) : joined(id, this.holders(id))
    const placed = this.#place(entry)
    if (!isAlone || placed.home !== first.key) this.#irregular.set(id, placed)
    else if (this.#irregular.size > 0) this.#irregular.delete(id)
    return placed
  }

  /** Looks at a row that one open document alone holds. @returns where it is if that is not its own. */
  lookIn(id: string, { key, log }: Partition): Placed | undefined {
    const entry = log.entries.get(id) as Entry
    const placed = this.#place(entry)
    if (placed.home === key) return undefined
    this.#irregular.set(id, placed)
    return placed
  }

  /** Whether no open document holds anything of a row but, maybe, the given one. */
  isIn(id: string, partition: Partition): boolean {
    if (this.#irregular.has(id)) return false
    const { first, isAlone } = this.#find(id)
    return first === undefined || (isAlone && first === partition)
  }

  #place(entry: Entry): Placed {
    const home = this.rules.keyOf(entry)
    const own = home === undefined ? undefined : this.partitions.get(home)
    const isForgotten = own?.isLoaded === true && !own.log.entries.has(entry.id) && this.rules.isOld(entry)
    return { entry, home, isForgotten }
  }

  #find(id: string): { readonly first: Partition | undefined; readonly isAlone: boolean } {
    let first: Partition | undefined
    for (const partition of this.partitions.values()) {
      if (!partition.log.entries.has(id)) continue
      if (first !== undefined) return { first, isAlone: false }
      first = partition
    }
    return { first, isAlone: true }
  }

  /** Puts back what was known of an irregular row. */
  restore(id: string, placed: Placed | undefined): void {
    if (placed === undefined) this.#irregular.delete(id)
    else this.#irregular.set(id, placed)
  }

  #elsewhere(id: string, key: string | undefined, listed = true): Partition | undefined {
    for (const partition of this.partitions.values())
      if (partition.key !== key && (partition.isListed || !listed) && partition.log.entries.has(id)) return partition
    return undefined
  }
}

/** Hands the row of one entry on to another that shows the same. @returns whether it does. */
export const keepRow = (before: Entry | undefined, now: Entry | undefined): boolean => {
  if (before === now) return true
  if (before === undefined || now === undefined || !showsSame(before, now)) return false
  now.row = before.row ?? now.row
  return true
}

/** The patches of a row in several documents as one entry, copies once. */
const joined = (id: string, holders: readonly Partition[]): Entry => {
  const entries = holders.map(({ log }) => log.entries.get(id) as Entry)
  if (entries.length === 1) return entries[0] as Entry
  const sorted = entries.flatMap(({ patches }) => patches).sort(comparePatches)
  const patches = sorted.filter((patch, at) => !isCopy(patch, at, sorted))
  const holdsAll = (entry: Entry): boolean =>
    entry.patches.length >= patches.length &&
    patches.every((patch) => entry.patches.some((one) => isSameCopy(one, patch)))
  return entries.find(holdsAll) ?? new Entry(id, patches)
}

const isCopy = (patch: LogPatch, at: number, sorted: readonly LogPatch[]): boolean => {
  for (let before = at - 1; before >= 0; before--) {
    const other = sorted[before] as LogPatch
    // Copies lie side by side, those of blocks too.
    if (!isSameWrite(other, patch)) return false
    if (isSameCopy(other, patch)) return true
  }
  return false
}

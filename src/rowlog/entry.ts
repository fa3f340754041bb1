// Entries: the live patches of one row, and which of them still matter. Knows the merge law, not where patches rest.

import { equalityDeep } from 'lib0/function'
import { FIRST_VALUE } from './format.ts'
import { comparePatches, isSameBlock, isSamePatch, isSameWrite, type Patch, type Segment } from './segment.ts'
import { CREATED, DELETED, KNEW, placeIn, type Shape } from './shape.ts'

const NONE: readonly Patch[] = []

/** Rows that lie together, by columns: most are read, and never written again. */
export interface PackedRows {
  readonly segment: Segment
  readonly fields: readonly string[]
  patchesOf(row: number): readonly Patch[]
  /** The values of a field, and the place of each row's last one among them; -1 where a row has none. */
  columnOf(field: string): { readonly values: readonly unknown[]; readonly last: Int32Array } | undefined
  /** The stamp of a row's insert; undefined if it is not here. */
  createdAt(row: number): number | undefined
  /** A row's last patch. */
  lastOf(row: number): { readonly stamp: number; readonly shape: Shape; readonly author: string | undefined }
}

/**
 * The patches of one row, lowest first. Immutable, so that the row before a change stays at hand.
 *
 * The row is what comes out when they are laid over one another in this order.
 */
export class Entry {
  readonly id: string
  // Until somebody asks for the patches: of a row that lies in a block, the block and the row's number there; of one that was written to
  // once, its patch and nothing. In the same two fields, since there are as many entries as rows.
  #patches: readonly Patch[] | PackedRows | Patch
  #valid: readonly Patch[] | number | undefined
  /** Whatever the layer above made of it; kept here so that it lives as long as the entry. */
  row: unknown

  /** @param valid - Found among the patches, unless it is known. */
  constructor(id: string, patches: readonly Patch[], valid = withoutCopies(afterPurge(patches))) {
    this.id = id
    this.#patches = patches
    this.#valid = valid
  }

  /** The entry of a row that lies in a block, each patch once and later than the one before, none of them a purge. */
  static packed(id: string, rows: PackedRows, at: number): Entry {
    const entry = new Entry(id, NONE, NONE)
    entry.#patches = rows
    entry.#valid = at
    return entry
  }

  /** The entry of a row that was written to once. */
  static only(id: string, patch: Patch): Entry {
    if (patch.shape.isPurge) return new Entry(id, [patch])
    const entry = new Entry(id, NONE, NONE)
    entry.#patches = patch
    entry.#valid = undefined
    return entry
  }

  get patches(): readonly Patch[] {
    return typeof this.#valid === 'object' ? (this.#patches as readonly Patch[]) : this.#layOut()
  }

  /** Those that the row is made of: the patches after its last purge, each once, however many copies of it there are. */
  get valid(): readonly Patch[] {
    return typeof this.#valid === 'object' ? this.#valid : this.#layOut()
  }

  /** The one patch of a row that was written to once, no purge; undefined for others, and may be once somebody has asked for its patches. */
  get single(): Patch | undefined {
    return this.#valid === undefined ? (this.#patches as Patch) : undefined
  }

  /** Where all of it lies, until somebody asks for its patches; undefined for others. */
  get packed(): PackedRows | undefined {
    return typeof this.#valid === 'number' ? (this.#patches as PackedRows) : undefined
  }

  /** The row's number where it is packed. */
  get at(): number {
    return this.#valid as number
  }

  #layOut(): readonly Patch[] {
    const at = this.#valid
    const patches = typeof at === 'number' ? (this.#patches as PackedRows).patchesOf(at) : [this.#patches as Patch]
    this.#patches = patches
    this.#valid = patches
    return patches
  }
}

const afterPurge = (patches: readonly Patch[]): readonly Patch[] => {
  for (let at = patches.length - 1; at >= 0; at--)
    if ((patches[at] as Patch).shape.isPurge) return patches.slice(at + 1)
  return patches
}

/** Each of some patches once; they come in order. */
export const withoutCopies = (patches: readonly Patch[]): readonly Patch[] => {
  let hasCopies = false
  for (let at = 1; at < patches.length && !hasCopies; at++)
    hasCopies = isSamePatch(patches[at - 1] as Patch, patches[at] as Patch)
  return hasCopies ? patches.filter((patch, at) => at === 0 || !isSamePatch(patches[at - 1] as Patch, patch)) : patches
}

/** The entry with one more patch. */
export const withPatch = (entry: Entry | undefined, id: string, patch: Patch): Entry => {
  if (entry === undefined) return Entry.only(id, patch)
  const { patches } = entry
  let at = patches.length
  let order = comparePatches(patches[at - 1] as Patch, patch)
  if (order < 0 && entry.valid === patches && !patch.shape.isPurge) {
    // Most patches are the latest of their row, and void nothing: then all are valid.
    const after = patches.concat(patch)
    return new Entry(id, after, after)
  }
  while (at > 0 && order > 0) order = --at > 0 ? comparePatches(patches[at - 1] as Patch, patch) : 0
  return new Entry(id, patches.toSpliced(at, 0, patch))
}

/** The entry without some of its patches; undefined if none is left. */
export const withoutPatches = (entry: Entry, gone: (patch: Patch) => boolean): Entry | undefined => {
  const patches = entry.patches.filter((patch) => !gone(patch))
  if (patches.length === 0) return undefined
  return entry.valid === entry.patches ? new Entry(entry.id, patches, patches) : new Entry(entry.id, patches)
}

/** Those of a row's patches that one of its latest patches has superseded, among the ones to look at. */
export const supersededBy = (
  latest: Patch,
  { patches }: Entry,
  isLookedAt: (patch: Patch) => boolean,
): readonly Patch[] => {
  let found: Patch[] | undefined
  for (let at = 0; at < patches.length; at++) {
    const patch = patches[at] as Patch
    if (patch === latest || !isLookedAt(patch) || !meets(latest, patch)) continue
    // Of one shape, and earlier: each of its fields is written by the latest, nothing else need be looked at.
    const isCovered = patch.shape === latest.shape && latest.shape.asked.size === 0 && comparePatches(latest, patch) > 0
    if (!isCovered && !isSuperseded(patch, at, patches)) continue
    found ??= []
    found.push(patch)
  }
  return found ?? NONE
}

/** Whether two patches write a field in common, or the first voids the second. */
const meets = ({ shape }: Patch, other: Patch): boolean => {
  if (shape === other.shape || shape.isPurge) return true
  if (shape.insert && other.shape.fields.has(CREATED)) return true
  for (let at = 0; at < shape.columns.length; at++) if (other.shape.fields.has(shape.columns[at] as string)) return true
  return false
}

/** The patches whose every field a later patch of another stamp writes too: nobody will ever see them again. */
export const superseded = (entry: Entry): readonly Patch[] =>
  entry.single !== undefined || entry.patches.length < 2 ? NONE : entry.patches.filter(isSuperseded)

const isSuperseded = (patch: Patch, at: number, patches: readonly Patch[]): boolean => {
  const { insert, columns } = patch.shape
  if (insert && !isReplaced(patch, CREATED, at, patches)) return false
  for (let field = 0; field < columns.length; field++)
    if (!isReplaced(patch, columns[field] as string, at, patches)) return false
  return true
}

const isReplaced = (patch: Patch, field: string, at: number, patches: readonly Patch[]): boolean => {
  // What a writer knew goes with what it wrote.
  if (field.endsWith(KNEW)) return true
  for (let later = at + 1; later < patches.length; later++) {
    const other = patches[later] as Patch
    if (comparePatches(other, patch) <= 0) continue
    if (other.shape.isPurge || (other.shape.fields.has(field) && knew(other, field, patch))) return true
  }
  return false
}

/** The fields of a patch that no later one has replaced; with a field, what its writer knew. */
export const fieldsLeft = (patch: Patch, at: number, patches: readonly Patch[]): ReadonlySet<string> => {
  const left = new Set<string>()
  for (const field of patch.shape.fields)
    if (!field.endsWith(KNEW) && !isReplaced(patch, field, at, patches)) left.add(field)
  for (const field of patch.shape.asked) if (left.has(field)) left.add(`${field}${KNEW}`)
  return left
}

/** Whether an entry has all of a patch that would show in it: copies of the write, or later writes, of each of its fields. */
export const holdsAll = (entry: Entry, patch: Patch): boolean => {
  const copies = entry.patches.filter((other) => isSameWrite(other, patch))
  const { patches } = withPatch(entry, entry.id, patch)
  const left = fieldsLeft(patch, patches.indexOf(patch), patches)
  return [...left].every((field) => copies.some(({ shape }) => shape.fields.has(field)))
}

/** Those of a row's writes that show in one entry, and that another neither has nor replaces. A purge replaces all. */
export const lostIn = ({ valid }: Entry, now: Entry | undefined): readonly Patch[] => {
  if (now?.patches.some(({ shape }) => shape.isPurge)) return NONE
  return valid.filter(
    (patch, at) =>
      now?.patches.includes(patch) !== true &&
      [...fieldsLeft(patch, at, valid)].some((field) => now === undefined || !isKept(now, field, patch)),
  )
}

/** Whether an entry has a field as it was, or as a later write left it. Packing may have lowered the stamp of an old write. */
const isKept = (entry: Entry, field: string, patch: Patch): boolean => {
  if (field.endsWith(KNEW)) return true
  if (field === CREATED) return isCreated(entry)
  const last = winnerOf(entry, field)
  return last !== undefined && (last.stamp >= patch.stamp || equalityDeep(last.value(field), patch.value(field)))
}

/** Whether the writer of a field says that it knew an earlier write of it; one that says nothing replaces all earlier ones. */
const knew = (later: Patch, field: string, earlier: Patch): boolean => {
  if (!later.shape.asked.has(field) || isSameWrite(later, earlier)) return true
  const known = later.value(`${field}${KNEW}`)
  if (!Array.isArray(known)) return true
  for (let at = 1; at + 1 < known.length; at += 2)
    if (known[at] === earlier.stamp && known[at + 1] === earlier.replica) return true
  return false
}

/** Whether two entries of a row show the same: what a row is made of is equal, wherever it rests. */
export const showsSame = (a: Entry, b: Entry): boolean => {
  const [lastA, lastB] = [a.valid.at(-1), b.valid.at(-1)]
  if (lastA?.stamp !== lastB?.stamp || lastA?.author !== lastB?.author) return false
  const [shownA, shownB] = [shownBy(a), shownBy(b)]
  return (
    shownA.size === shownB.size &&
    [...shownA].every(([key, value]) => shownB.has(key) && equalityDeep(value, shownB.get(key)))
  )
}

/** Whether two entries of a row consist of the same patches, wherever they were read from. */
export const isSameEntry = (a: Entry, b: Entry): boolean => {
  const [inA, inB] = [a.packed, b.packed]
  if (inA !== undefined && inB !== undefined) return a.at === b.at && isSameBlock(inA.segment, inB.segment)
  return (
    a.patches.length === b.patches.length && a.patches.every((patch, at) => isSamePatch(patch, b.patches[at] as Patch))
  )
}

/** What shows of a row, by field; writes that did not know each other apart, by the order in which they lie. */
const shownBy = ({ valid }: Entry): ReadonlyMap<string, unknown> => {
  const shown = new Map<string, unknown>()
  valid.forEach((patch, at) => {
    for (const field of fieldsLeft(patch, at, valid)) {
      if (field === CREATED) shown.set(field, patch.stamp)
      else {
        const asked = patch.shape.asked.has(field) || field.endsWith(KNEW) ? `${patch.stamp} ${patch.replica}` : ''
        shown.set(`${field} ${asked}`, patch.value(field))
      }
    }
  })
  return shown
}

/** The writes of a column that no later write has replaced, lowest first: more than one if they did not know each other. */
export const siblingsOf = ({ valid }: Entry, column: string): readonly Patch[] =>
  valid.filter((patch, at) => patch.shape.fields.has(column) && !isReplaced(patch, column, at, valid))

/** The last write of a field. */
export const winnerOf = ({ valid }: Entry, field: string): Patch | undefined => {
  for (let at = valid.length - 1; at >= 0; at--) {
    const patch = valid[at] as Patch
    if (placeIn(patch.shape, field) >= 0) return patch
  }
  return undefined
}

/** Whether a row has been inserted, as far as is known; patches may be here before the insert is. */
export const isCreated = (entry: Entry): boolean =>
  entry.single?.shape.insert ?? entry.valid.some(({ shape }) => shape.fields.has(CREATED))

/** The stored value of one field; undefined if nothing has written it. */
export const fieldOf = ({ valid }: Entry, field: string): unknown => {
  for (let at = valid.length - 1; at >= 0; at--) {
    const patch = valid[at] as Patch
    const column = placeIn(patch.shape, field)
    if (column >= 0) return patch.raw[FIRST_VALUE + column]
  }
  return undefined
}

/** Whether a row is soft-deleted. */
export const isDeleted = (entry: Entry): boolean =>
  typeof (entry.single === undefined ? fieldOf(entry, DELETED) : entry.single.value(DELETED)) === 'number'

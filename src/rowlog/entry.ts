// Entries: the live patches of one row, and which of them still matter. Knows the merge law, not where patches rest.
import { comparePatches, type Patch } from './segment.ts'
import { CREATED, DELETED } from './shape.ts'

/**
 * The patches of one row, lowest first. Immutable, so that the row before a change stays at hand.
 *
 * The row is what comes out when they are laid over one another in this order.
 */
export class Entry {
  readonly id: string
  readonly patches: readonly Patch[]
  /** Whatever the layer above made of it; kept here so that it lives as long as the entry. */
  row: unknown

  constructor(id: string, patches: readonly Patch[]) {
    this.id = id
    this.patches = patches
  }
}

/** The entry with one more patch. */
export const withPatch = (entry: Entry | undefined, id: string, patch: Patch): Entry => {
  if (entry === undefined) return new Entry(id, [patch])
  const { patches } = entry
  let at = patches.length
  while (at > 0 && comparePatches(patches[at - 1] as Patch, patch) > 0) at--
  return new Entry(id, patches.toSpliced(at, 0, patch))
}

/** The entry without some of its patches; undefined if none is left. */
export const withoutPatches = (entry: Entry, gone: (patch: Patch) => boolean): Entry | undefined => {
  const patches = entry.patches.filter((patch) => !gone(patch))
  return patches.length === 0 ? undefined : new Entry(entry.id, patches)
}

/** The patches whose every field a later patch of another stamp writes too: nobody will ever see them again. */
export const superseded = ({ patches }: Entry): readonly Patch[] =>
  patches.length < 2 ? NONE : patches.filter(isSuperseded)

const NONE: readonly Patch[] = []

const isSuperseded = (patch: Patch, at: number, patches: readonly Patch[]): boolean => {
  let from = at + 1
  while (from < patches.length && comparePatches(patches[from] as Patch, patch) <= 0) from++
  for (const field of patch.shape.fields) if (!isWritten(field, patches, from)) return false
  return true
}

const isWritten = (field: string, patches: readonly Patch[], from: number): boolean => {
  for (let at = from; at < patches.length; at++) if (patches[at]?.shape.fields.has(field)) return true
  return false
}

/** Whether a row has been inserted, as far as is known; patches may be here before the insert is. */
export const isCreated = ({ patches }: Entry): boolean => patches.some((patch) => patch.shape.fields.has(CREATED))

/** The stored value of one field; undefined if nothing has written it. */
export const fieldOf = ({ patches }: Entry, field: string): unknown => {
  for (let at = patches.length - 1; at >= 0; at--) {
    const patch = patches[at] as Patch
    const column = patch.shape.columns.indexOf(field)
    if (column >= 0) return patch.raw[3 + column]
  }
  return undefined
}

/** Whether a row is soft-deleted. */
export const isDeleted = (entry: Entry): boolean => typeof fieldOf(entry, DELETED) === 'number'

// Compaction: which rows are worth packing, and what of them goes into a block. Knows entries; no bytes, no document.
import { STAMPS_PER_MINUTE } from '../stamp.ts'
import { BLOCK_PATCHES, BLOCK_ROWS, BLOCK_VALUES, type BlockPatch, type BlockRow } from './block.ts'
import { type Entry, fieldsLeft } from './entry.ts'
import { FIRST_VALUE } from './format.ts'
import type { Patch } from './segment.ts'
import { CREATED, DELETED } from './shape.ts'

/** What packing has to know of a table. */
export interface PackRules {
  /** Age of a stamp in milliseconds; below zero in the future. */
  readonly ageMs: (stamp: number) => number
  /** Whether a field is of a kind whose writes may lose their exact time once they are old. */
  readonly isFoldable: (field: string) => boolean
  /** Whether replaced writes are kept, so that all stays as it was written. */
  readonly keepsHistory: boolean
}

const HOUR_MS = 60 * 60 * 1000
/** A write older than this is known by its minute. */
const MINUTES_AFTER_MS = 24 * HOUR_MS
/** Writes older than this, to one row, are one. */
const ONE_AFTER_MS = 30 * 24 * HOUR_MS
/** Above every name of a replica, so that a write whose writer is forgotten replaces the one that it was. */
const FORGOTTEN_WRITER = '~'

/** Of so many rows one has to be worth packing, for those around to be packed with it. */
const ROWS_PER_DIRTY = 32
/** Below so many rows worth packing it is not done. */
export const MIN_DIRTY = 64
/** Nor while they are a smaller part of all than one in so many. */
export const DIRTY_SHARE = 20

/**
 * The rows to pack: those whose writes lie apart, and those that share a segment or block with many of them.
 *
 * @returns None while there are too few: less than a twentieth of all.
 */
export const rowsToPack = (entries: ReadonlyMap<string, Entry>): readonly Entry[] => {
  const dirty = new Set<Entry>()
  const places = new Map<unknown, { rows: number; dirty: number }>()
  for (const entry of entries.values()) {
    const isDirty = liesApart(entry)
    if (isDirty) dirty.add(entry)
    for (const place of placesOf(entry)) {
      const count = places.get(place) ?? { rows: 0, dirty: 0 }
      places.set(place, { rows: count.rows + 1, dirty: count.dirty + (isDirty ? 1 : 0) })
    }
  }
  if (dirty.size < Math.max(MIN_DIRTY, entries.size / DIRTY_SHARE)) return []
  const isShared = (place: unknown): boolean => {
    const count = places.get(place)
    return count !== undefined && count.dirty * ROWS_PER_DIRTY >= count.rows
  }
  return [...entries.values()].filter((entry) => dirty.has(entry) || [...placesOf(entry)].some(isShared))
}

/** Whether a row's writes are in several places, or its last one is an update that has a place of its own. */
const liesApart = (entry: Entry): boolean => {
  if (entry.packed !== undefined) return false
  if (entry.single !== undefined) return entry.single.segment.block === undefined && !entry.single.shape.insert
  const { patches } = entry
  return patches.length > 1
    ? patches.some(({ segment }) => segment.block === undefined || segment.block !== patches[0]?.segment.block)
    : patches[0]?.segment.block === undefined && patches[0]?.shape.insert === false
}

const placesOf = (entry: Entry): ReadonlySet<unknown> => {
  const whole = entry.packed ?? entry.single
  return new Set(whole === undefined ? entry.patches.map(({ segment }) => segment.list) : [whole.segment.list])
}

/**
 * A row as a block holds it: of each write what no later one has replaced.
 *
 * Older writes lose what nobody can ask for any more: after a day their second and their writer, after 30 days, together, their
 * order. They only ever become later by that, and never later than the row's last write; the insert and the last write stay as they are.
 */
export const packRow = (entry: Entry, rules: PackRules): BlockRow => {
  const { id, patches } = entry
  const left = rules.keepsHistory
    ? patches.map(whole)
    : patches.flatMap((patch, at) => reduced(patch, fieldsLeft(patch, at, patches)))
  return { id, patches: canFold(entry, rules) ? fold(left, rules) : left }
}

/** Rows for one block, packed. */
export interface PackedRows {
  readonly entries: readonly Entry[]
  readonly rows: readonly BlockRow[]
}

/** About how many bytes go into one block, and so into one update: far less than relays take. */
const BLOCK_BYTES = 256 * 1024

/** Rows in blocks, by their ids. A row that no block can hold is left out, and stays where it is. */
export const packRows = (entries: readonly Entry[], rules: PackRules): readonly PackedRows[] => {
  const blocks: { entries: Entry[]; rows: BlockRow[] }[] = []
  let room = { patches: 0, values: 0, bytes: 0 }
  for (const entry of entries.toSorted((a, b) => (a.id < b.id ? -1 : 1))) {
    const row = packRow(entry, rules)
    const size = sizeOf(row)
    if (size.patches > BLOCK_PATCHES || size.values > BLOCK_VALUES) continue
    let block = blocks.at(-1)
    const fits = size.patches <= room.patches && size.values <= room.values && size.bytes <= room.bytes
    if (block === undefined || block.rows.length === BLOCK_ROWS || !fits) {
      block = { entries: [], rows: [] }
      blocks.push(block)
      room = { patches: BLOCK_PATCHES, values: BLOCK_VALUES, bytes: BLOCK_BYTES }
    }
    block.entries.push(entry)
    block.rows.push(row)
    room = { patches: room.patches - size.patches, values: room.values - size.values, bytes: room.bytes - size.bytes }
  }
  return blocks
}

const sizeOf = ({
  patches,
}: BlockRow): { readonly patches: number; readonly values: number; readonly bytes: number } => ({
  patches: patches.length,
  values: patches.reduce((sum, { columns }) => sum + columns.length, 0),
  bytes: patches.reduce((sum, { values }) => sum + JSON.stringify(values).length, 0),
})

const whole = (patch: Patch): BlockPatch => ({
  stamp: patch.stamp,
  replica: patch.replica,
  author: patch.author,
  insert: patch.shape.insert,
  columns: patch.shape.columns,
  values: patch.raw.slice(FIRST_VALUE),
})

const reduced = (patch: Patch, left: ReadonlySet<string>): readonly BlockPatch[] => {
  if (left.size === 0) return []
  if (left.size === patch.shape.fields.size) return [whole(patch)]
  const columns = patch.shape.columns.filter((column) => left.has(column))
  const values = columns.map((column) => patch.value(column))
  return [{ ...whole(patch), insert: left.has(CREATED), columns, values }]
}

/** Fields that every table has. Their writes keep their time, and do not stand in the way of others. */
const isOfEveryTable = (field: string): boolean => field === CREATED || field === DELETED || field.startsWith('$')

const canFold = ({ patches, valid }: Entry, { keepsHistory, isFoldable }: PackRules): boolean =>
  !keepsHistory &&
  valid === patches &&
  patches.every(({ shape }) => [...shape.fields].every((field) => isOfEveryTable(field) || isFoldable(field)))

const fold = (patches: readonly BlockPatch[], { ageMs, isFoldable }: PackRules): readonly BlockPatch[] => {
  const last = patches[patches.length - 1]
  const kept: BlockPatch[] = []
  const folded = new Map<number, BlockPatch>()
  let oldest: BlockPatch | undefined
  for (const patch of patches) {
    const minute = Math.ceil(patch.stamp / STAMPS_PER_MINUTE) * STAMPS_PER_MINUTE
    const age = ageMs(patch.stamp)
    const isKept = patch.insert || patch === last || age < MINUTES_AFTER_MS || minute >= (last?.stamp ?? 0)
    if (isKept || !patch.columns.every(isFoldable)) kept.push(patch)
    else if (age >= ONE_AFTER_MS) oldest = joined(oldest, patch, minute)
    else folded.set(minute, joined(folded.get(minute), patch, minute))
  }
  if (oldest !== undefined) folded.set(oldest.stamp, joined(oldest, folded.get(oldest.stamp), oldest.stamp))
  return [...kept, ...folded.values()].sort((a, b) => a.stamp - b.stamp || (a.replica < b.replica ? -1 : 1))
}

const joined = (earlier: BlockPatch | undefined, later: BlockPatch | undefined, stamp: number): BlockPatch => {
  const both = [earlier, later].filter((patch) => patch !== undefined)
  return {
    stamp,
    replica: FORGOTTEN_WRITER,
    author: both.at(-1)?.author,
    insert: false,
    columns: both.flatMap(({ columns }) => columns),
    values: both.flatMap(({ values }) => values),
  }
}

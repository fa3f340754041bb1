// Rows as they are handed out, built from a row's patches. Knows columns and the order of patches; writes nothing.
import { CREATED, DELETED, type Entry, FIRST_VALUE, type LogPatch, type Shape, siblingsOf } from '../rowlog/index.ts'
import type { Column, MergeFunction, RowMeta, TableSchema } from '../schema/index.ts'
import { stampTimeMs } from '../stamp.ts'
import { countOf, elementsOf, parseField } from './registers.ts'

const DELETED_AT = -2
const PART = -3

/** A column whose value is put together from several writes. */
interface Joined {
  readonly place: number
  join(entry: Entry): unknown
}

/** Builds the frozen rows of one table, each once for as long as it does not change. */
export class RowBuilder<R extends RowMeta> {
  readonly #names: readonly string[]
  readonly #readers: readonly ((stored: unknown) => unknown)[]
  readonly #Row: new () => Record<string, unknown>
  readonly #places = new WeakMap<Shape, readonly number[]>()
  /** Counters and sets, joined where a row has parts of them. */
  readonly #parted: readonly Joined[]
  /** Columns with a merge function, joined where a row was written several times. */
  readonly #merged: readonly Joined[]

  /** @param onError - Told of errors that merge functions throw; the later write shows then. */
  constructor({ columns, columnNames }: TableSchema, onError: (error: unknown) => void) {
    this.#names = columnNames
    this.#readers = columnNames.map(
      (name) => (stored) => (stored === undefined ? undefined : columns[name]?.type.read(stored)),
    )
    // Plain objects from a constructor of the table's own: frozen copies of a template would each get a hidden class of its own,
    // which costs 300 B a row and a cache miss a read.
    // biome-ignore lint/complexity/useArrowFunction: an arrow function makes no objects.
    const Row = function () {} as unknown as new () => Record<string, unknown>
    Row.prototype = Object.prototype
    this.#Row = Row
    this.#parted = columnNames.flatMap((name, place) => joinParts(name, place, columns[name]))
    this.#merged = columnNames.flatMap((name, place) => joinWrites(name, place, columns[name], onError))
  }

  /** The row of an entry, soft-deleted or not; undefined while its insert is not here. */
  row(entry: Entry | undefined): R | undefined {
    if (entry === undefined) return undefined
    entry.row ??= this.#build(entry)
    return entry.row as R | undefined
  }

  #build(entry: Entry): R | undefined {
    const { id, valid: patches } = entry
    const stored = new Array<unknown>(this.#names.length).fill(undefined)
    let createdAt: number | undefined
    let deletedAt: unknown
    let hasParts = false
    for (const patch of patches) {
      const { shape, raw } = patch
      if (shape.fields.has(CREATED)) createdAt = stampTimeMs(patch.stamp)
      const places = this.#placesOf(shape)
      for (let at = 0; at < places.length; at++) {
        const place = places[at] as number
        if (place >= 0) stored[place] = raw[FIRST_VALUE + at]
        else if (place === DELETED_AT) deletedAt = raw[FIRST_VALUE + at]
        else if (place === PART) hasParts = true
      }
    }
    const last = patches[patches.length - 1]
    if (createdAt === undefined || last === undefined) return undefined
    if (hasParts) for (const { place, join } of this.#parted) stored[place] = join(entry)
    const row = new this.#Row()
    row['id'] = id
    for (let at = 0; at < stored.length; at++) row[this.#names[at] as string] = this.#readers[at]?.(stored[at])
    if (patches.length > 1)
      for (const { place, join } of this.#merged) {
        const value = join(entry)
        if (value !== undefined) row[this.#names[place] as string] = value
      }
    row['createdAt'] = createdAt
    row['updatedAt'] = stampTimeMs(last.stamp)
    row['deletedAt'] = typeof deletedAt === 'number' ? deletedAt : undefined
    row['updatedBy'] = last.author
    return Object.freeze(row) as unknown as R
  }

  #placesOf(shape: Shape): readonly number[] {
    let places = this.#places.get(shape)
    if (places === undefined) {
      places = shape.columns.map((field) => this.#placeOf(field))
      this.#places.set(shape, places)
    }
    return places
  }

  #placeOf(field: string): number {
    if (field === DELETED) return DELETED_AT
    const { column, part } = parseField(field)
    return part === undefined || !this.#names.includes(column) ? this.#names.indexOf(field) : PART
  }
}

const joinParts = (name: string, place: number, column: Column | undefined): readonly Joined[] => {
  if (column?.rule.kind === 'counter') return [{ place, join: (entry) => countOf(entry, name) }]
  if (column?.rule.kind === 'set') return [{ place, join: (entry) => elementsOf(entry, name) }]
  return []
}

const joinWrites = (
  name: string,
  place: number,
  column: Column | undefined,
  onError: (error: unknown) => void,
): readonly Joined[] => {
  if (column?.rule.kind !== 'merge') return []
  const { merge } = column.rule
  return [{ place, join: (entry) => mergeWrites(siblingsOf(entry, name), name, column, merge, onError) }]
}

/** What a merge function makes of writes that did not know each other; undefined if there is one alone, or it throws. */
const mergeWrites = (
  writes: readonly LogPatch[],
  name: string,
  { type }: Column,
  merge: MergeFunction<unknown>,
  onError: (error: unknown) => void,
): unknown => {
  if (writes.length < 2) return undefined
  const values = writes.map(({ shape, raw }) => type.read(raw[FIRST_VALUE + shape.columns.indexOf(name)]))
  try {
    return values.reduce((a, b) => merge(a, b))
  } catch (error) {
    onError(error)
    return undefined
  }
}

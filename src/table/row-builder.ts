// Rows as they are handed out, built from a row's patches. Knows columns and the order of patches; writes nothing.
import {
  CREATED,
  DELETED,
  type Entry,
  FIRST_VALUE,
  type LogPatch,
  type PackedRows,
  type Shape,
  siblingsOf,
} from '../rowlog/index.ts'
import { type Column, type MergeFunction, type RowMeta, type TableSchema, VERSION_FIELD } from '../schema/index.ts'
import { stampTimeMs } from '../stamp.ts'
import { type Lens, lensesOf, readerOf } from './lenses.ts'
import { countOf, elementsOf, parseField } from './registers.ts'
import { asideOf, describeAside, NOTHING_ASIDE, setAside } from './set-aside.ts'

const DELETED_AT = -2
const PART = -3
/** And below: the number of a former name. */
const FORMER = -4

/** A column whose value is put together from several writes. */
interface Joined {
  readonly place: number
  join(entry: Entry): unknown
}

/** How the patches of a shape are read. */
interface Reading {
  readonly creates: boolean
  /** Where each value goes: the place of its column, or what it is else. */
  readonly places: readonly number[]
}

type PackedColumn = ReturnType<PackedRows['columnOf']>

/** The columns of a block that rows are made of, in the order of the table's. */
interface PackedColumns {
  readonly own: readonly PackedColumn[]
  readonly deleted: PackedColumn
}

/** What a row is made of. */
interface Gathered {
  /** Stored values, in the order of the table's columns. */
  readonly stored: readonly unknown[]
  /** Stamps of the insert and of the last write. */
  readonly createdAt: number
  readonly updatedAt: number
  readonly deletedAt: unknown
  readonly author: string | undefined
}

/** Builds the frozen rows of one table, each once for as long as it does not change. */
export class RowBuilder<R extends RowMeta> {
  readonly #columns: TableSchema['columns']
  readonly #names: readonly string[]
  readonly #readers: readonly ((stored: unknown) => unknown)[]
  readonly #Row: new () => Record<string, unknown>
  readonly #readings = new WeakMap<Shape, Reading>()
  readonly #packedColumns = new WeakMap<PackedRows, PackedColumns>()
  /** Whether each column is one field, under its own name. */
  readonly #isPlain: boolean
  /** Counters and sets, joined where a row has parts of them. */
  readonly #parted: readonly Joined[]
  /** Columns with a merge function, joined where a row was written several times. */
  readonly #merged: readonly Joined[]

  /** Places of sets, which may lack some elements alone. */
  readonly #sets: readonly number[]
  readonly #formerNames: readonly string[]
  readonly #lenses: readonly (readonly Lens[])[]

  /** @param onError - Told of errors that merge functions throw; the later write shows then. */
  constructor(schema: TableSchema, onError: (error: unknown) => void) {
    const { columns, columnNames } = schema
    this.#columns = columns
    this.#names = columnNames
    this.#readers = columnNames.map((name) => readerOf(name, columns[name] as Column))
    this.#sets = columnNames.flatMap((name, place) => (columns[name]?.rule.kind === 'set' ? [place] : []))
    const lenses = lensesOf(schema)
    this.#formerNames = [...lenses.keys()]
    this.#lenses = [...lenses.values()]
    // Plain objects from a constructor of the table's own: frozen copies of a template would each get a hidden class of its own,
    // which costs 300 B a row and a cache miss a read.
    // biome-ignore lint/complexity/useArrowFunction: an arrow function makes no objects.
    const Row = function () {} as unknown as new () => Record<string, unknown>
    Row.prototype = Object.prototype
    this.#Row = Row
    // After a first one with nothing in its fields, numbers are held by reference: a row shares those of its patches, 16 B each.
    const first = new Row()
    for (const field of ['id', ...columnNames, 'createdAt', 'updatedAt', 'deletedAt', 'updatedBy'])
      first[field] = undefined
    Object.freeze(first)
    this.#parted = columnNames.flatMap((name, place) => joinParts(name, place, columns[name]))
    this.#merged = columnNames.flatMap((name, place) => joinWrites(name, place, columns[name], onError))
    this.#isPlain = this.#parted.length + this.#merged.length + this.#formerNames.length === 0
  }

  /** The row of an entry, soft-deleted or not; undefined while its insert is not here. */
  row(entry: Entry | undefined): R | undefined {
    if (entry === undefined) return undefined
    entry.row ??= this.#build(entry)
    return entry.row as R | undefined
  }

  /** As {@link row}, of an entry that came after another: quicker if that one's row is here and one more write makes the difference. */
  rowAfter(before: Entry | undefined, entry: Entry | undefined): R | undefined {
    if (entry !== undefined && entry.row === undefined && before?.row !== undefined)
      entry.row = this.#carryOn(before, entry)
    return this.row(entry)
  }

  /** The row before with one more write to plain columns; undefined if the difference is any other. */
  #carryOn(before: Entry, entry: Entry): R | undefined {
    if (!this.#isPlain || entry.packed !== undefined || before.packed !== undefined) return undefined
    const last = lastAdded(before, entry)
    if (last === undefined || last.shape.insert) return undefined
    const { shape, raw } = last
    const { places } = this.#readingOf(shape)
    const was = before.row as R & Readonly<Record<string, unknown>>
    if (asideOf(was) !== NOTHING_ASIDE) return undefined
    const row = new this.#Row()
    row['id'] = entry.id
    for (const name of this.#names) row[name] = was[name]
    for (let at = 0; at < places.length; at++) {
      const place = places[at] as number
      const stored = raw[FIRST_VALUE + at]
      const value = place < 0 ? undefined : this.#readers[place]?.(stored)
      if (place < 0 || (value === undefined && stored !== undefined)) return undefined
      row[this.#names[place] as string] = value
    }
    row['createdAt'] = was.createdAt
    row['updatedAt'] = stampTimeMs(last.stamp)
    row['deletedAt'] = was.deletedAt
    row['updatedBy'] = last.author
    return Object.freeze(row) as unknown as R
  }

  #build(entry: Entry): R | undefined {
    if (entry.packed !== undefined && this.#isPlain) return this.#buildPacked(entry, entry.packed)
    if (entry.single !== undefined && this.#isPlain) return this.#buildSingle(entry, entry.single)
    const { valid: patches } = entry
    const stored = new Array<unknown>(this.#names.length).fill(undefined)
    let createdAt: number | undefined
    let deletedAt: unknown
    let hasParts = false
    for (const patch of patches) {
      const { shape, raw } = patch
      const { creates, places } = this.#readingOf(shape)
      if (creates) createdAt = patch.stamp
      for (let at = 0; at < places.length; at++) {
        const place = places[at] as number
        if (place >= 0) stored[place] = raw[FIRST_VALUE + at]
        else if (place === DELETED_AT) deletedAt = raw[FIRST_VALUE + at]
        else if (place === PART) hasParts = true
        else if (place <= FORMER) this.#readFormer(FORMER - place, patch, at, stored)
      }
    }
    const last = patches[patches.length - 1]
    if (createdAt === undefined || last === undefined) return undefined
    if (hasParts) for (const { place, join } of this.#parted) stored[place] = join(entry)
    const author = isMigration(last.shape) ? patches.findLast(({ shape }) => !isMigration(shape))?.author : last.author
    return this.#make(entry, { stored, createdAt, updatedAt: last.stamp, deletedAt, author })
  }

  /** Of a row that was written to once, no list of patches is made. */
  #buildSingle(entry: Entry, { shape, raw, stamp, author }: LogPatch): R | undefined {
    const { creates, places } = this.#readingOf(shape)
    if (!creates) return undefined
    const stored = new Array<unknown>(this.#names.length).fill(undefined)
    let deletedAt: unknown
    for (let at = 0; at < places.length; at++) {
      const place = places[at] as number
      if (place >= 0) stored[place] = raw[FIRST_VALUE + at]
      else if (place === DELETED_AT) deletedAt = raw[FIRST_VALUE + at]
    }
    return this.#make(entry, { stored, createdAt: stamp, updatedAt: stamp, deletedAt, author })
  }

  /** Of a row that lies in a block, the columns alone are read. */
  #buildPacked(entry: Entry, packed: PackedRows): R | undefined {
    const { at: row } = entry
    const last = packed.lastOf(row)
    const createdAt = packed.createdAt(row)
    if (createdAt === undefined) return undefined
    const columns = this.#columnsOf(packed)
    const stored = new Array<unknown>(this.#names.length)
    for (let place = 0; place < stored.length; place++) stored[place] = shownIn(columns.own[place], row)
    const deletedAt = shownIn(columns.deleted, row)
    const author = isMigration(last.shape)
      ? entry.valid.findLast(({ shape }) => !isMigration(shape))?.author
      : last.author
    return this.#make(entry, { stored, createdAt, updatedAt: last.stamp, deletedAt, author })
  }

  #make(entry: Entry, { stored, createdAt, updatedAt, deletedAt, author }: Gathered): R {
    const row = new this.#Row()
    row['id'] = entry.id
    let isWhole = true
    for (let at = 0; at < stored.length; at++) {
      const value = this.#readers[at]?.(stored[at])
      if (value === undefined && stored[at] !== undefined) isWhole = false
      row[this.#names[at] as string] = value
    }
    if (this.#merged.length > 0 && entry.valid.length > 1)
      for (const { place, join } of this.#merged) {
        const value = join(entry)
        if (value !== undefined) row[this.#names[place] as string] = value
      }
    const createdMs = stampTimeMs(createdAt)
    row['createdAt'] = createdMs
    row['updatedAt'] = updatedAt === createdAt ? createdMs : stampTimeMs(updatedAt)
    row['deletedAt'] = typeof deletedAt === 'number' ? deletedAt : undefined
    row['updatedBy'] = author
    for (const place of this.#sets) if (this.#lacksElements(row, stored, place)) isWhole = false
    if (!isWhole) this.#noteAside(row, stored)
    return Object.freeze(row) as unknown as R
  }

  #columnsOf(packed: PackedRows): PackedColumns {
    let columns = this.#packedColumns.get(packed)
    if (columns === undefined) {
      columns = { own: this.#names.map((name) => packed.columnOf(name)), deleted: packed.columnOf(DELETED) }
      this.#packedColumns.set(packed, columns)
    }
    return columns
  }

  /** A former name counts as its column, unless the same patch writes the column too. */
  #readFormer(number: number, patch: LogPatch, at: number, stored: unknown[]): void {
    for (const { place, column, read } of this.#lenses[number] as readonly Lens[])
      if (patch.value(column) === undefined) stored[place] = read(patch.raw[FIRST_VALUE + at])
  }

  #lacksElements(row: Record<string, unknown>, stored: readonly unknown[], place: number): boolean {
    const [raw, value] = [stored[place], row[this.#names[place] as string]]
    return Array.isArray(raw) && Array.isArray(value) && raw.length > value.length
  }

  #noteAside(row: Record<string, unknown>, stored: readonly unknown[]): void {
    const lacks = (place: number): boolean =>
      row[this.#names[place] as string] === undefined
        ? stored[place] !== undefined
        : this.#sets.includes(place) && this.#lacksElements(row, stored, place)
    const places = stored.flatMap((_, place) => (lacks(place) ? [place] : []))
    if (places.length === 0) return
    const describe = (place: number, name = this.#names[place] as string) =>
      describeAside(name, this.#columns[name] as Column, stored[place])
    setAside(
      row,
      places.map((place) => describe(place)),
    )
  }

  #readingOf(shape: Shape): Reading {
    let reading = this.#readings.get(shape)
    if (reading === undefined) {
      const places = shape.columns.map((field) => this.#placeOf(field))
      reading = { creates: shape.fields.has(CREATED), places }
      this.#readings.set(shape, reading)
    }
    return reading
  }

  #placeOf(field: string): number {
    if (field === DELETED) return DELETED_AT
    const { column, part } = parseField(field)
    if (part !== undefined && this.#names.includes(column)) return PART
    const former = this.#formerNames.indexOf(field)
    return former < 0 ? this.#names.indexOf(field) : FORMER - former
  }
}

/** Whether a patch only carried a row to another version: nobody is said to have written it. */
export const isMigration = ({ insert, fields }: Shape): boolean => !insert && fields.has(VERSION_FIELD)

/** Whether all that came to a row is by migrations. */
export const isByMigration = (before: Entry | undefined, now: Entry | undefined): boolean => {
  const came = now?.valid.filter((patch) => !before?.patches.includes(patch)) ?? []
  return came.length > 0 && came.every(({ shape }) => isMigration(shape))
}

/** The one patch by which an entry differs from the one before, if it is the last and has replaced none but those of its own columns. */
const lastAdded = ({ valid: before }: Entry, { valid: now }: Entry): LogPatch | undefined => {
  const last = now[now.length - 1]
  if (last === undefined || now.length > before.length + 1) return undefined
  let kept = 0
  for (const patch of before)
    if (patch === now[kept] && kept < now.length - 1) kept += 1
    else if (patch === last || patch.shape !== last.shape) return undefined
  return kept === now.length - 1 ? last : undefined
}

const shownIn = (column: PackedColumn, row: number): unknown => {
  const place = column === undefined ? -1 : (column.last[row] as number)
  return place < 0 ? undefined : column?.values[place]
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
  const values: readonly unknown[] = writes
    .map((write) => type.read(write.value(name)))
    .filter((value) => value !== undefined)
  try {
    return values.length < 2 ? values[0] : values.reduce((a, b) => merge(a, b))
  } catch (error) {
    onError(error)
    return undefined
  }
}

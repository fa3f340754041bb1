// Rows as they are handed out, built from a row's patches. Knows columns and the order of patches; writes nothing.
import { CREATED, DELETED, type Entry, FIRST_VALUE, type Shape } from '../rowlog/index.ts'
import type { RowMeta, TableSchema } from '../schema/index.ts'
import { stampTimeMs } from '../stamp.ts'

const DELETED_AT = -2

/** Builds the frozen rows of one table, each once for as long as it does not change. */
export class RowBuilder<R extends RowMeta> {
  readonly #names: readonly string[]
  readonly #readers: readonly ((stored: unknown) => unknown)[]
  readonly #Row: new () => Record<string, unknown>
  readonly #places = new WeakMap<Shape, readonly number[]>()

  constructor({ columns, columnNames }: TableSchema) {
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
  }

  /** The row of an entry, soft-deleted or not; undefined while its insert is not here. */
  row(entry: Entry | undefined): R | undefined {
    if (entry === undefined) return undefined
    entry.row ??= this.#build(entry)
    return entry.row as R | undefined
  }

  #build({ id, patches }: Entry): R | undefined {
    const stored = new Array<unknown>(this.#names.length).fill(undefined)
    let createdAt: number | undefined
    let deletedAt: unknown
    for (const patch of patches) {
      const { shape, raw } = patch
      if (shape.fields.has(CREATED)) createdAt = stampTimeMs(patch.stamp)
      const places = this.#placesOf(shape)
      for (let at = 0; at < places.length; at++) {
        const place = places[at] as number
        if (place >= 0) stored[place] = raw[FIRST_VALUE + at]
        else if (place === DELETED_AT) deletedAt = raw[FIRST_VALUE + at]
      }
    }
    const last = patches[patches.length - 1]
    if (createdAt === undefined || last === undefined) return undefined
    const row = new this.#Row()
    row['id'] = id
    for (let at = 0; at < stored.length; at++) row[this.#names[at] as string] = this.#readers[at]?.(stored[at])
    row['createdAt'] = createdAt
    row['updatedAt'] = stampTimeMs(last.stamp)
    row['deletedAt'] = typeof deletedAt === 'number' ? deletedAt : undefined
    row['updatedBy'] = last.author
    return Object.freeze(row) as unknown as R
  }

  #placesOf(shape: Shape): readonly number[] {
    let places = this.#places.get(shape)
    if (places === undefined) {
      places = shape.columns.map((name) => (name === DELETED ? DELETED_AT : this.#names.indexOf(name)))
      this.#places.set(shape, places)
    }
    return places
  }
}

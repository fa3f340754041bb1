// Shapes: the column lists that patches share, one object for equal lists. Knows nothing of values.

/** Stands for "the row was created" among a shape's fields; rows show it as their `createdAt`. */
export const CREATED = 'createdAt'
/** The field that a soft delete writes. */
export const DELETED = 'deletedAt'

/** The field that a purge writes: it voids all that was written to the row before. */
export const PURGED = 'purgedAt'

/**
 * Ends the name of a field that says what the writer of a column knew: `[value before, stamp, replica, ...]` of the earlier writes.
 * Of such a column, a later write replaces those alone that it knew.
 */
export const KNEW = '~'

/** What the patches of one kind write. Compare shapes by identity. */
export interface Shape {
  /** Whether its patches create their row. */
  readonly insert: boolean
  readonly columns: readonly string[]
  /** All that it writes: the columns, and {@link CREATED} if it inserts. */
  readonly fields: ReadonlySet<string>
  /** Columns that come with what their writer knew. */
  readonly asked: ReadonlySet<string>
  /** Whether its patches purge their row. */
  readonly isPurge: boolean
}

/** The place of a field's value among those of a patch; -1 if it writes none. Most shapes are short: a loop is quicker than `indexOf`. */
export const placeIn = ({ columns }: Shape, field: string): number => {
  for (let at = 0; at < columns.length; at++) if (columns[at] === field) return at
  return -1
}

/** Gives equal column lists one {@link Shape}. */
export class ShapeBook {
  readonly #inserts = new Map<string, Shape>()
  readonly #updates = new Map<string, Shape>()
  readonly #byList = new WeakMap<readonly string[], Shape>()

  /** The shape of an update. */
  update(columns: readonly string[]): Shape {
    return this.#find(false, columns)
  }

  /** The shape of an insert; quick for a list that it was asked for before. */
  insert(columns: readonly string[]): Shape {
    let shape = this.#byList.get(columns)
    if (shape === undefined) {
      shape = this.#find(true, columns)
      this.#byList.set(columns, shape)
    }
    return shape
  }

  #find(insert: boolean, columns: readonly string[]): Shape {
    const known = insert ? this.#inserts : this.#updates
    const key = columns.length === 1 ? (columns[0] as string) : columns.join('\0')
    let shape = known.get(key)
    if (shape === undefined) {
      const fields = new Set(insert ? [CREATED, ...columns] : columns)
      const asked = new Set(columns.filter((column) => fields.has(`${column}${KNEW}`)))
      shape = { insert, columns: Object.freeze([...columns]), fields, asked, isPurge: fields.has(PURGED) }
      known.set(key, shape)
    }
    return shape
  }
}

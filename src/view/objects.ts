// A view's objects, built from the rows of its tables, each once for as long as it does not change. Writes nothing.
import type { Columns, RowOf } from '../schema/index.ts'
import { diffDraft } from '../table/draft.ts'
import type { Part } from './parts.ts'

/** A row of any table. */
export type AnyRow = RowOf<Columns>
/** An object as a view shows it, whatever its columns. */
export type AnyObject = { readonly id: string } & Readonly<Record<string, unknown>>

interface Built {
  /** The rows it was built from, in the order of the parts. */
  readonly rows: readonly (AnyRow | undefined)[]
  readonly object: AnyObject
}

/** Builds the objects of one view. */
export class Objects {
  readonly #parts: readonly Part[]
  readonly #anchor: Part
  readonly #lastTold: (id: string) => AnyObject | undefined
  readonly #built = new WeakMap<AnyRow, Built>()

  /** @param lastTold - The object as listeners know it; kept if only columns outside the view have changed since. */
  constructor(parts: readonly Part[], anchor: Part, lastTold: (id: string) => AnyObject | undefined) {
    this.#parts = parts
    this.#anchor = anchor
    this.#lastTold = lastTold
  }

  /** The object of an anchor row. If that is soft-deleted, so may the other rows be. */
  of(anchor: AnyRow): AnyObject {
    const withDeleted = anchor.deletedAt !== undefined
    const rows = this.#parts.map((part) =>
      part === this.#anchor ? anchor : part.table.get(anchor.id, { withDeleted }),
    )
    const known = this.#built.get(anchor)
    if (known?.rows.every((row, at) => row === rows[at])) return known.object
    const object = this.#keep(known?.object ?? this.#lastTold(anchor.id), this.#build(anchor.id, rows))
    this.#built.set(anchor, { rows, object })
    return object
  }

  #build(id: string, rows: Built['rows']): AnyObject {
    const object: Record<string, unknown> = { id }
    this.#parts.forEach(({ columns }, at) => {
      const row = rows[at] as Readonly<Record<string, unknown>> | undefined
      for (const [name, column] of columns) object[name] = row?.[column]
    })
    return Object.freeze(object) as AnyObject
  }

  #keep(last: AnyObject | undefined, object: AnyObject): AnyObject {
    return last !== undefined && Object.keys(diffDraft(last, object)).length === 0 ? last : object
  }
}

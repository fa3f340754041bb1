// The result of a followed query: which rows are in it, in what order, shown as what, and what has changed since it was last told.
import type { AnyRow } from '../plan/catalog.ts'
import type { Match } from '../plan/match.ts'
import type { Compare } from '../plan/order.ts'
import type { Shape, Shaped } from '../plan/shape.ts'
import { RowList } from './row-list.ts'
import { Window } from './window.ts'

/** How a result differs from what was told last. */
export interface Difference {
  readonly added: readonly Shaped[]
  readonly changed: readonly Shaped[]
  readonly removed: readonly Shaped[]
}

/** What makes a result. */
export interface ResultOptions {
  readonly matches: Match
  /** The order; undefined if none was asked for. */
  readonly compare: Compare | undefined
  readonly offset: number
  /** Infinity for none. */
  readonly limit: number
  /** What a row is shown as; undefined if as it is. */
  readonly shape: Shape | undefined
}

/** One row's place in the result: what it is, and what was told of it last. */
interface Place {
  readonly id: string
  /** The row as it is; undefined once it matches no more. */
  row: AnyRow | undefined
  /** Whether it is in the window. */
  isVisible: boolean
  /** The row as it was told, and what it was shown as; undefined if it was not in what was told. */
  told: AnyRow | undefined
  shown: Shaped | undefined
  /** Whether it may differ from what was told. */
  isNoted: boolean
}

/** Rows that match, kept in order and cut to a window as they change one by one. */
export class Result {
  readonly #options: ResultOptions
  readonly #places = new Map<string, Place>()
  readonly #window: Window<Place> | undefined
  readonly #list: RowList
  #noted: Place[] = []

  /** @param rows - All rows to begin with that match. */
  constructor(options: ResultOptions, rows: readonly AnyRow[]) {
    const { compare, offset, limit, shape } = options
    this.#options = options
    const sorted = compare === undefined ? rows : [...rows].sort(compare)
    const end = offset + limit
    const places = sorted.map((row, at): Place => {
      const isVisible = at >= offset && at < end
      const shown = !isVisible ? undefined : shape === undefined ? row : shape(row)
      return { id: row.id, row, isVisible, told: isVisible ? row : undefined, shown, isNoted: false }
    })
    for (const place of places) this.#places.set(place.id, place)
    if (compare !== undefined)
      this.#window = new Window<Place>({
        ...{ compare: (a, b) => compare(a.row as AnyRow, b.row as AnyRow), offset, limit, sorted: places },
        onEnter: (place) => this.#show(place, true),
        onLeave: (place) => this.#show(place, false),
      })
    const list = (): readonly AnyRow[] =>
      this.#window?.toArray().map(({ row }) => row as AnyRow) ?? [...this.#visible()]
    this.#list = new RowList(compare, list, shape && (({ id }) => this.#places.get(id)?.shown as Shaped))
  }

  /** All rows as they are shown, in order: the same array until one of them changes. */
  get rows(): readonly Shaped[] {
    return this.#list.read()
  }

  /** Takes in a row as it is now, or that it is gone. */
  put(id: string, row: AnyRow | undefined): void {
    const is = row !== undefined && this.#options.matches(row) ? row : undefined
    let place = this.#places.get(id)
    if (place === undefined) {
      if (is === undefined) return
      place = { id, row: undefined, isVisible: false, told: undefined, shown: undefined, isNoted: false }
      this.#places.set(id, place)
    }
    // What is the same row may be shown with others that have changed.
    if (place.row !== is) this.#move(place, place.row, is)
    else if (place.isVisible && this.#options.shape !== undefined) this.#note(place)
    if (is === undefined && !place.isNoted) this.#places.delete(id)
  }

  /** What has changed since this was last asked; undefined if nothing has. */
  takeDifference(): Difference | undefined {
    if (this.#noted.length === 0) return undefined
    const added: Shaped[] = []
    const changed: Shaped[] = []
    const removed: Shaped[] = []
    let hasMoved = false
    for (const place of this.#noted) {
      const { told, shown: was } = place
      const now = place.isVisible ? place.row : undefined
      const is = this.#shape(place, now)
      if (told !== now || was !== is) this.#list.note(told, now, is)
      if (was === is) hasMoved ||= this.#isMoved(told, now)
      else if (is === undefined) removed.push(was as Shaped)
      else if (was === undefined) added.push(is)
      else changed.push(is)
      place.told = now
      place.shown = is
      place.isNoted = false
      if (place.row === undefined) this.#places.delete(place.id)
    }
    this.#noted = []
    if (!hasMoved && added.length + changed.length + removed.length === 0) return undefined
    return { added, changed, removed }
  }

  *#visible(): Generator<AnyRow, void, undefined> {
    for (const { row, isVisible } of this.#places.values()) if (isVisible && row !== undefined) yield row
  }

  #move(place: Place, was: AnyRow | undefined, is: AnyRow | undefined): void {
    const { compare } = this.#options
    const window = this.#window
    if (compare === undefined || window === undefined) {
      place.row = is
      place.isVisible = is !== undefined
      this.#note(place)
    } else if (was !== undefined && is !== undefined && compare(was, is) === 0) {
      // It stands where it stood: the window holds places, not rows.
      place.row = is
      if (place.isVisible) this.#note(place)
    } else {
      if (was !== undefined) window.delete(place)
      place.row = is
      if (is !== undefined) window.add(place)
    }
  }

  /** Whether a row that shows the same stands elsewhere, by columns that are not shown. */
  #isMoved(was: AnyRow | undefined, is: AnyRow | undefined): boolean {
    const { compare } = this.#options
    return compare !== undefined && was !== undefined && is !== undefined && was !== is && compare(was, is) !== 0
  }

  /** A row came into the window, or went. */
  #show(place: Place, isVisible: boolean): void {
    place.isVisible = isVisible
    this.#note(place)
  }

  #note(place: Place): void {
    if (place.isNoted) return
    place.isNoted = true
    this.#noted.push(place)
  }

  #shape(place: Place, now: AnyRow | undefined): Shaped | undefined {
    const { shape } = this.#options
    return shape === undefined || now === undefined ? now : shape(now, place)
  }
}

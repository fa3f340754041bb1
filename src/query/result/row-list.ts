// The array that a followed query hands out: made when it is read, from the last one where little has changed. Knows rows by their order.
import type { AnyRow } from '../plan/catalog.ts'
import type { Compare } from '../plan/order.ts'
import type { Shaped } from '../plan/shape.ts'

/** One row of the list that changed: as it was, as it is, and as it is shown. */
interface Step {
  readonly was: AnyRow | undefined
  readonly is: AnyRow | undefined
  readonly shown: Shaped | undefined
}

/** Beyond so many changed rows since the last reading, the array is made anew. */
const MAX_STEPS = 64

/** Rows in order, as a new array after each change: copied and patched, which is far quicker than listing them again. */
export class RowList {
  readonly #compare: Compare | undefined
  readonly #list: () => readonly AnyRow[]
  readonly #show: ((row: AnyRow) => Shaped) | undefined
  #steps: Step[] = []
  /** Rows as they are in the table, in the places of those shown; the same array if they are shown as they are. */
  #own: AnyRow[] = []
  #shown: Shaped[] | undefined

  /**
   * @param compare - Their order; undefined if there is none.
   * @param list - Lists the rows as they are.
   * @param show - What a row is shown as; undefined if as it is.
   */
  constructor(
    compare: Compare | undefined,
    list: () => readonly AnyRow[],
    show: ((row: AnyRow) => Shaped) | undefined,
  ) {
    this.#compare = compare
    this.#list = list
    this.#show = show
  }

  /** Takes note of a changed row. */
  note(was: AnyRow | undefined, is: AnyRow | undefined, shown: Shaped | undefined): void {
    if (this.#shown === undefined) return
    this.#steps.push({ was, is, shown })
    if (this.#steps.length <= MAX_STEPS) return
    this.#shown = undefined
    this.#steps = []
  }

  /** The rows as they are shown: the same array until a change was noted. */
  read(): readonly Shaped[] {
    if (this.#shown === undefined) this.#build()
    else if (this.#steps.length > 0) this.#patch(this.#shown)
    return this.#shown as unknown as readonly Shaped[]
  }

  #build(): void {
    this.#own = [...this.#list()]
    this.#shown = this.#show === undefined ? this.#own : this.#own.map(this.#show)
  }

  #patch(last: Shaped[]): void {
    this.#shown = last.slice()
    if (this.#show === undefined) this.#own = this.#shown as AnyRow[]
    for (const step of this.#steps) this.#apply(step)
    this.#steps = []
  }

  #apply({ was, is, shown }: Step): void {
    const isSamePlace =
      was !== undefined && is !== undefined && (this.#compare === undefined || this.#compare(was, is) === 0)
    if (was !== undefined) {
      const at = this.#find(was)
      if (isSamePlace) this.#splice(at, 1, is, shown)
      else this.#splice(at, 1)
    }
    if (is !== undefined && !isSamePlace)
      this.#splice(this.#compare === undefined ? this.#own.length : this.#find(is), 0, is, shown)
  }

  #splice(at: number, count: number, row?: AnyRow, shown?: Shaped): void {
    const lists: (readonly [unknown[], unknown])[] = [[this.#own, row]]
    if (this.#show !== undefined) lists.push([this.#shown as Shaped[], shown])
    for (const [list, item] of lists) {
      if (item === undefined) list.splice(at, count)
      else if (count === 1) list[at] = item
      else list.splice(at, 0, item)
    }
  }

  /** Where a row is, or belongs. */
  #find(row: AnyRow): number {
    const compare = this.#compare
    if (compare === undefined) return this.#own.indexOf(row)
    let [low, high] = [0, this.#own.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (compare(this.#own[middle] as AnyRow, row) < 0) low = middle + 1
      else high = middle
    }
    return low
  }
}

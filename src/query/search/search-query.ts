// Searches: rows by their words, ranked, once or live. Knows the index by what it finds; rows by the plan that filters them.
import { show } from '../../errors.ts'
import type { Listener, QueryEngine } from '../live/engine.ts'
import type { Followed } from '../live/follow.ts'
import type { AnyRow } from '../plan/catalog.ts'
import { checkOptions, refuseQuery } from '../plan/condition.ts'
import type { CompiledPlan } from '../plan/evaluate.ts'
import { keyOfRows } from '../plan/plan.ts'
import type { Difference } from '../result/result.ts'
import type { SearchIndex, WordHit, WordOptions } from './search-index.ts'

/** How to search. */
export interface SearchOptions {
  /** Whether words that begin so are found, too; not by default. */
  readonly prefix?: boolean
  /** How many letters of a word may differ: `true` for a fifth of them, a number, or a share below 1; none by default. */
  readonly fuzzy?: boolean | number
  /** Whether a row must have all the words, as by default, or any of them. */
  readonly match?: 'all' | 'any'
  /** At most so many rows. */
  readonly limit?: number
}

/** A row and how well it fits. */
export interface SearchHit<R> {
  readonly row: R
  /** Comparable within one search alone. */
  readonly score: number
}

const MAX_WORDS_LENGTH = 10_000
const FUZZY_SHARE = 0.2
const MAX_FUZZY = 6

/** A search, best rows first. Immutable; nothing is read until it is asked. */
export class SearchQuery<R> {
  readonly #engine: QueryEngine
  readonly #index: () => SearchIndex
  readonly #compiled: CompiledPlan
  readonly #words: string
  readonly #options: WordOptions & { readonly limit: number }

  /** @internal Made by `table.search()`. */
  constructor(
    engine: QueryEngine,
    source: { readonly index: () => SearchIndex; readonly compiled: CompiledPlan },
    words: string,
    options: SearchOptions,
  ) {
    const { limit = Number.POSITIVE_INFINITY, prefix = false, fuzzy = 0, match = 'all' } = options
    const scope = { table: source.compiled.plan.table, call: 'search()' }
    const refuse = (reason: string) => refuseQuery(scope, reason)
    checkOptions(scope, options, ['prefix', 'fuzzy', 'match', 'limit', 'where'])
    if (typeof words !== 'string' || words.length > MAX_WORDS_LENGTH)
      throw refuse(`${show(words)}: give the words as a string of at most ${MAX_WORDS_LENGTH} characters.`)
    if (limit !== Number.POSITIVE_INFINITY && !(Number.isInteger(limit) && limit >= 0))
      throw refuse(`limit: ${show(limit)}: give 0 or a positive integer.`)
    const letters = fuzzy === true ? FUZZY_SHARE : Number(fuzzy)
    if (!(letters >= 0 && letters <= MAX_FUZZY)) throw refuse(`fuzzy: ${show(fuzzy)}: give true, or 0 to ${MAX_FUZZY}.`)
    if (match !== 'all' && match !== 'any') throw refuse(`match: ${show(match)}: give 'all' or 'any'.`)
    this.#engine = engine
    this.#index = source.index
    this.#compiled = source.compiled
    this.#words = words
    this.#options = { limit, prefix: prefix === true, fuzzy: letters, match }
  }

  /** The rows with how well they fit, best first. */
  hits(): SearchHit<R>[] {
    // Has the index catch up with writes of this very moment.
    void this.#compiled.rows.lookups
    return this.#choose(this.#find())
  }

  /** The rows, best first. */
  all(): R[] {
    return this.hits().map(({ row }) => row)
  }

  /** The row that fits best; undefined if none does. */
  first(): R | undefined {
    return this.hits()[0]?.row
  }

  /** How many rows there are. */
  count(): number {
    return this.hits().length
  }

  /**
   * Calls `listener` at once with the current rows, then once after each transaction that changes them or their order. Every change of
   * searched text shifts the ranks of all rows, so the words are looked up again then: that costs in proportion to the hits.
   *
   * @returns A function that ends it.
   */
  subscribe(listener: Listener<R>): () => void {
    const key = `search ${JSON.stringify([this.#words, this.#options])} in ${keyOfRows(this.#compiled.plan)}`
    return this.#engine.followAs(key, this.#compiled, () => this.#follow(), listener as Listener<unknown>)
  }

  #find(): readonly WordHit[] {
    return this.#index().find(this.#words, this.#options)
  }

  #choose(found: readonly WordHit[]): SearchHit<R>[] {
    const { rows, matches } = this.#compiled
    const hits: SearchHit<R>[] = []
    for (const { id, score } of found) {
      if (hits.length >= this.#options.limit) break
      const row = rows.row(id)
      if (row !== undefined && matches(row)) hits.push({ row: row as R, score })
    }
    return hits
  }

  #follow(): Followed {
    let found = this.#find()
    let ids = new Set(found.map(({ id }) => id))
    let { version } = this.#index()
    let rows = this.#choose(found).map(({ row }) => row as AnyRow)
    let isTouched = false
    const refresh = (): Difference | undefined => {
      if (this.#index().version !== version) {
        version = this.#index().version
        found = this.#find()
        ids = new Set(found.map(({ id }) => id))
        isTouched = true
      }
      if (!isTouched) return undefined
      isTouched = false
      const last = rows
      rows = this.#choose(found).map(({ row }) => row as AnyRow)
      if (rows.length !== last.length || rows.some((row, at) => row !== last[at])) return differenceOf(last, rows)
      rows = last
      return undefined
    }
    return {
      get rows() {
        return rows
      },
      touch({ id }) {
        isTouched ||= ids.has(id)
      },
      touchAll() {
        isTouched = true
      },
      refresh,
    }
  }
}

const differenceOf = (last: readonly AnyRow[], now: readonly AnyRow[]): Difference => {
  const before = new Map(last.map((row) => [row.id, row]))
  const ids = new Set(now.map(({ id }) => id))
  return {
    added: now.filter(({ id }) => !before.has(id)),
    changed: now.filter((row) => before.has(row.id) && before.get(row.id) !== row),
    removed: last.filter(({ id }) => !ids.has(id)),
  }
}

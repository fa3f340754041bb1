// The full-text index of one table, by npm's minisearch: built at the first search, kept as rows change. Knows words, not queries.
import MiniSearch from 'minisearch'
import type { RowChange } from '../live/dependencies.ts'
import { shown } from '../lookup/lookups.ts'
import type { AnyRow } from '../plan/catalog.ts'
import { foldWord, wordsOf } from './words.ts'

/** What of a table is needed here. */
export interface SearchedRows {
  all(withDeleted: boolean): Iterable<AnyRow>
  onChange(listener: (change: RowChange) => void): () => void
}

/** How words are looked for. */
export interface WordOptions {
  /** Whether words that begin so are found, too. */
  readonly prefix: boolean
  /** How many letters of a word may differ: a number, or a share of its length below 1; 0 for none. */
  readonly fuzzy: number
  /** Whether a row must have all the words, or any. */
  readonly match: 'all' | 'any'
}

/** A row that was found. */
export interface WordHit {
  readonly id: string
  /** How well it fits: comparable within one search alone. */
  readonly score: number
}

/** Finds rows by their words. */
export class SearchIndex {
  readonly #index: MiniSearch<AnyRow>
  /** Grows with each change of the index. */
  version = 0

  /** @param columns - Columns whose text is looked at. */
  constructor(columns: readonly string[], rows: SearchedRows) {
    this.#index = new MiniSearch<AnyRow>({
      fields: [...columns],
      extractField: (row, field) => (field === 'id' ? row.id : textOf(row[field])),
      tokenize: wordsOf,
      processTerm: foldWord,
    })
    rows.onChange(({ was, is }) => this.#change(columns, shown(was), shown(is)))
    this.#index.addAll([...rows.all(false)])
  }

  /** The rows that have the words, best first, ties by id. */
  find(words: string, { prefix, fuzzy, match }: WordOptions): readonly WordHit[] {
    const hits = this.#index.search(words, { prefix, fuzzy, combineWith: match === 'all' ? 'AND' : 'OR' })
    return hits
      .map(({ id, score }): WordHit => ({ id, score }))
      .sort((a, b) => b.score - a.score || (a.id < b.id ? -1 : 1))
  }

  #change(columns: readonly string[], was: AnyRow | undefined, is: AnyRow | undefined): void {
    if (was !== undefined && is !== undefined && columns.every((name) => textOf(was[name]) === textOf(is[name]))) return
    if (was !== undefined) this.#index.remove(was)
    if (is !== undefined) this.#index.add(is)
    this.version += 1
  }
}

const textOf = (value: unknown): string =>
  typeof value === 'string' ? value : Array.isArray(value) ? value.join(' ') : ''

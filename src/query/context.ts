// What queries need of their database. Types only.
import type { QueryEngine } from './live/engine.ts'
import type { Catalog } from './plan/catalog.ts'

/** The tables' columns, and who reads and follows their rows. */
export interface QueryContext {
  readonly catalog: Catalog
  readonly engine: QueryEngine
}

/** How a column is ordered. */
export interface OrderOptions {
  /** Where rows without a value go: by default last in ascending, first in descending order. */
  readonly nulls?: 'first' | 'last'
}

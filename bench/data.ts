// Test data: rows of six fields and changes to them, the same for the same seed. Knows no peer and no case.
import * as prng from 'lib0/prng'
import { v7 } from 'uuid'

/** One record, as every peer takes and gives it. */
export interface BenchRow {
  readonly id: string
  readonly title: string
  readonly done: boolean
  readonly priority: number
  readonly country: string
  readonly lat: number
  readonly lon: number
}

/** One change of one field. */
export type BenchPatch = Partial<Omit<BenchRow, 'id'>>

/** A source of random rows and changes. */
export interface DataSource {
  /** Rows with ids above those made before. */
  rows(count: number): BenchRow[]
  /** A change of one field, any of the six. */
  patch(): BenchPatch
  /** One of the given. */
  pick<T>(values: readonly T[]): T
}

const START_MS = Date.UTC(2026, 0, 1)
const ROWS_PER_MS = 100

/**
 * Makes a source of data.
 *
 * Titles have 16 to 24 characters; coordinates five decimals, as gazetteers have them (more would flatter binary formats
 * against JSON); ids are UUIDv7 of one import, a hundred a millisecond.
 */
export const createData = (seed: number): DataSource => {
  const random = prng.create(seed)
  let made = 0
  const makeField = {
    title: () => prng.word(random, 16, 24),
    done: () => prng.bool(random),
    priority: () => prng.int31(random, 0, 9),
    country: () => prng.word(random, 2, 2).toUpperCase(),
    lat: () => prng.int32(random, -9_000_000, 9_000_000) / 100_000,
    lon: () => prng.int32(random, -18_000_000, 18_000_000) / 100_000,
  }
  const makeId = (): string =>
    v7({ msecs: START_MS + Math.floor(made++ / ROWS_PER_MS), random: prng.uint8Array(random, 16) })
  const makeRow = (): BenchRow => ({
    id: makeId(),
    title: makeField.title(),
    done: makeField.done(),
    priority: makeField.priority(),
    country: makeField.country(),
    lat: makeField.lat(),
    lon: makeField.lon(),
  })
  const fields = Object.keys(makeField) as (keyof typeof makeField)[]
  return {
    // Through JSON, so that strings are flat in memory, as they are when they come from a file or a backend.
    rows: (count) => JSON.parse(JSON.stringify(Array.from({ length: count }, makeRow))) as BenchRow[],
    patch: () => {
      const field = prng.oneOf(random, fields)
      return { [field]: makeField[field]() }
    },
    pick: (values) => values[prng.int31(random, 0, values.length - 1)] as (typeof values)[number],
  }
}

/** Sums up rows, touching every field of each; equal for equal rows in whatever order. */
export class Checksum {
  rows = 0
  sum = 0

  /** Takes in one row. */
  add = (row: BenchRow): void => {
    this.rows += 1
    this.sum += row.id.charCodeAt(35) + row.title.length + row.country.charCodeAt(0) + row.priority
    this.sum += Math.round(row.lat * 100_000) + Math.round(row.lon * 100_000) + (row.done ? 1 : 0)
  }
}

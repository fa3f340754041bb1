// Entities: what rows and records are one thing, told by links that are only ever added. Pure: knows no log and no network.
import type { RemoteId } from '../remote-table.ts'

/** One thing: the rows that stand for it here, and the records that were made of it there, one after another. */
export interface Entity {
  readonly table: string
  /** Rows that a link names, the one that all of them become first. */
  readonly rows: string[]
  /** Ids that rows would have which were derived from its records. */
  readonly derived: Set<string>
  /** In the order of their ids: numbers by size, texts of one length by text. */
  readonly records: RemoteId[]
}

/** The connected parts of a graph of rows and records; each record also stands for the row that would be derived from it. */
export class Entities {
  readonly #derive: (table: string, remote: RemoteId) => string
  readonly #byRow = new Map<string, Entity>()
  readonly #byRecord = new Map<string, Entity>()
  readonly #manifold = new Set<Entity>()

  /** @param derive - The row that a record becomes when it is first seen. */
  constructor(derive: (table: string, remote: RemoteId) => string) {
    this.#derive = derive
  }

  ofRow(table: string, row: string): Entity | undefined {
    return this.#byRow.get(rowKey(table, row))
  }

  /** Whether a row, `table/id`, is of any. */
  hasRow(row: string): boolean {
    return this.#byRow.has(row)
  }

  ofRecord(table: string, remote: RemoteId): Entity | undefined {
    return this.#byRecord.get(rowKey(table, String(remote)))
  }

  /** Those of more than one record or row. */
  manifold(): IterableIterator<Entity> {
    return this.#manifold.values()
  }

  /** Says that a row and a record are one. @returns the entity that they are of by now. */
  join(table: string, row: string, remote: RemoteId): Entity {
    const derived = this.#derive(table, remote)
    const known = [this.ofRow(table, row), this.ofRecord(table, remote), this.ofRow(table, derived)]
    const parts = [...new Set(known.filter((one) => one !== undefined))].sort(
      (a, b) => b.records.length - a.records.length,
    )
    const [entity = { table, rows: [], derived: new Set<string>(), records: [] }, ...rest] = parts
    for (const part of rest) {
      this.#manifold.delete(part)
      this.#add(entity, part.rows, part.records)
    }
    this.#add(entity, [row], [remote])
    return entity
  }

  /** Forgets an entity; its links are to be joined again without the one that ends. */
  forget(entity: Entity): void {
    this.#manifold.delete(entity)
    for (const row of [...entity.rows, ...entity.derived]) this.#byRow.delete(rowKey(entity.table, row))
    for (const record of entity.records) this.#byRecord.delete(rowKey(entity.table, String(record)))
  }

  #add(entity: Entity, rows: readonly string[], records: readonly RemoteId[]): void {
    const { table } = entity
    for (const record of records) {
      const derived = this.#derive(table, record)
      if (!entity.records.some((one) => String(one) === String(record))) entity.records.push(record)
      entity.derived.add(derived)
      this.#byRecord.set(rowKey(table, String(record)), entity)
      this.#byRow.set(rowKey(table, derived), entity)
    }
    for (const row of rows) {
      if (!entity.rows.includes(row)) entity.rows.push(row)
      this.#byRow.set(rowKey(table, row), entity)
    }
    if (entity.records.length > 1) entity.records.sort(byId)
    if (entity.rows.length > 1) this.#sortRows(entity)
    if (entity.records.length > 1 || entity.rows.length > 1) this.#manifold.add(entity)
  }

  /** A row that was made here goes before derived ones, and of those the one of the oldest record. */
  #sortRows({ table, rows, records }: Entity): void {
    const places = new Map(records.map((record, at) => [this.#derive(table, record), at]))
    const rank = (row: string): number => (mayBeDerived(row) ? (places.get(row) ?? 0) + 1 : 0)
    rows.sort((a, b) => rank(a) - rank(b) || (a < b ? -1 : 1))
  }
}

/** Names a row among those of all tables. */
export const rowKey = (table: string, id: string): string => `${table}/${id}`

/** Whether an id may be a derived one: they are UUIDs of version 5. */
export const mayBeDerived = (id: string): boolean => id.length === 36 && id[14] === '5'

const byId = (a: RemoteId, b: RemoteId): number => {
  const [one, other] = [String(a), String(b)]
  return one.length - other.length || (one < other ? -1 : 1)
}

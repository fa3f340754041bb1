// Inserting many new rows into a store that nobody here has open: encoded as they come, stored in one append. Knows schemas,
// row logs and the storage port; shows no rows, and tells nobody.
import { createDatabase } from './database.ts'
import { MerrowError } from './errors.ts'
import { Forks } from './forks.ts'
import { createPackedIdSource, type IdScheme, packId, type RandomBytes, randomName, systemRandom } from './ids.ts'
import { InsertEncoder, scratchDocuments } from './rowlog/index.ts'
import type { Schema, TableSchema } from './schema/index.ts'
import { StampClock } from './stamp.ts'
import type { Storage, StorageAdapter } from './storage/port.ts'
import { assertRowId, Registers } from './table/index.ts'

/** What {@link openBulkInsert} takes. */
export interface BulkInsertOptions {
  /** Name of the database. */
  readonly name: string
  readonly schema: Schema
  /** Table of the rows. */
  readonly table: string
  readonly storage: StorageAdapter
  /** Who the rows are by. */
  readonly user?: string | undefined
  /** How ids are made of rows that bring none; UUIDv7 if left out. */
  readonly ids?: IdScheme | undefined
  /** Wall clock, milliseconds since the epoch. */
  readonly now?: () => number
  /** Source of ids. */
  readonly random?: RandomBytes
}

/** Rows on their way into a store: about a tenth of what an open table needs for each, in time and in memory. */
export class BulkInsert {
  readonly #options: BulkInsertOptions
  readonly #store: Storage
  readonly #schema: TableSchema
  readonly #registers: Registers
  readonly #encoder: InsertEncoder
  readonly #makeId: () => string
  readonly #taken: Set<string>
  #columns: readonly string[] | undefined
  #order: readonly number[] = []
  #isInOrder = false
  #idAt = -1

  /** @internal Made by {@link openBulkInsert}. `taken`: the ids that the table has. */
  constructor(
    options: BulkInsertOptions,
    store: Storage,
    { device, taken }: { readonly device: string; readonly taken: Set<string> },
  ) {
    const { schema, table, user, ids, now = Date.now, random = systemRandom } = options
    const replica = `${device}.${randomName(random)}`
    this.#options = options
    this.#store = store
    this.#taken = taken
    this.#schema = schema.tables[table] as TableSchema
    this.#registers = new Registers(this.#schema, replica)
    this.#makeId = ids === undefined ? createPackedIdSource(now, random) : this.#freeIds(ids(now, random))
    const { columns } = this.#registers.ofInsert({ columns: this.#schema.insertFields, values: [] })
    this.#encoder = new InsertEncoder({ replica, author: user, clock: new StampClock(now), columns, random })
  }

  /**
   * Takes a new row, as columns, `id` among them or not, and their values.
   *
   * @param columns - The same array each time is quicker; quickest in the table's order.
   * @param values - Taken over.
   * @throws {@link MerrowError} `invalid_value` naming each faulty column; `row_exists` if the id is taken. The row is then left out.
   */
  add(columns: readonly string[], values: unknown[]): void {
    const { table } = this.#options
    if (columns !== this.#columns) this.#arrange(columns, values)
    const given = this.#idAt < 0 ? undefined : values[this.#idAt]
    const ordered = this.#isInOrder ? values : this.#order.map((at) => (at < 0 ? undefined : values[at]))
    const stored = this.#registers.ofInsert(this.#schema.storeInOrder(table, ordered))
    this.#encoder.add(this.#idOf(given), stored.values)
  }

  /** Notes where each column's value stands; at -1 there is none. */
  #arrange(columns: readonly string[], values: readonly unknown[]): void {
    const { columnNames } = this.#schema
    const isUnknown = (name: string): boolean => name !== 'id' && !columnNames.includes(name)
    if (columns.some(isUnknown))
      this.#schema.storeInsert(this.#options.table, Object.fromEntries(columns.map((name, at) => [name, values[at]])))
    this.#order = columnNames.map((name) => columns.indexOf(name))
    this.#isInOrder = columns.length === columnNames.length && this.#order.every((from, to) => from === to)
    this.#idAt = columns.indexOf('id')
    this.#columns = columns
  }

  /** @returns The id, packed. */
  #idOf(given: unknown): string {
    if (given === undefined) return this.#makeId()
    const { table } = this.#options
    assertRowId(table, given)
    if (this.#taken.has(given))
      throw new MerrowError('row_exists', `Table "${table}" has a row "${given}" already, or was given it twice.`, {
        table,
        id: given,
      })
    this.#taken.add(given)
    return packId(given)
  }

  /** Ids of a scheme, packed, but for those that rows have. */
  #freeIds(make: () => string): () => string {
    return () => {
      let id = make()
      while (this.#taken.has(id)) id = make()
      return packId(id)
    }
  }

  /** Stores all rows taken so far, all or none. Durable when it resolves. @throws {@link MerrowError} `storage_failed`, `storage_full` */
  async commit(): Promise<void> {
    const batch = this.#encoder.take().map((update) => ({ document: this.#options.table, update }))
    if (batch.length > 0) await this.#store.append(batch)
  }

  /** Lets go of the store; rows that were not committed are gone. */
  async close(): Promise<void> {
    await this.#store.close()
  }
}

/**
 * Makes ready to insert many rows into one table of a store, which is brought to the schema's version first.
 *
 * Nothing is stored before `commit`; open databases see the rows when they are opened next.
 *
 * @throws {@link MerrowError} as `createDatabase`; `unknown_table`; `read_only` or `migration_failed` if the store may not be written to.
 */
export const openBulkInsert = async (options: BulkInsertOptions): Promise<BulkInsert> => {
  const { name, schema, table, storage, random = systemRandom } = options
  const db = await createDatabase({ name, schema, storage })
  const taken = new Set<string>()
  try {
    for (const { id } of db.table(table).rows({ withDeleted: true })) taken.add(id)
    if (db.status.error !== undefined) throw db.status.error
  } finally {
    await db.close()
  }
  const forks = new Forks(await storage.open({ database: name, scratch: scratchDocuments }), console.error)
  const store = forks.storage
  await forks.locate(table)
  return new BulkInsert(options, store, { device: (await store.readMeta('device')) ?? randomName(random), taken })
}

// Rows to records and back: names, dates, and references through the id map. Knows one table's columns; no network.
import { show } from '../errors.ts'
import { type Column, type Json, Refusal, type TableSchema, toStored } from '../schema/index.ts'
import type { IdMap } from './identity/ids.ts'
import type { Fields, Mapping, RemoteId, RemoteRecord } from './remote-table.ts'

/** A record as it reads here. */
export interface ReadRecord {
  readonly id: RemoteId
  readonly version: RemoteId | undefined
  readonly isDeleted: boolean
  /** When it was last changed, by the backend's clock. */
  readonly updatedAtMs: number | undefined
  /** The row that it says it is of. */
  readonly localId: string | undefined
  /** Columns in stored form, references as local ids; those alone that the record has. */
  readonly fields: Fields
}

/** What is wrong with a record. */
export class Unreadable {
  readonly reason: string
  constructor(reason: string) {
    this.reason = reason
  }
}

/** Numbers beyond 2^53 are rounded by JSON's reading: the id that came is not the one that was sent. */
const isInexact = (id: RemoteId): boolean => typeof id === 'number' && Math.abs(id) > Number.MAX_SAFE_INTEGER
const INEXACT =
  'is a number above 2^53, which JavaScript reads from JSON rounded. Have the service give such ids as text.'

type Swap = (table: string, id: Json) => Json | undefined

/** One table's columns and records. */
export class Codec {
  readonly table: string
  /** Columns that the backend has. */
  readonly columns: readonly string[]
  readonly #schema: TableSchema
  readonly #mapping: Mapping
  readonly #ids: IdMap
  readonly #refs: readonly (readonly [path: readonly string[], table: string])[]

  constructor(table: string, schema: TableSchema, mapping: Mapping, ids: IdMap) {
    this.table = table
    this.#schema = schema
    this.#mapping = mapping
    this.#ids = ids
    this.columns = schema.columnNames.filter((name) => mapping.fields?.[name] !== false)
    const declared = this.columns.flatMap((name) => {
      const target = schema.columns[name]?.target
      return target === undefined ? [] : [[[name], target] as const]
    })
    this.#refs = [
      ...declared,
      ...Object.entries(mapping.refs ?? {}).map(([path, to]) => [path.split('.'), to] as const),
    ]
  }

  /** A row's columns in stored form. */
  stored(row: object): Fields {
    const values = row as Readonly<Record<string, unknown>>
    return Object.fromEntries(this.columns.map((name) => [name, toStored(values[name]) ?? null]))
  }

  /** What a write takes for a column's stored form; for dates also for their text. */
  written(column: string, stored: Json): unknown {
    if (stored === null && this.#schema.columns[column]?.presence === 'optional') return undefined
    const isTime = this.#isDate(column) && (typeof stored === 'number' || typeof stored === 'string')
    return isTime ? new Date(stored) : stored
  }

  /** Whether a column may be left out of a record for a while. */
  isOptional(column: string): boolean {
    return this.#schema.columns[column]?.presence === 'optional'
  }

  column(name: string): Column | undefined {
    return this.#schema.columns[name]
  }

  /** The rows that columns refer to, as `table/id`. */
  references(fields: Fields): string[] {
    const found: string[] = []
    this.#swap(fields, (table, id) => {
      if (typeof id === 'string') found.push(`${table}/${id}`)
      return id
    })
    return found
  }

  /** Columns without the optional ones that refer to a row, `table/id`, and those; undefined if there are none. */
  withhold(fields: Fields, row: string): { readonly now: Fields; readonly later: Fields } | undefined {
    const found = Object.entries(fields).filter(([name, id]) => {
      const { target, presence } = this.#schema.columns[name] ?? {}
      return presence === 'optional' && target !== undefined && `${target}/${id}` === row
    })
    if (found.length === 0) return undefined
    return { now: Object.fromEntries(found.map(([name]) => [name, null])), later: Object.fromEntries(found) }
  }

  /** Columns with other references. */
  redirect(fields: Fields, to: (table: string, id: string) => string): Fields {
    return this.#swap(fields, (table, id) => (typeof id === 'string' ? to(table, id) : id))
  }

  /** Columns with dates as text and references as remote ids, and the record's fields made of them. */
  encode(row: string, stored: Fields): { readonly fields: Fields; readonly data: RemoteRecord } {
    const fields = this.#swap(this.#dated(stored), (table, id) => this.#ids.remote(table, String(id)))
    const { toRemote, fields: names = {}, localIdField } = this.#mapping
    const data = toRemote
      ? toRemote(fields)
      : Object.fromEntries(Object.entries(fields).map(([name, value]) => [names[name] || name, value]))
    return { fields, data: localIdField === undefined ? data : { ...data, [localIdField]: row } }
  }

  /** Reads a record. A reference to a record that is not known here yet is the id that its row will have. */
  decode(record: unknown): ReadRecord | Unreadable {
    if (typeof record !== 'object' || record === null || Array.isArray(record))
      return new Unreadable(`A record must be a JSON object, and ${show(record)} is none.`)
    const { idField = 'id', versionField, updatedAtField, deletedField, localIdField } = this.#mapping
    const given = record as RemoteRecord
    const id = given[idField]
    if ((typeof id !== 'string' && typeof id !== 'number') || id === '')
      return new Unreadable(`A record must have its id, a number or text, in "${idField}"; there is ${show(id)}.`)
    if (isInexact(id)) return new Unreadable(`The record's id, in "${idField}", ${INEXACT}`)
    try {
      const fields = this.#read(given)
      if (fields instanceof Unreadable) return fields
      const version = versionField === undefined ? undefined : given[versionField]
      const localId = localIdField === undefined ? undefined : given[localIdField]
      const deleted = deletedField === undefined ? undefined : given[deletedField]
      return {
        id,
        version: typeof version === 'string' || typeof version === 'number' ? version : undefined,
        isDeleted: deleted !== undefined && deleted !== null && deleted !== false,
        updatedAtMs: updatedAtField === undefined ? undefined : timeOf(given[updatedAtField]),
        localId: typeof localId === 'string' && localId !== '' ? localId : undefined,
        fields,
      }
    } catch (error) {
      return error instanceof Unreadable ? error : new Unreadable(`fromRemote() threw: ${String(error)}`)
    }
  }

  #read(record: RemoteRecord): Fields | Unreadable {
    const { fromRemote, fields: names = {} } = this.#mapping
    const given = fromRemote
      ? fromRemote(record)
      : Object.fromEntries(
          this.columns.flatMap((name) => {
            const value = record[names[name] || name]
            return value === undefined ? [] : [[name, value]]
          }),
        )
    const local = this.#swap(given, (table, id) => this.#localOf(table, id))
    const stored: Record<string, Json> = {}
    for (const [name, value] of Object.entries(local)) {
      if (value === undefined || !this.columns.includes(name)) continue
      const read = this.#store(name, value)
      if (read instanceof Unreadable) return read
      stored[name] = read
    }
    return stored
  }

  #localOf(table: string, id: Json): Json {
    if (typeof id !== 'string' && typeof id !== 'number') return id
    if (isInexact(id)) throw new Unreadable(`A reference to "${table}" ${INEXACT}`)
    return this.#ids.local(table, id) ?? this.#ids.derived(table, id)
  }

  #store(name: string, value: Json): Json | Unreadable {
    const column = this.#schema.columns[name] as Column
    if (value === null && column.presence === 'optional') return null
    const isTime = this.#isDate(name) && (typeof value === 'string' || typeof value === 'number')
    const stored = column.type.write(isTime ? new Date(value) : value)
    return stored instanceof Refusal
      ? new Unreadable(`Column "${name}" cannot hold ${show(value)}: ${stored.reason}`)
      : (stored as Json)
  }

  #dated(fields: Fields): Fields {
    return Object.fromEntries(
      Object.entries(fields).map(([name, value]) => [
        name,
        this.#isDate(name) && typeof value === 'number' ? new Date(value).toISOString() : value,
      ]),
    )
  }

  #isDate(name: string): boolean {
    return this.#schema.columns[name]?.type.label === 'a date'
  }

  #swap(fields: Fields, swap: Swap): Fields {
    let swapped: Json = fields
    for (const [path, table] of this.#refs) swapped = swapAt(swapped, path, table, swap)
    return swapped as Fields
  }
}

/** Swaps the ids at a path; `*` stands for every element, and an array at the end for ids each. */
const swapAt = (value: Json, path: readonly string[], table: string, swap: Swap): Json => {
  if (value === null || value === undefined) return value
  const [step, ...rest] = path
  if (step === undefined)
    return Array.isArray(value) ? value.map((item) => swapAt(item, [], table, swap)) : (swap(table, value) ?? null)
  if (typeof value !== 'object') return value
  if (Array.isArray(value)) return value.map((item) => swapAt(item, step === '*' ? rest : path, table, swap))
  const object = value as { readonly [key: string]: Json }
  const inner = object[step]
  return inner === undefined ? object : { ...object, [step]: swapAt(inner, rest, table, swap) }
}

const timeOf = (value: Json | undefined): number | undefined => {
  const time = typeof value === 'string' || typeof value === 'number' ? new Date(value).getTime() : Number.NaN
  return Number.isNaN(time) ? undefined : time
}

// What queries know of a schema: each table's columns, as they are compared, and how tables relate. Knows no rows.
import { show } from '../../errors.ts'
import { type Column, type Columns, Refusal, type TableSchema, type ValueKind } from '../../schema/index.ts'
import { isMissing, toComparable } from './values.ts'

/** Any row, as the engine handles it. */
export interface AnyRow {
  readonly id: string
  readonly deletedAt?: number | undefined
  readonly [column: string]: unknown
}

/** A column that can be compared. */
export interface QueryColumn {
  readonly name: string
  /** What it holds; undefined if anything. */
  readonly holds: ValueKind | undefined
  /** A row's value, comparable. */
  readonly read: (row: AnyRow) => unknown
  /** Why a value cannot be compared with it; undefined if it can. */
  readonly refuse: (value: unknown) => string | undefined
}

/** How rows of one table lead to rows of another. */
export type Relation = { readonly table: string } & (
  | { readonly kind: 'one'; readonly by: string }
  | { readonly kind: 'many'; readonly by: string }
  | { readonly kind: 'through'; readonly link: string; readonly from: string; readonly to: string }
)

/** One table. */
export interface TableInfo {
  readonly name: string
  readonly columns: ReadonlyMap<string, QueryColumn>
  /** Columns that refer to a table, and that table. */
  readonly refs: ReadonlyMap<string, string>
  readonly lookups: TableSchema['lookups']
}

/** The tables of a database, by name. */
export type Catalog = ReadonlyMap<string, TableInfo>

const META: readonly (readonly [string, ValueKind])[] = [
  ['id', 'string'],
  ['createdAt', 'number'],
  ['updatedAt', 'number'],
  ['deletedAt', 'number'],
  ['updatedBy', 'string'],
]

/** The catalog of a schema's tables. */
export const createCatalog = (tables: Readonly<Record<string, TableSchema<Columns>>>): Catalog =>
  new Map(Object.entries(tables).map(([name, schema]) => [name, describeTable(name, schema)]))

const describeTable = (name: string, { columns, lookups }: TableSchema): TableInfo => {
  const own = Object.entries(columns)
  return {
    name,
    lookups,
    columns: new Map([
      ...META.map(([name, holds]): [string, QueryColumn] => [name, metaColumn(name, holds)]),
      ...own.map(([name, column]): [string, QueryColumn] => [name, ownColumn(name, column)]),
    ]),
    refs: new Map(own.flatMap(([name, { target }]) => (target === undefined ? [] : [[name, target]]))),
  }
}

const metaColumn = (name: string, holds: ValueKind): QueryColumn => ({
  name,
  holds,
  read: (row) => row[name],
  refuse: (value) => (typeof value === holds ? undefined : `Give a ${holds}.`),
})

const SCALARS = ['string', 'number', 'boolean']

const ownColumn = (name: string, { type }: Column): QueryColumn => ({
  name,
  holds: type.holds,
  read: readerOf(name, type.holds),
  refuse(value) {
    if (type.holds === undefined || type.holds === 'json')
      return SCALARS.includes(typeof value) ? undefined : 'Give a string, number or boolean.'
    const stored = type.write(type.holds === 'set' ? [value] : value)
    return stored instanceof Refusal ? stored.reason : undefined
  },
})

const readerOf = (name: string, holds: ValueKind | undefined): ((row: AnyRow) => unknown) => {
  if (holds === 'date') return (row) => (row[name] as Date | undefined)?.getTime()
  if (holds === undefined || holds === 'json') return (row) => toComparable(row[name])
  return (row) => row[name]
}

/** How a table reaches others by name: through a ref column without its `Id`, or through another table that refers to it. */
export const relationOf = (catalog: Catalog, table: TableInfo, name: string): Relation | undefined => {
  for (const [by, target] of table.refs) if (nameOfRef(by) === name) return { kind: 'one', table: target, by }
  const refs = refsBetween(catalog, name, table.name)
  return refs.length === 1 ? { kind: 'many', table: name, by: refs[0] as string } : undefined
}

/** The columns of one table that refer to another. */
export const refsBetween = (catalog: Catalog, from: string, to: string): readonly string[] =>
  [...(catalog.get(from)?.refs ?? [])].filter(([, target]) => target === to).map(([column]) => column)

/** The names of all relations that need no more saying. */
export const relationNames = (catalog: Catalog, table: TableInfo): readonly string[] => [
  ...[...table.refs.keys()].flatMap((column) => nameOfRef(column) ?? []),
  ...[...catalog.keys()].filter((name) => refsBetween(catalog, name, table.name).length === 1),
]

const nameOfRef = (column: string): string | undefined => {
  const name = column.endsWith('_id') ? column.slice(0, -3) : column.endsWith('Id') ? column.slice(0, -2) : ''
  return name === '' ? undefined : name
}

/** A value in a message. */
export const showValue = (value: unknown): string => (isMissing(value) ? String(value) : show(value))

// Row, insert and patch types, inferred from columns. Types only.
import type { Column } from './column.ts'

/** The columns of a table, by name. */
// biome-ignore lint/suspicious/noExplicitAny: any column, whatever it holds; `unknown` would refuse all but the widest.
export type Columns = Readonly<Record<string, Column<any, any, any, any>>>

/** What every row has beside its own columns. Times are milliseconds since the epoch. */
export interface RowMeta {
  /** The row's id, for good: one made here, a UUIDv7 by default, unless the caller gave one. */
  readonly id: string
  /** When it was inserted. */
  readonly createdAt: number
  /** When any of its columns was last written. */
  readonly updatedAt: number
  /** When it was soft-deleted; undefined while it is not. */
  readonly deletedAt: number | undefined
  /** Who wrote last: the `user` of that database, if one was given. */
  readonly updatedBy: string | undefined
}

type Out<C> = C extends Column<infer O, infer _I, infer P> ? (P extends 'optional' ? O | undefined : O) : never
type In<C> = C extends Column<infer _O, infer I, infer P> ? (P extends 'optional' ? I | undefined : I) : never
type RequiredKeys<C extends Columns> = {
  [K in keyof C]: C[K] extends Column<infer _O, infer _I, 'required'> ? K : never
}[keyof C]
type Flat<T> = { [K in keyof T]: T[K] } & {}

/** A row as it is handed out: frozen, with its columns and its {@link RowMeta}. */
export type RowOf<C extends Columns> = Flat<RowMeta & { readonly [K in keyof C]: Out<C[K]> }>

/** A row as `partitionBy` sees it: without what any write changes. */
export type KeyRow<C extends Columns> = Omit<RowOf<C>, 'updatedAt' | 'updatedBy' | 'deletedAt'>

/** What `insert` takes: an id if one must be kept, the required columns, and any of the others. */
export type InsertOf<C extends Columns> = Flat<
  { readonly id?: string } & { readonly [K in RequiredKeys<C>]: In<C[K]> } & {
    readonly [K in Exclude<keyof C, RequiredKeys<C>>]?: In<C[K]> | undefined
  }
>

/** What `update` takes: any columns; `undefined` clears an optional one. */
export type PatchOf<C extends Columns> = Flat<{ readonly [K in keyof C]?: In<C[K]> }>

/** What an `update` function is given to change. */
export type DraftOf<C extends Columns> = Flat<{ -readonly [K in keyof C]: Out<C[K]> }>

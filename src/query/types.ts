// The types of queries: filters, includes and results, inferred from the schema. Types only.
import type { Column, Columns, Row, RowOf, Schema, TableSchema } from '../schema/index.ts'

/** Names of a schema's tables. */
export type TableName<S extends Schema> = keyof S['tables'] & string

type ColumnsIn<S extends Schema, N> = N extends keyof S['tables']
  ? S['tables'][N] extends TableSchema<infer C extends Columns>
    ? C
    : never
  : never

type Scalar = string | number | boolean | Date
type Element<T> = T extends readonly (infer E)[] ? E : never
type Comparable<T> = Extract<NonNullable<T>, Scalar>
type Ordered<T> = Exclude<Comparable<T>, boolean>
type Nothing = null | undefined

/** What a column must be. Several operators must all hold. A missing value is in no range, and unequal to every value. */
export interface Conditions<T> {
  readonly eq?: Comparable<T> | Nothing
  readonly ne?: Comparable<T> | Nothing
  readonly lt?: Ordered<T>
  readonly lte?: Ordered<T>
  readonly gt?: Ordered<T>
  readonly gte?: Ordered<T>
  readonly in?: readonly (Comparable<T> | Nothing)[]
  readonly notIn?: readonly (Comparable<T> | Nothing)[]
  /** Whether the value is missing. */
  readonly isNull?: boolean
  /** Text that occurs in the text, case counting; or an element of the set. */
  readonly contains?: Element<NonNullable<T>> | Extract<NonNullable<T>, string>
  readonly startsWith?: Extract<NonNullable<T>, string> extends never ? never : string
  /** A pattern in which `%` stands for any text and `_` for one character; case counts. */
  readonly like?: Extract<NonNullable<T>, string> extends never ? never : string
}

/** Columns and what they must be: a value, `undefined` for none, or {@link Conditions}; all of them must hold. */
export type ColumnFilter<R> = { readonly [K in keyof R]?: Comparable<R[K]> | Nothing | Conditions<R[K]> }

/** A filter without related rows: columns, `and`, `or`, `not`. */
export type RowFilter<R> = ColumnFilter<R> & {
  readonly and?: readonly RowFilter<R>[]
  readonly or?: readonly RowFilter<R>[]
  readonly not?: RowFilter<R>
}

/**
 * What `where` takes: columns and what they must be; `and`, `or` and `not` of filters; and, by the name of a relation, what must hold of
 * the related row, or of at least one of several.
 */
export type Filter<S extends Schema, N> = ColumnFilter<RowOf<ColumnsIn<S, N>>> & {
  readonly and?: readonly Filter<S, N>[]
  readonly or?: readonly Filter<S, N>[]
  readonly not?: Filter<S, N>
} & { readonly [K in RelationName<S, N>]?: Filter<S, RelatedTable<S, N, K>> }

type TargetOf<C> = C extends Column<infer _O, infer _I, infer _P, infer T> ? Literal<T> : never
type Literal<T> = T extends string ? (string extends T ? never : T) : never
type NameOfRef<K> = K extends `${infer Name}_id` ? Name : K extends `${infer Name}Id` ? Name : never

/** Columns of one table that refer to another. */
export type RefsTo<S extends Schema, M, N> = {
  [K in keyof ColumnsIn<S, M>]: N extends TargetOf<ColumnsIn<S, M>[K]> ? K : never
}[keyof ColumnsIn<S, M>] &
  string
/** Columns of a table that refer to any. */
export type RefColumn<S extends Schema, N> = {
  [K in keyof ColumnsIn<S, N>]: [TargetOf<ColumnsIn<S, N>[K]>] extends [never] ? never : K
}[keyof ColumnsIn<S, N>] &
  string
/** The table that a column refers to. */
export type TargetTable<S extends Schema, N, K> = K extends keyof ColumnsIn<S, N> ? TargetOf<ColumnsIn<S, N>[K]> : never

type IsOne<T, U = T> = [T] extends [never] ? false : T extends T ? ([U] extends [T] ? true : false) : never

/** Relations that lead to one row: each ref column without its `Id`, and the table behind it. */
export type Ones<S extends Schema, N> = {
  readonly [K in RefColumn<S, N> as NameOfRef<K>]: TargetTable<S, N, K>
}
type Manys<S extends Schema, N> = {
  readonly [M in TableName<S> as IsOne<RefsTo<S, M, N>> extends true ? M : never]: M
}
/** The names by which a table reaches others: ref columns without their `Id`, and tables that refer to it by one column. */
export type RelationName<S extends Schema, N> = (keyof Ones<S, N> | keyof Manys<S, N>) & string
/** The table behind such a name. */
export type RelatedTable<S extends Schema, N, K> = K extends keyof Ones<S, N>
  ? Ones<S, N>[K]
  : K extends keyof Manys<S, N>
    ? Manys<S, N>[K]
    : never

/** A row of a table, by name. */
export type RowIn<S extends Schema, N> = N extends TableName<S> ? Row<S, N> : never

/** What `select` takes: columns to show, and functions that compute others from the row. */
export type SelectSpec<R> = { readonly [name: string]: true | ((row: R) => unknown) }

/** What a selection shows. */
export type Selected<R, F> = { readonly id: string } & {
  readonly [K in keyof F]: F[K] extends (row: never) => infer T ? T : K extends keyof R ? R[K] : never
}

/** Refuses names that are no columns. */
export type CheckedSelect<R, F> = {
  readonly [K in keyof F]: F[K] extends true ? (K extends keyof R ? unknown : never) : unknown
}

/** Columns that have an order. */
export type OrderedColumn<R> = {
  [K in keyof R]: [Extract<NonNullable<R[K]>, Scalar>] extends [never] ? never : K
}[keyof R] &
  string

/** One figure over the rows of a group. Rows without a value do not count in `sum`, `avg`, `min` and `max`. */
export type Aggregate<R> =
  | { readonly count: true }
  | { readonly sum: NumberColumn<R> }
  | { readonly avg: NumberColumn<R> }
  | { readonly min: OrderedColumn<R> }
  | { readonly max: OrderedColumn<R> }

/** Columns that hold numbers. */
export type NumberColumn<R> = {
  [K in keyof R]: [Extract<NonNullable<R[K]>, number>] extends [never] ? never : K
}[keyof R] &
  string

type Figure<R, A> = A extends { readonly count: true } | { readonly sum: string }
  ? number
  : A extends { readonly avg: string }
    ? number | undefined
    : A extends { readonly min: infer K extends keyof R }
      ? NonNullable<R[K]> | undefined
      : A extends { readonly max: infer K extends keyof R }
        ? NonNullable<R[K]> | undefined
        : never

/** A row of a grouped query: an `id` that names the group, its columns, its figures. */
export type GroupRow<R, K extends keyof R, A> = { readonly id: string } & { readonly [C in K]: R[C] } & {
  readonly [F in keyof A]: Figure<R, A[F]>
}

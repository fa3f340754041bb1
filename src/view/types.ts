// What views stand on, and their types, inferred from the schema and the tables' shares. Types only.
import type { Table } from '../query/index.ts'
import type { Columns, Insert, Patch, Row, Schema, TableSchema } from '../schema/index.ts'

/** What a database gives its views and unions to work with. */
export interface TableSource<S extends Schema = Schema> {
  readonly schema: S
  /** A table by name. @throws {@link MerrowError} `unknown_table` */
  table(name: string): Table<Columns>
  /** Runs `work`, whose writes are kept together or, if it throws, not at all. */
  transact<T>(work: () => T): T
  /** Told of errors that listeners throw. */
  readonly onError: (error: unknown) => void
}

/** The columns of a table, by its name. */
export type ColumnsOf<S extends Schema, N> = N extends keyof S['tables']
  ? S['tables'][N] extends TableSchema<infer C extends Columns>
    ? C
    : never
  : never

/** What a view shows of one table: a list of its columns, or an object that gives each a new name, `{ detailTitle: 'title' }`. */
export type Selection<C extends Columns = Columns> =
  | readonly (keyof C & string)[]
  | { readonly [name: string]: keyof C & string }

/** What a view shows, by table. */
export type Parts<S extends Schema> = { readonly [N in keyof S['tables']]?: Selection<ColumnsOf<S, N>> }

/** Name in the view -> column of the table. */
type Renames<Sel> = Sel extends readonly (infer K extends string)[]
  ? { readonly [X in K]: X }
  : { readonly [X in keyof Sel & string]: Sel[X] & string }
type NamesIn<P, N extends keyof P> = keyof Renames<P[N]>
type AnyName<P, N extends keyof P> = N extends N ? NamesIn<P, N> : never
type Clash<P, N extends keyof P> = NamesIn<P, N> & (AnyName<P, Exclude<keyof P, N>> | 'id')

/** Refuses tables that the schema lacks, and names that two tables give or that every row has. */
export type CheckedParts<S extends Schema, P> = {
  readonly [N in keyof P]: N extends keyof S['tables']
    ? [Clash<P, N>] extends [never]
      ? unknown
      : { readonly 'this name is taken: give it another with { newName: column }': Clash<P, N> }
    : never
}

/** The names of all of a view's columns. */
export type NamesOf<P> = { readonly [N in keyof P]: NamesIn<P, N> }[keyof P]
type TableOf<P, V> = { readonly [N in keyof P]: V extends NamesIn<P, N> ? N : never }[keyof P]
type ColumnOf<P, V> = { readonly [N in keyof P]: V extends NamesIn<P, N> ? Renames<P[N]>[V] : never }[keyof P]
type Field<T, K> = K extends keyof T ? T[K] : never
type Flat<T> = { [K in keyof T]: T[K] } & {}

type Shown<S extends Schema, P, V> = Field<Row<S, TableOf<P, V> & keyof S['tables']>, ColumnOf<P, V>>
type Given<S extends Schema, P, V> = Field<Required<Patch<S, TableOf<P, V> & keyof S['tables']>>, ColumnOf<P, V>>
type IsRequired<S extends Schema, P, V> =
  Insert<S, TableOf<P, V> & keyof S['tables']> extends { readonly [K in ColumnOf<P, V> & string]: unknown }
    ? true
    : false
/** Columns that an insert must give: those of the anchor or, while types do not know the anchor, of every table. */
type RequiredNames<S extends Schema, P, A> = {
  [V in NamesOf<P>]: IsRequired<S, P, V> extends true
    ? [A] extends [never]
      ? V
      : TableOf<P, V> extends A
        ? V
        : never
    : never
}[NamesOf<P>]

/** An object as a view shows it. A column that is not the anchor's reads undefined while its table has no row for the object. */
export type ViewRow<S extends Schema, P, A = never> = Flat<
  { readonly id: string } & {
    readonly [V in NamesOf<P>]: Shown<S, P, V> | (TableOf<P, V> extends A ? never : undefined)
  }
>

/** What inserting into a view takes: an id if one must be kept, the required columns, and any of the others. */
export type ViewInsert<S extends Schema, P, A = never> = Flat<
  { readonly id?: string } & { readonly [V in RequiredNames<S, P, A>]: Given<S, P, V> } & {
    readonly [V in Exclude<NamesOf<P>, RequiredNames<S, P, A>>]?: Given<S, P, V> | undefined
  }
>

/** What updating an object takes: any columns; `undefined` clears an optional one. */
export type ViewPatch<S extends Schema, P> = Flat<{ readonly [V in NamesOf<P>]?: Given<S, P, V> }>

/** What an `update` function is given to change. */
export type ViewDraft<S extends Schema, P, A = never> = Flat<{
  -readonly [V in NamesOf<P>]: Shown<S, P, V> | (TableOf<P, V> extends A ? never : undefined)
}>

/** Any object that may hold columns of a view; others it holds are passed over. */
export type ViewRecord<P> = { readonly id?: string | undefined } & { readonly [V in NamesOf<P>]?: unknown }

/** What a record holds of a view. */
export type Held<T, P> = { readonly [K in keyof T as K extends NamesOf<P> | 'id' ? K : never]: T[K] }

/** A record's columns, by table. */
export type Shares<S extends Schema, P> = {
  readonly [N in keyof P & keyof S['tables']]: Readonly<Partial<Insert<S, N>>>
}

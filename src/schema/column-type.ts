// What a type of column does with values: the port that each type implements. Knows none of them.

/** Kinds of value that queries tell apart. */
export type ValueKind = 'string' | 'number' | 'boolean' | 'date' | 'json' | 'set'

/** How one type of column checks, stores and shows a value. */
export interface ColumnType<Out> {
  /** The type in words, for messages: `a string`. */
  readonly label: string
  /** What kind of value rows show, so that comparisons can be checked and ordered; any, if left out. */
  readonly holds?: ValueKind
  /** Checks a caller's value. @returns its stored form (plain JSON), or a {@link Refusal}. */
  write(value: unknown): unknown
  /** Shows a stored value. @returns undefined if no such column could have stored it: it is then set aside. */
  read(stored: unknown): Out | undefined
  /** Why a stored value cannot be shown, if there is more to say than that it is not what the label says. */
  explain?(stored: unknown): string
}

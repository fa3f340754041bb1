// What a type of column does with values: the port that each type implements. Knows none of them.

/** How one type of column checks, stores and shows a value. */
export interface ColumnType<Out> {
  /** The type in words, for messages: `a string`. */
  readonly label: string
  /** Checks a caller's value. @returns its stored form (plain JSON), or a {@link Refusal}. */
  write(value: unknown): unknown
  /** Shows a stored value. @returns undefined if no such column could have stored it: it is then set aside. */
  read(stored: unknown): Out | undefined
  /** Why a stored value cannot be shown, if there is more to say than that it is not what the label says. */
  explain?(stored: unknown): string
}

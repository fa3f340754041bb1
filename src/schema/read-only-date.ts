// Dates that cannot be changed, since `Object.freeze` does not stop `setTime`. Knows nothing of rows.

/** A `Date` whose setters throw. Copy it with `new Date(date)` to change the copy. */
export class ReadOnlyDate extends Date {}

for (const name of Object.getOwnPropertyNames(Date.prototype).filter((name) => name.startsWith('set'))) {
  Object.defineProperty(ReadOnlyDate.prototype, name, {
    value() {
      throw new TypeError(
        `${name}: a date in a row is read-only. Change a copy, new Date(date), and write that with update().`,
      )
    },
  })
}

// Drafts: rows that an update function may change as it likes, and the patch that comes of it. Knows plain values alone.

/** A changeable copy of a row's columns; JSON values are copied all the way down. */
export const createDraft = (
  row: Readonly<Record<string, unknown>>,
  columns: readonly string[],
): Record<string, unknown> => Object.fromEntries(columns.map((column) => [column, structuredClone(row[column])]))

/** The columns in which a draft differs from its row, names that the row does not have included. */
export const diffDraft = (
  row: Readonly<Record<string, unknown>>,
  draft: Readonly<Record<string, unknown>>,
): Record<string, unknown> =>
  Object.fromEntries(Object.entries(draft).filter(([column, value]) => !isSame(row[column], value)))

/** Whether two values are equal all the way down; dates by their time. */
export const isSame = (a: unknown, b: unknown): boolean => {
  if (Object.is(a, b)) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (a instanceof Date || b instanceof Date)
    return a instanceof Date && b instanceof Date && a.getTime() === b.getTime()
  const keys = Object.keys(a)
  if (Array.isArray(a) !== Array.isArray(b) || keys.length !== Object.keys(b).length) return false
  return keys.every(
    (key) => Object.hasOwn(b, key) && isSame((a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]),
  )
}

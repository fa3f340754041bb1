// Cursors: a place in the order of one query, as text that can go into an address. Knows plans; runs nothing.
import type { AnyRow } from './catalog.ts'
import { refuseQuery } from './condition.ts'
import { keyOfRows, type Plan } from './plan.ts'

const CALL = 'after()'
const MAX_LENGTH = 100_000

/** The place of a row in a plan's order. */
export const cursorOf = (plan: Plan, row: AnyRow): string => {
  const values = plan.order.map(({ column }) => column.read(row) ?? null)
  return encodeURIComponent(JSON.stringify([fingerprint(keyOfRows(plan)), row.id, ...values]))
}

/**
 * What stands for the row that a cursor was made of.
 *
 * @throws {@link MerrowError} `invalid_argument` for text that is no cursor, or one of another query.
 */
export const readCursor = (plan: Plan, cursor: unknown): AnyRow => {
  const refuse = (reason: string) => refuseQuery({ table: plan.table, call: CALL }, reason)
  const parsed = parse(cursor)
  if (parsed === undefined) throw refuse('this is no cursor. Give one that cursor(row) of the same query has made.')
  const [print, id, ...values] = parsed
  if (print !== fingerprint(keyOfRows(plan)) || values.length !== plan.order.length)
    throw refuse('the cursor is of another query. Give the same conditions and order as the one it was made by.')
  const row: Record<string, unknown> = { id }
  plan.order.forEach(({ column: { name, holds, refuse: check } }, at) => {
    const value = values[at] === null ? undefined : values[at]
    const given = holds === 'date' && typeof value === 'number' ? new Date(value) : value
    if (given !== undefined && check(given) !== undefined) throw refuse(`the cursor is damaged at column "${name}".`)
    row[name] = given
  })
  return row as unknown as AnyRow
}

const parse = (cursor: unknown): readonly unknown[] | undefined => {
  if (typeof cursor !== 'string' || cursor.length > MAX_LENGTH) return undefined
  try {
    const parsed: unknown = JSON.parse(decodeURIComponent(cursor))
    return Array.isArray(parsed) && typeof parsed[1] === 'string' ? parsed : undefined
  } catch {
    return undefined
  }
}

/** FNV-1a in 32 bits: tells queries apart by mistake, not by malice. */
const fingerprint = (text: string): string => {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return (hash >>> 0).toString(36)
}

// What a table's document may hold: one root `log` of nested lists, in them plain elements, their stamps not ahead of time.
// Knows the shapes of the row log's elements as far as needed, and is tolerant of those that later versions add.
import { isRawPatch } from '../../src/rowlog/format.ts'
import { MAX_DRIFT_MS, stampAt } from '../../src/stamp.ts'
import type { Item, Struct, Update } from './update.ts'

const ROOT = 'log'
const Y_ARRAY = 0

/** From `clock` on, the elements of one client count their stamps from `since`. */
export interface Base {
  readonly client: number
  readonly clock: number
  readonly since: number
}

/** Finds the stamp that the segment of an element counts from; 0 if it is not known. */
export type FindBase = (client: number, clock: number) => number

/** Whether the first update of a document begins a table: its only root is `log`, and a nested list in it starts with a header. */
export const beginsTable = ({ sections }: Update): boolean => {
  const items = sections.flatMap(({ structs }) => structs.flatMap(({ item }) => (item === undefined ? [] : [item])))
  const roots = items.flatMap(({ parent }) => (typeof parent === 'string' ? [parent] : []))
  const firsts = items.filter(({ parent }) => typeof parent === 'object')
  return (
    roots.length > 0 &&
    roots.every((root) => root === ROOT) &&
    firsts.some(({ content }) => sinceOf(content.values[0]) !== undefined)
  )
}

/** What a table update may teach, or why it is refused. */
export type TableReading = { readonly bases: readonly Base[] } | { readonly refusal: string }

/**
 * Reads an update of a table.
 *
 * @param nowMs - The relay's clock, milliseconds since the epoch.
 * @param known - Where earlier updates have put their segments.
 */
export const readTable = (update: Update, nowMs: number, known: FindBase): TableReading => {
  const latest = stampAt(Math.floor(nowMs) + MAX_DRIFT_MS)
  const bases: Base[] = []
  for (const { structs } of update.sections)
    for (const struct of structs) {
      const { item } = struct
      if (item === undefined) continue
      const refusal = shapeRefusal(item)
      if (refusal !== undefined) return { refusal }
      const since = baseOf(struct, item, bases, known)
      if (since !== undefined) bases.push({ client: struct.client, clock: struct.clock, since })
      const stamp = highestStamp(item.content.values, since ?? 0)
      if (stamp > latest) return { refusal: `a stamp is ahead of time by more than ${MAX_DRIFT_MS / 60_000} minutes` }
    }
  return { bases }
}

const shapeRefusal = ({ parent, parentSub, content }: Item): string | undefined => {
  if (parentSub !== undefined) return 'a table has no keys'
  const isAtRoot = typeof parent === 'string'
  if (isAtRoot && parent !== ROOT) return `a table has no root "${parent.slice(0, 40)}"`
  switch (content.kind) {
    case 'deleted':
      return undefined
    case 'type':
      return content.type === Y_ARRAY && (isAtRoot || parent === undefined)
        ? undefined
        : 'a table holds lists at its root'
    case 'any':
    case 'binary':
      if (isAtRoot) return 'elements of a table stand in its lists'
      return content.values.every((value) => typeof value === 'object' && value !== null)
        ? undefined
        : 'elements of a table are arrays, objects or bytes'
    default:
      return `a table holds no ${content.kind}`
  }
}

/** A list begins with its header; what is appended counts like the element before it. */
const baseOf = ({ client, clock }: Struct, item: Item, fresh: readonly Base[], known: FindBase): number | undefined => {
  const first = sinceOf(item.content.values[0])
  if (first !== undefined) return first
  const before = item.origin ?? { client, clock: clock - 1 }
  const near = fresh.findLast((base) => base.client === before.client && base.clock <= before.clock)
  return near?.since ?? known(before.client, before.clock)
}

const sinceOf = (value: unknown): number | undefined => {
  if (typeof value !== 'object' || value === null || !('format' in value)) return undefined
  const { since } = value as { readonly since?: unknown }
  return typeof since === 'number' && Number.isFinite(since) ? since : 0
}

const highestStamp = (values: readonly unknown[], since: number): number => {
  let highest = since
  for (const value of values) if (isRawPatch(value)) highest = Math.max(highest, since + value[2])
  return highest
}

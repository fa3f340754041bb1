// The plain model of the merge law: last writer wins, field by field; a purge voids all before it. Knows no documents.

/** One committed write, as the model sees it. */
export interface ModelWrite {
  readonly id: string
  readonly insert: boolean
  readonly stamp: number
  readonly replica: string
  readonly fields: Readonly<Record<string, unknown>>
}

/** A row as a plain object of its fields, or undefined if nothing has created it. */
export type ModelRow = Readonly<Record<string, unknown>> | undefined

/** What the rows must be after all these writes, in whatever order they came. */
export const modelRows = (writes: readonly ModelWrite[]): Map<string, ModelRow> => {
  const ordered = [...writes].sort((a, b) => a.stamp - b.stamp || (a.replica < b.replica ? -1 : 1))
  const rows = new Map<string, Record<string, unknown>>()
  const created = new Set<string>()
  for (const { id, insert, fields, stamp } of ordered) {
    if ('purgedAt' in fields) {
      rows.set(id, {})
      created.delete(id)
      continue
    }
    rows.set(id, { ...rows.get(id), ...fields, updated: stamp })
    if (insert) created.add(id)
  }
  return new Map(Array.from(rows, ([id, row]) => [id, created.has(id) ? row : undefined]))
}

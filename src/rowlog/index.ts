// What the layers above see of the row log.
export { createDocument } from './document.ts'
export { createDrafts, type Draft } from './draft-entry.ts'
export {
  Entry,
  fieldOf,
  isCreated,
  isDeleted,
  type PackedRows,
  showsSame,
  siblingsOf,
  superseded,
  winnerOf,
} from './entry.ts'
export { FIRST_VALUE } from './format.ts'
export { InsertEncoder } from './insert-encoder.ts'
export { type RowChanges, RowLog } from './log.ts'
export { scratchDocuments } from './scratch.ts'
export { comparePatches, isSameCopy, isSamePatch, isSameWrite, type Patch as LogPatch } from './segment.ts'
export { CREATED, DELETED, KNEW, PURGED, type Shape } from './shape.ts'
export { RESCUED_STAMP } from './staging.ts'
export { type LogStats, sumStats } from './stats.ts'
export type { Entries, TableLog } from './table-log.ts'

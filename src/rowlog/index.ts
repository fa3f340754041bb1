// What the layers above see of the row log.
export { createDrafts, type Draft } from './draft-entry.ts'
export { Entry, fieldOf, isCreated, isDeleted, siblingsOf, superseded, winnerOf } from './entry.ts'
export { FIRST_VALUE } from './format.ts'
export { type RowChanges, RowLog } from './log.ts'
export { scratchDocuments } from './scratch.ts'
export { comparePatches, isSamePatch, type Patch as LogPatch } from './segment.ts'
export { CREATED, DELETED, KNEW, PURGED, type Shape } from './shape.ts'
export type { Entries, TableLog } from './table-log.ts'

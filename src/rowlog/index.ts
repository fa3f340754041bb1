// What the layers above see of the row log.
export { type Entry, fieldOf, isCreated, isDeleted, siblingsOf, winnerOf } from './entry.ts'
export { FIRST_VALUE } from './format.ts'
export { InsertEncoder } from './insert-encoder.ts'
export { type RowChanges, RowLog } from './log.ts'
export { scratchDocuments } from './scratch.ts'
export type { Patch as LogPatch } from './segment.ts'
export { CREATED, DELETED, KNEW, PURGED, type Shape } from './shape.ts'

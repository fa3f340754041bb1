// What the layers above see of the table layer.
export type { Origin, TableChange } from './changes.ts'
export { type Conflict, type ConflictingWrite, Conflicts } from './conflicts.ts'
export type { AfterWrite, BeforeWrite, WriteKind, WriteRequest, WrittenRow } from './hooks.ts'
export { RowTable, type TableOptions } from './row-table.ts'
export { type Skipped, type UndoResult, UndoStack } from './undo.ts'
export { WriteBatch } from './write-batch.ts'

// What the layers above see of the table layer.
export type { Origin, TableChange } from './changes.ts'
export { RowTable, type TableOptions } from './row-table.ts'
export { WriteBatch } from './write-batch.ts'

// What the layers above see of the schema layer.
export {
  Column,
  type ColumnType,
  type ConflictOptions,
  column,
  elementKey,
  type MergeFunction,
  type MergeRule,
  type Presence,
  sortElements,
} from './column.ts'
export { deepFreeze, type Json } from './plain.ts'
export { defineSchema, type Insert, type Patch, type Row, type Schema, type Tables } from './schema.ts'
export { type StoredFields, TableSchema, table } from './table-schema.ts'
export type { Columns, DraftOf, InsertOf, PatchOf, RowMeta, RowOf } from './types.ts'

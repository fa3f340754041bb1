// What the layers above see of the schema layer.
export {
  Column,
  type ConflictOptions,
  column,
  elementKey,
  type MergeFunction,
  type MergeRule,
  type Presence,
  sortElements,
} from './column.ts'
export type { ColumnType, ValueKind } from './column-type.ts'
export { type AnyFormer, type Former, Misfit, readFormer } from './former.ts'
export {
  MAX_VERSION,
  type MigrateRow,
  type Migration,
  type SchemaOptions,
  type StoredRow,
  stepsAfter,
  type Versions,
} from './migrations.ts'
export { isColumnName, TABLE_RECORD, VERSION_FIELD } from './names.ts'
export { deepFreeze, type Json, Refusal, toStored } from './plain.ts'
export { defineSchema, type Insert, type Patch, type Row, type Schema, type Tables } from './schema.ts'
export type { Lookups, TableIndex } from './table-lookups.ts'
export {
  type HistoryRetention,
  type PartitionedSchema,
  type Partitioning,
  type PartitionOptions,
  type StoredFields,
  TableSchema,
  table,
} from './table-schema.ts'
export type { Columns, DraftOf, InsertOf, KeyRow, PatchOf, RowMeta, RowOf } from './types.ts'

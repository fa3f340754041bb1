// The client library: `merrow`.
export { createDatabase, type Database, type DatabaseCore, type DatabaseOptions } from './database.ts'
export { type ErrorCode, type Fault, MerrowError } from './errors.ts'
export type { RandomBytes } from './ids.ts'
export type { Filter, Query, QueryChange, Table } from './query/index.ts'
export {
  Column,
  type Columns,
  type ColumnType,
  type ConflictOptions,
  column,
  type DraftOf,
  defineSchema,
  type Insert,
  type InsertOf,
  type Json,
  type MergeFunction,
  type MergeRule,
  type Patch,
  type PatchOf,
  type Presence,
  type Row,
  type RowMeta,
  type RowOf,
  type Schema,
  TableSchema,
  type Tables,
  table,
} from './schema/index.ts'
export type { Status } from './status.ts'
export type { Connection } from './sync/port.ts'
export type {
  AfterWrite,
  BeforeWrite,
  Conflict,
  ConflictingWrite,
  Conflicts,
  Origin,
  Skipped,
  TableChange,
  UndoResult,
  UndoStack,
  WriteKind,
  WriteRequest,
  WrittenRow,
} from './table/index.ts'
export {
  type Merged,
  type MergeOptions,
  merge,
  type Parts,
  type Selection,
  type Shares,
  type Union,
  type UnionRow,
  type View,
  type ViewChange,
  type ViewDraft,
  type ViewInsert,
  type ViewOptions,
  type ViewPatch,
  type ViewRecord,
  type ViewRow,
} from './view/index.ts'

// What the layers above see of the query layer.

export type { OrderOptions, QueryContext } from './context.ts'
export { GroupQuery } from './group-query.ts'
export { type QueryChange, QueryEngine } from './live/engine.ts'
export type { Duplicate, Uniqueness } from './lookup/uniqueness.ts'
export { type OpenPartition, PartitionedTable, type PartitionHost, type PartitionInfo } from './partitioned-table.ts'
export { createCatalog } from './plan/catalog.ts'
export type { Explanation } from './plan/evaluate.ts'
export type { Included, IncludeSpec, Query } from './query.ts'
export type { SearchHit, SearchOptions, SearchQuery } from './search/search-query.ts'
export { Table } from './table.ts'
export type * from './types.ts'

// What the layers above see of the query layer.
export { type OpenPartition, PartitionedTable, type PartitionHost, type PartitionInfo } from './partitioned-table.ts'
export type { Filter, Query, QueryChange } from './query.ts'
export { Table } from './table.ts'

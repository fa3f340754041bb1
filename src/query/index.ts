// What the layers above see of the query layer.
export type { Filter, Query, QueryChange } from './query.ts'
export { Table } from './table.ts'

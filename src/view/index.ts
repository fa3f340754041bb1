// What the layers above see of the view layer.
export { type Merged, type MergeOptions, merge } from './merge.ts'
export type {
  CheckedParts,
  Held,
  Parts,
  Selection,
  Shares,
  TableSource,
  ViewDraft,
  ViewInsert,
  ViewPatch,
  ViewRecord,
  ViewRow,
} from './types.ts'
export { createUnion, type Listable, type Union, type UnionRow } from './union.ts'
export { createView, type View, type ViewOptions } from './view.ts'
export type { ViewChange } from './watch.ts'

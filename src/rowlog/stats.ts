// What one row log is made of, counted when asked: rows, bytes that show and bytes that do not. Knows Yjs and entries; changes nothing.
import * as encoding from 'lib0/encoding'
import * as Y from 'yjs'
import { type Entry, isCreated, isDeleted } from './entry.ts'
import { decodeElement } from './format.ts'
import type { Patch } from './segment.ts'
import { LOG } from './segments.ts'

/** What a document and its rows come to. */
export interface LogStats {
  /** Rows that reads show. */
  readonly rows: number
  /** Rows that are soft-deleted and kept. */
  readonly softDeletedRows: number
  /** Bytes of the patches that rows are made of, soft-deleted ones too, and of those kept as history; as they stand in the document. */
  readonly liveBytes: number
  /** All other bytes of the document as one update: heads of segments, notes of purges, orphans, what was replaced, Yjs's own. */
  readonly deadBytes: number
  readonly segments: number
  /** Writers that have a segment: a replica is one run of a device. */
  readonly replicas: number
  /** Patches of rows that were purged, or whose insert is not here: kept, and not shown. */
  readonly orphans: number
  /** Patches stamped more than five minutes ahead of this device's clock; the next write of what they write replaces them. */
  readonly fromTheFuture: number
}

/** What is counted, and how patches are told apart. */
export interface LogStatsSource {
  readonly document: Y.Doc
  readonly entries: Iterable<Entry>
  /** Ids of entries that are no rows. */
  readonly records: ReadonlySet<string>
  /** Whether a patch was replaced and goes with the next commit. */
  readonly isReplaced: (patch: Patch) => boolean
  readonly isFarFuture: (stamp: number) => boolean
}

/** Counts. The work is that of encoding the document once and its patches once more. */
export const countLog = ({ document, entries, records, isReplaced, isFarFuture }: LogStatsSource): LogStats => {
  const live = encoding.createEncoder()
  let inBlocks = 0
  const count = { rows: 0, softDeletedRows: 0, orphans: 0, fromTheFuture: 0 }
  for (const entry of entries) {
    const isRow = isCreated(entry)
    if (isRow) count[isDeleted(entry) ? 'softDeletedRows' : 'rows'] += 1
    else if (!records.has(entry.id)) count.orphans += entry.valid.length
    for (const patch of entry.valid) {
      if (isFarFuture(patch.stamp)) count.fromTheFuture += 1
      const { list, block } = patch.segment
      if (!isRow || list === undefined || isReplaced(patch)) continue
      // Columns are shared: a patch of a block counts for its share of the bytes.
      if (block === undefined) encoding.writeAny(live, patch.raw as never)
      else inBlocks += block.bytes / block.patches
    }
  }
  const liveBytes = encoding.length(live) + Math.round(inBlocks)
  const deadBytes = Y.encodeStateAsUpdate(document).length - liveBytes
  return { ...count, liveBytes, deadBytes, ...countSegments(document) }
}

const countSegments = (document: Y.Doc): { readonly segments: number; readonly replicas: number } => {
  const lists = document.getArray<unknown>(LOG).toArray()
  const replicas = new Set<string>()
  for (const list of lists) {
    const first = list instanceof Y.Array && list.length > 0 ? decodeElement(list.get(0)) : undefined
    if (first?.kind === 'header' && first.header.replica !== '') replicas.add(first.header.replica)
  }
  return { segments: lists.length, replicas: replicas.size }
}

/** What several logs come to. */
export const sumStats = (stats: readonly LogStats[]): LogStats => ({
  rows: sum(stats, 'rows'),
  softDeletedRows: sum(stats, 'softDeletedRows'),
  liveBytes: sum(stats, 'liveBytes'),
  deadBytes: sum(stats, 'deadBytes'),
  segments: sum(stats, 'segments'),
  replicas: sum(stats, 'replicas'),
  orphans: sum(stats, 'orphans'),
  fromTheFuture: sum(stats, 'fromTheFuture'),
})

const sum = (stats: readonly LogStats[], figure: keyof LogStats): number =>
  stats.reduce((total, one) => total + one[figure], 0)

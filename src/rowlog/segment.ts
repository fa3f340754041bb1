// Segments: runs of patches by one replica, each a nested Y.Array. Knows how to read one; not what patches mean together.
import type * as Y from 'yjs'
import { BLOCK_FORMAT, decodeElement, FIRST_VALUE, FORMAT, type Header, isRawPatch, type RawPatch } from './format.ts'
import { placeIn, type Shape, type ShapeBook } from './shape.ts'

/** What the document holds of one segment. */
export class Segment {
  /** The nested Y.Array; undefined for the staging segment, whose patches are not in the document yet. */
  readonly list: Y.Array<unknown> | undefined
  /** Who wrote it; undefined until its header is here, or if its format is unknown. */
  header: Header | undefined
  /** Its shapes, numbered as they stand. */
  readonly shapes: Shape[]
  /** What is known of the block that it holds; undefined for one that patches are appended to. */
  block: BlockSource | undefined
  /** Patches in it that are not deleted. */
  live = 0
  /** Whether its header says that it holds a block. */
  holdsBlock = false
  /** Whether its writer has ended it. Nobody else may: what the writer has sent may not be here yet. */
  sealed = false
  /** Format version, if it is one that this code cannot read. */
  unreadableFormat: number | undefined

  constructor(list: Y.Array<unknown> | undefined, header?: Header, shapes: Shape[] = []) {
    this.list = list
    this.header = header
    this.shapes = shapes
  }
}

/** Where the patches of a block come from. */
export interface BlockSource {
  readonly packedAt: number
  readonly packer: string
  /** Its rows, whether they still have patches of it or not. */
  readonly ids: readonly string[]
  /** Its patches and bytes when it was packed. */
  readonly patches: number
  readonly bytes: number
}

/** One write to one row, as it stands in its segment. */
export class Patch {
  segment: Segment
  raw: RawPatch

  constructor(segment: Segment, raw: RawPatch) {
    this.segment = segment
    this.raw = raw
  }

  /** What it writes. */
  get shape(): Shape {
    return this.segment.shapes[this.raw[0]] as Shape
  }

  /** What it writes to a field; undefined if nothing. */
  value(field: string): unknown {
    const at = placeIn(this.shape, field)
    return at < 0 ? undefined : this.raw[FIRST_VALUE + at]
  }

  get stamp(): number {
    return (this.segment.header as Header).since + this.raw[2]
  }

  get replica(): string {
    return (this.segment.header as Header).replica
  }

  get author(): string | undefined {
    return this.segment.header?.author
  }
}

/** Whether two patches are copies of one write. */
export const isSameWrite = (a: Patch, b: Patch): boolean => a === b || (a.stamp === b.stamp && a.replica === b.replica)

/**
 * Orders patches: by stamp, then by replica. The later of two wins a field that both write. Of two copies of one, the later
 * packed is the later: so the highest is never given up for a lower one, whoever packs what at once.
 */
export const comparePatches = (a: Patch, b: Patch): number =>
  a.stamp - b.stamp || compareNames(a.replica, b.replica) || compareBlocks(a.segment.block, b.segment.block)

const compareNames = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)

const compareBlocks = (a: BlockSource | undefined, b: BlockSource | undefined): number => {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? -1 : 1
  return a.packedAt - b.packedAt || compareNames(a.packer, b.packer)
}

/** Whether two segments hold copies of one block. */
export const isSameBlock = (a: Segment, b: Segment): boolean => compareBlocks(a.block, b.block) === 0

/** Whether two patches are one, or copies of one: of what one clock reading wrote to a row, each column stands in one patch. */
export const isSamePatch = (a: Patch, b: Patch): boolean =>
  a === b || (comparePatches(a, b) === 0 && isSameShape(a.shape, b.shape))

/** Whether two patches are copies of one write that write the same, whichever was packed when. */
export const isSameCopy = (a: Patch, b: Patch): boolean => isSameWrite(a, b) && isSameShape(a.shape, b.shape)

const isSameShape = (a: Shape, b: Shape): boolean =>
  a === b ||
  (a.insert === b.insert &&
    a.columns.length === b.columns.length &&
    a.columns.every((column, at) => column === b.columns[at]))

/** What to do with the elements of a segment. */
export interface SegmentReader {
  readonly shapes: ShapeBook
  onPatch(patch: Patch): void
  /** The bytes of a block, whatever they are. */
  onBlock(segment: Segment, bytes: Uint8Array): void
  /** An element that is of no use: nonsense, or without what it refers to. It stays where it is. */
  onRefused(segment: Segment, element: unknown): void
}

/**
 * Takes in elements that were appended to a segment, in order.
 *
 * A segment of another format is refused once, as a whole.
 */
export const readElements = (segment: Segment, values: readonly unknown[], reader: SegmentReader): void => {
  for (const value of values) {
    if (segment.unreadableFormat !== undefined) return
    readElement(segment, value, reader)
  }
}

const readElement = (segment: Segment, value: unknown, reader: SegmentReader): void => {
  // Nearly all elements are patches: they are told apart first, and without a wrapper each.
  if (isRawPatch(value)) return readPatch(segment, value, reader)
  if (value instanceof Uint8Array) return readBytes(segment, value, reader)
  const element = decodeElement(value)
  switch (element.kind) {
    case 'header':
      if (element.format === FORMAT) segment.header ??= element.header
      else if (element.format === BLOCK_FORMAT && segment.header === undefined) segment.holdsBlock = true
      else {
        segment.unreadableFormat = element.format
        reader.onRefused(segment, value)
      }
      return
    case 'shape':
      segment.shapes.push(
        element.insert ? reader.shapes.insert(element.columns) : reader.shapes.update(element.columns),
      )
      return
    case 'seal':
      segment.sealed = true
      return
    case 'unknown':
      return reader.onRefused(segment, value)
  }
}

const readBytes = (segment: Segment, bytes: Uint8Array, reader: SegmentReader): void =>
  segment.holdsBlock && segment.block === undefined ? reader.onBlock(segment, bytes) : reader.onRefused(segment, bytes)

const readPatch = (segment: Segment, raw: RawPatch, reader: SegmentReader): void => {
  const { header, unreadableFormat } = segment
  const shape = segment.shapes[raw[0]]
  if (shape === undefined || header === undefined || unreadableFormat !== undefined || !isWhole(raw, shape, header))
    return reader.onRefused(segment, raw)
  segment.live += 1
  reader.onPatch(new Patch(segment, raw))
}

const isWhole = (raw: RawPatch, shape: Shape, header: Header): boolean =>
  raw.length === 3 + shape.columns.length && Number.isSafeInteger(header.since + raw[2])

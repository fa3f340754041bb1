// Writing patches into segments: which segment, which shape number, when to start a new one. Knows no rows.
import * as Y from 'yjs'
import { packId } from '../ids.ts'
import { encodeHeader, encodeShape, type Header, SEGMENT_PATCHES } from './format.ts'
import { type Patch, Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import type { Shape } from './shape.ts'

/** A patch that is in no document yet: its array may still be written to. */
type UnplacedPatch = [shape: number, id: string, sinceHeader: number, ...values: unknown[]]

interface OpenSegment {
  readonly segment: Segment
  readonly list: Y.Array<unknown>
  readonly since: number
  readonly shapeNumbers: Map<Shape, number>
  patches: number
}

/** Appends one replica's patches, to one segment at a time. */
export class SegmentWriter {
  readonly #segments: Segments
  readonly #author: Omit<Header, 'since'>
  #open: OpenSegment | undefined

  constructor(segments: Segments, author: Omit<Header, 'since'>) {
    this.#segments = segments
    this.#author = author
  }

  /** Appends staged patches, lowest stamp first, and moves each to its place. Within a Yjs transaction. */
  write(patches: readonly Patch[]): void {
    let elements: unknown[] = []
    let open = this.#open
    for (const patch of patches) {
      if (open === undefined || open.segment.sealed || open.patches === SEGMENT_PATCHES || patch.stamp < open.since) {
        if (elements.length > 0) open?.list.push(elements)
        open = this.#start(patch.stamp)
        elements = []
      }
      place(patch, open, elements)
    }
    open?.list.push(elements)
  }

  /** Ends the open segment, if there is one. Within a Yjs transaction. */
  seal(): void {
    if (this.#open !== undefined) this.#segments.seal(this.#open.segment)
    this.#open = undefined
  }

  #start(since: number): OpenSegment {
    this.seal()
    const header = { ...this.#author, since }
    const list = new Y.Array<unknown>()
    const segment = new Segment(list, header)
    this.#segments.add(segment)
    this.#segments.root.push([list])
    list.push([encodeHeader(header)])
    this.#open = { segment, list, since, shapeNumbers: new Map(), patches: 0 }
    return this.#open
  }
}

/** Adds a patch to the elements that a segment is about to get; what was staged is now what the document will hold. */
const place = (patch: Patch, open: OpenSegment, elements: unknown[]): void => {
  const { shape } = patch
  const { segment, shapeNumbers } = open
  let number = shapeNumbers.get(shape)
  if (number === undefined) {
    number = segment.shapes.push(shape) - 1
    shapeNumbers.set(shape, number)
    elements.push(encodeShape(shape.insert, shape.columns))
  }
  const raw = patch.raw as UnplacedPatch
  raw[2] = patch.stamp - open.since
  raw[1] = packId(raw[1])
  raw[0] = number
  patch.segment = segment
  segment.live += 1
  open.patches += 1
  elements.push(raw)
}

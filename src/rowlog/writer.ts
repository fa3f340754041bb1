// Writing patches into segments: which segment, which shape number, when to start a new one. Knows no rows.
import * as Y from 'yjs'
import { packId } from '../ids.ts'
import {
  encodeHeader,
  encodeSeal,
  encodeShape,
  FIRST_VALUE,
  type Header,
  type RawPatch,
  SEGMENT_PATCHES,
} from './format.ts'
import { type Patch, Segment } from './segment.ts'
import type { Segments } from './segments.ts'
import type { Shape } from './shape.ts'

interface OpenSegment {
  readonly segment: Segment
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
    const created: Y.Array<unknown>[] = []
    const finish = (): void => {
      const list = this.#open?.segment.list
      if (list !== undefined && elements.length > 0) list.push(elements)
      elements = []
    }
    for (const patch of patches) {
      const open = this.#open
      if (open === undefined || open.segment.sealed || open.patches === SEGMENT_PATCHES) {
        if (open !== undefined && !open.segment.sealed) {
          open.segment.sealed = true
          this.#segments.noteShrunk(open.segment)
          elements.push(encodeSeal())
        }
        finish()
        const header = { ...this.#author, since: patch.stamp }
        const list = new Y.Array<unknown>()
        this.#open = { segment: new Segment(list, header), shapeNumbers: new Map(), patches: 0 }
        this.#segments.add(this.#open.segment)
        created.push(list)
        elements.push(encodeHeader(header))
      }
      elements.push(...this.#place(patch, this.#open as OpenSegment))
    }
    finish()
    if (created.length > 0) this.#segments.root.push(created)
  }

  /** Ends the open segment, if there is one. Within a Yjs transaction. */
  seal(): void {
    if (this.#open !== undefined) this.#segments.seal(this.#open.segment)
    this.#open = undefined
  }

  #place(patch: Patch, open: OpenSegment): readonly unknown[] {
    const { shape, stamp } = patch
    const { segment, shapeNumbers } = open
    let number = shapeNumbers.get(shape)
    const isNew = number === undefined
    if (number === undefined) {
      number = segment.shapes.push(shape) - 1
      shapeNumbers.set(shape, number)
    }
    const { since } = segment.header as Header
    const raw: RawPatch = [number, packId(patch.raw[1]), stamp - since, ...patch.raw.slice(FIRST_VALUE)]
    patch.segment = segment
    patch.raw = raw
    segment.live += 1
    open.patches += 1
    return isNew ? [encodeShape(shape.insert, shape.columns), raw] : [raw]
  }
}

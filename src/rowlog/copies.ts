// Copies: patches of one document put into another as they are, stamps, replicas and authors included. Knows segments; no rows.
import * as Y from 'yjs'
import { packId } from '../ids.ts'
import { encodeHeader, encodeSeal, encodeShape, FIRST_VALUE, SEGMENT_PATCHES } from './format.ts'
import { comparePatches, Patch, Segment } from './segment.ts'
import type { Segments } from './segments.ts'

/** A patch to be copied, and the row that it is of. */
export interface Original {
  readonly id: string
  readonly patch: Patch
}

/**
 * Writes copies into sealed segments of their own, one writer's after another's. Within a Yjs transaction.
 *
 * @param originals - Patches that stand in a document, in segments or in blocks.
 * @returns The copies.
 */
export const writeCopies = (segments: Segments, originals: readonly Original[]): readonly Patch[] => {
  const byWriter = new Map<string, Original[]>()
  for (const original of originals) {
    const { patch } = original
    const writer = JSON.stringify([patch.replica, patch.author])
    const group = byWriter.get(writer)
    if (group === undefined) byWriter.set(writer, [original])
    else group.push(original)
  }
  return [...byWriter.values()].flatMap((group) => {
    group.sort((a, b) => comparePatches(a.patch, b.patch))
    const copies: Patch[] = []
    for (let at = 0; at < group.length; at += SEGMENT_PATCHES)
      copies.push(...writeSegment(segments, group.slice(at, at + SEGMENT_PATCHES)))
    return copies
  })
}

const writeSegment = (segments: Segments, originals: readonly Original[]): readonly Patch[] => {
  const [{ patch: first }] = originals as [Original]
  const { replica, author, stamp: since } = first
  const header = { replica, author, since }
  const list = new Y.Array<unknown>()
  const segment = new Segment(list, header)
  segment.sealed = true
  segment.live = originals.length
  const elements: unknown[] = [encodeHeader(header)]
  const copies = originals.map(({ id, patch: { shape, raw, stamp } }) => {
    if (!segment.shapes.includes(shape)) {
      segment.shapes.push(shape)
      elements.push(encodeShape(shape.insert, shape.columns))
    }
    const copy = new Patch(segment, [
      segment.shapes.indexOf(shape),
      packId(id),
      stamp - since,
      ...raw.slice(FIRST_VALUE),
    ])
    elements.push(copy.raw)
    return copy
  })
  segments.add(segment)
  segments.root.push([list])
  list.push([...elements, encodeSeal()])
  return copies
}

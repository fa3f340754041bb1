// Copies: patches of one document put into another as they are, stamps, replicas and authors included. Knows segments; no rows.
import * as Y from 'yjs'
import { encodeHeader, encodeSeal, encodeShape, FIRST_VALUE, SEGMENT_PATCHES } from './format.ts'
import { comparePatches, Patch, Segment } from './segment.ts'
import type { Segments } from './segments.ts'

/**
 * Writes copies into sealed segments of their own, one writer's after another's. Within a Yjs transaction.
 *
 * @param patches - Patches that stand in a document; staged ones are not packed yet.
 * @returns The copies.
 */
export const writeCopies = (segments: Segments, patches: readonly Patch[]): readonly Patch[] => {
  const byWriter = new Map<string, Patch[]>()
  for (const patch of patches) {
    const writer = JSON.stringify([patch.replica, patch.author])
    const group = byWriter.get(writer)
    if (group === undefined) byWriter.set(writer, [patch])
    else group.push(patch)
  }
  return [...byWriter.values()].flatMap((group) => {
    group.sort(comparePatches)
    const copies: Patch[] = []
    for (let at = 0; at < group.length; at += SEGMENT_PATCHES)
      copies.push(...writeSegment(segments, group.slice(at, at + SEGMENT_PATCHES)))
    return copies
  })
}

const writeSegment = (segments: Segments, patches: readonly Patch[]): readonly Patch[] => {
  const [{ replica, author, stamp: since }] = patches as [Patch]
  const header = { replica, author, since }
  const list = new Y.Array<unknown>()
  const segment = new Segment(list, header)
  segment.sealed = true
  segment.live = patches.length
  const elements: unknown[] = [encodeHeader(header)]
  const copies = patches.map(({ shape, raw, stamp }) => {
    if (!segment.shapes.includes(shape)) {
      segment.shapes.push(shape)
      elements.push(encodeShape(shape.insert, shape.columns))
    }
    const copy = new Patch(segment, [segment.shapes.indexOf(shape), raw[1], stamp - since, ...raw.slice(FIRST_VALUE)])
    elements.push(copy.raw)
    return copy
  })
  segments.add(segment)
  segments.root.push([list])
  list.push([...elements, encodeSeal()])
  return copies
}

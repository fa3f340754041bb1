// The segments of one document: finding, ending and emptying them. Knows Yjs lists; not rows.
import * as Y from 'yjs'
import { decodeElement, encodeBlockHeader, encodeSeal } from './format.ts'
import { type Patch, Segment } from './segment.ts'

/** Name of the root list. */
export const LOG = 'log'

/** The nested lists under a document's root, each with its {@link Segment}. */
export class Segments {
  readonly root: Y.Array<Y.Array<unknown>>
  readonly #byList = new Map<unknown, Segment>()
  readonly #maybeEmpty = new Set<Segment>()

  constructor(document: Y.Doc) {
    this.root = document.getArray(LOG)
  }

  /** Whether no segment has been met yet. */
  get isEmpty(): boolean {
    return this.#byList.size === 0
  }

  /** The segment of a list; made if it is a list of this document that was not met before. */
  of(list: unknown): Segment | undefined {
    const known = this.#byList.get(list)
    if (known !== undefined || !(list instanceof Y.Array) || list.parent !== this.root) return known
    const segment = new Segment(list)
    this.#byList.set(list, segment)
    return segment
  }

  /** Takes up a segment that this replica has just made. */
  add(segment: Segment): void {
    this.#byList.set(segment.list, segment)
  }

  /** Forgets a list that was deleted. Its writer, should that be this replica, must not go on in it. @returns its segment. */
  forget(list: unknown): Segment | undefined {
    const segment = this.#byList.get(list)
    if (segment !== undefined) segment.sealed = true
    this.#byList.delete(list)
    return segment
  }

  /** Appends a block to the document. Within a Yjs transaction. @returns its segment, for the patches to be placed in. */
  append(bytes: Uint8Array): Segment {
    const list = new Y.Array<unknown>()
    const segment = new Segment(list)
    segment.holdsBlock = true
    this.add(segment)
    this.root.push([list])
    list.push([encodeBlockHeader(), bytes])
    return segment
  }

  /** Ends a segment for good. Within a Yjs transaction. */
  seal(segment: Segment): void {
    if (segment.sealed) return
    segment.sealed = true
    segment.list?.push([encodeSeal()])
    this.#maybeEmpty.add(segment)
  }

  /** Takes note that a segment was ended or lost patches, for {@link dropEmpty}. */
  noteShrunk(segment: Segment): void {
    this.#maybeEmpty.add(segment)
  }

  /**
   * Deletes patches from the document, and whole segments that are sealed and have no other live patch. Those of a block stay in its
   * bytes until it goes. Within a Yjs transaction; patches that are gone already are passed over.
   */
  deletePatches(patches: Iterable<Patch>): void {
    const bySegment = new Map<Segment, Set<unknown>>()
    for (const {
      segment: { list },
      raw,
    } of patches) {
      const segment = this.#byList.get(list)
      if (segment === undefined) continue
      const raws = bySegment.get(segment)
      if (raws === undefined) bySegment.set(segment, new Set([raw]))
      else raws.add(raw)
    }
    for (const [segment, raws] of bySegment) {
      segment.live -= raws.size
      this.noteShrunk(segment)
      const isLeftWhole = segment.block !== undefined || (segment.sealed && segment.live === 0)
      if (!isLeftWhole) deleteElements(segment, raws)
    }
  }

  /**
   * Deletes the segments that are sealed and without a live patch; Yjs then forgets their content. Within a Yjs transaction.
   *
   * @returns How many there were.
   */
  dropEmpty(): number {
    if (this.#maybeEmpty.size === 0) return 0
    const lists = new Set<unknown>()
    for (const segment of this.#maybeEmpty)
      if (segment.sealed && segment.live === 0 && this.#byList.delete(segment.list)) lists.add(segment.list)
    this.#maybeEmpty.clear()
    if (lists.size > 0) deleteWhere(this.root, lists)
    return lists.size
  }
}

const deleteElements = ({ list }: Segment, raws: ReadonlySet<unknown>): void => {
  if (list !== undefined) deleteWhere(list, raws)
}

/** Deletes the given elements of a list, last first, neighbours at once. */
const deleteWhere = (list: Y.Array<unknown> | Y.Array<Y.Array<unknown>>, gone: ReadonlySet<unknown>): void => {
  const elements: readonly unknown[] = list.toArray()
  let end = elements.length
  while (end > 0) {
    while (end > 0 && !gone.has(elements[end - 1])) end--
    let start = end
    while (start > 0 && gone.has(elements[start - 1])) start--
    if (start < end) list.delete(start, end - start)
    end = start
  }
}

/** Whether a list begins with a header, so that the rest can be read. */
export const hasHeader = (elements: readonly unknown[]): boolean =>
  elements.length > 0 && decodeElement(elements[0]).kind === 'header'

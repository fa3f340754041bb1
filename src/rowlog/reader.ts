// Reading Yjs transactions: which patches came, which went. Derived from the transaction's own structs, so that the cost is that
// of the change, not of the lists. Knows no rows.
import * as Y from 'yjs'
import { decodeBlock, type PackedBlock } from './block.ts'
import { PlacedBlock } from './block-place.ts'
import { decodeElement } from './format.ts'
import { type BlockSource, type Patch, readElements, Segment, type SegmentReader } from './segment.ts'
import { hasHeader, LOG, type Segments } from './segments.ts'
import type { ShapeBook } from './shape.ts'
import { storedLists } from './stored-lists.ts'

/** Who is told what a document holds. */
export interface LiveSink {
  onPatch(patch: Patch): void
  onBlock(block: PlacedBlock): void
}

/** Who is told what a transaction brought, and took. */
export interface PatchSink extends LiveSink {
  /** A block was deleted, with all its patches. */
  onBlockDeleted(block: BlockSource): void
  /** A patch, as it rested in the document, was deleted there. */
  onDeleted(raw: readonly unknown[]): void
  /** Of a segment that is still there, a part was deleted without which its patches cannot be read: no row log does that. */
  onTorn(segment: Segment): void
}

/** Turns transactions into patches. */
export class TransactionReader {
  readonly #segments: Segments
  readonly #shapes: ShapeBook
  /** Elements that were of no use so far. */
  refused = 0

  constructor(segments: Segments, shapes: ShapeBook) {
    this.#segments = segments
    this.#shapes = shapes
  }

  /**
   * Reads one transaction, before Yjs collects its garbage: in an observer.
   */
  read(transaction: Y.Transaction, sink: PatchSink): void {
    this.#readAdded(transaction, this.#readerFor(sink))
    this.#readDeleted(transaction, sink)
  }

  /** Reads all that the document holds, for a log that knows nothing of it yet: the cost is that of what is live, not of what once was. */
  readAll(sink: LiveSink): void {
    this.refused = 0
    const reader = this.#readerFor(sink)
    for (const list of this.#segments.root.toArray()) {
      const segment = this.#segments.of(list)
      // Whatever else others have put there.
      if (segment === undefined) {
        this.refused += 1
        continue
      }
      const elements = list.toArray()
      if (hasHeader(elements)) this.#readInto(segment, elements, reader)
    }
  }

  /**
   * Reads what updates hold that are not in the document yet, as {@link readAll} will once they are. The patches stand in segments that
   * are none of the document's.
   *
   * @returns Whether it could; false before anything was read.
   * @throws if the bytes are no updates.
   */
  readStored(updates: readonly Uint8Array[], sink: LiveSink): boolean {
    const lists = storedLists(updates, LOG)
    if (lists === undefined) return false
    const reader = this.#readerFor(sink)
    for (const elements of lists) if (hasHeader(elements)) readElements(new Segment(undefined), elements, reader)
    return true
  }

  #readerFor(sink: LiveSink): SegmentReader {
    return {
      shapes: this.#shapes,
      onPatch: (patch) => sink.onPatch(patch),
      onBlock: (segment, bytes) => this.#readBlock(segment, bytes, sink),
      onRefused: () => {
        this.refused += 1
      },
    }
  }

  #readAdded(transaction: Y.Transaction, reader: SegmentReader): void {
    const headless = new Set<Segment>()
    forEachNewItem(transaction, (item) => {
      if (item.parentSub !== null) return this.#refuse(item)
      const segment = this.#segments.of(item.parent)
      if (segment === undefined) return this.#readRootItem(item)
      if (segment.header === undefined && !segment.holdsBlock) headless.add(segment)
      else this.#readInto(segment, item.content.getContent(), reader)
    })
    for (const segment of headless) {
      const { list, unreadableFormat } = segment
      const elements = unreadableFormat === undefined ? list?.toArray() : undefined
      if (elements !== undefined && hasHeader(elements)) this.#readInto(segment, elements, reader)
    }
  }

  #readInto(segment: Segment, elements: readonly unknown[], reader: SegmentReader): void {
    readElements(segment, elements, reader)
    if (segment.sealed) this.#segments.noteShrunk(segment)
  }

  /** A block comes from anyone: what cannot be read is left where it is. */
  #readBlock(segment: Segment, bytes: Uint8Array, sink: LiveSink): void {
    let block: PackedBlock
    try {
      block = decodeBlock(bytes)
    } catch {
      this.refused += 1
      return
    }
    sink.onBlock(new PlacedBlock(segment, block, { bytes: bytes.length, shapes: this.#shapes }))
  }

  #readRootItem(item: Y.Item): void {
    const isSegment =
      item.parent === this.#segments.root &&
      item.content instanceof Y.ContentType &&
      item.content.type instanceof Y.Array
    if (!isSegment) this.#refuse(item)
  }

  #refuse(item: Y.Item): void {
    this.refused += item.length
  }

  #readDeleted(transaction: Y.Transaction, sink: PatchSink): void {
    Y.iterateDeletedStructs(transaction, transaction.deleteSet, (struct) => {
      if (!(struct instanceof Y.Item)) return
      if (struct.content instanceof Y.ContentType) {
        const block = this.#segments.forget(struct.content.type)?.block
        return block === undefined ? undefined : sink.onBlockDeleted(block)
      }
      if (!(struct.content instanceof Y.ContentAny)) return
      const segment = this.#segments.of(struct.parent)
      const isThere = struct.parent instanceof Y.Array && struct.parent._item?.deleted === false
      for (const element of struct.content.arr) {
        if (!Array.isArray(element)) {
          if (segment !== undefined && isThere && isKeyPart(element)) sink.onTorn(segment)
          continue
        }
        sink.onDeleted(element)
        if (segment !== undefined) this.#segments.noteShrunk(segment)
      }
    })
  }
}

const isKeyPart = (element: unknown): boolean => {
  const { kind } = decodeElement(element)
  return kind === 'header' || kind === 'shape'
}

const forEachNewItem = (transaction: Y.Transaction, visit: (item: Y.Item) => void): void => {
  const { clients } = transaction.doc.store
  for (const [client, after] of transaction.afterState) {
    const before = transaction.beforeState.get(client) ?? 0
    const structs = clients.get(client)
    if (after <= before || structs === undefined) continue
    for (let at = Y.findIndexSS(structs, before); at < structs.length; at++) {
      const struct = structs[at]
      if (struct instanceof Y.Item && !struct.deleted) visit(struct)
    }
  }
}

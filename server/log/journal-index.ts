// Where in the journal the updates of each document lie: all that the log on disk keeps in memory. Knows journal and files.
import type { Logger } from '../logger.ts'
import { type Piece, pieceAfter } from './content.ts'
import { damaged } from './fault.ts'
import type { DocumentFiles, FileList } from './files/document-files.ts'
import type { FoundJournal, Journal, Place } from './files/journal.ts'
import { pieceOf, type RecordHead, readHead } from './files/record.ts'

/** What of one document is in the journal, and how far its numbers go, counting what is planned. */
export interface Held {
  /** Number of the last update that is planned, and of the last one that is durable. */
  planned: number
  durable: number
  isDeleted: boolean
  isDamaged: boolean
  /** Whether the document's own files were looked at: at the start they are not, for thousands would have to be. */
  isLookedUp: boolean
  places: Place[]
}

/** The documents that have something in the journal; the others cost nothing. */
export class JournalIndex {
  readonly #journal: Journal
  readonly #files: DocumentFiles
  readonly #held = new Map<string, Held>()

  constructor(journal: Journal, files: DocumentFiles) {
    this.#journal = journal
    this.#files = files
  }

  /** Takes in what the journal held when it was opened. */
  load({ places, damaged, tornBytes }: FoundJournal, logger: Logger): void {
    for (const place of places) {
      const held = this.#heldOrNew(place.head.document)
      held.places.push(place)
      held.durable = Math.max(held.durable, place.head.last)
      held.planned = held.durable
    }
    for (const document of damaged) this.#heldOrNew(document).isDamaged = true
    if (damaged.length > 0) logger('error', 'documents are damaged', { documents: damaged.length })
    if (tornBytes > 0) logger('warn', 'an unfinished write was left out', { bytes: tornBytes })
  }

  /** What is known of a document; looked up if need be. {@link forget} lets it go. */
  hold(document: string): Held {
    const held = this.#heldOrNew(document)
    if (held.isLookedUp) return held
    const { head, isDeleted } = this.#files.list(document)
    held.isLookedUp = true
    held.isDeleted = isDeleted
    held.durable = Math.max(held.durable, head)
    held.planned = held.durable
    if (isDeleted) held.places = []
    return held
  }

  /** What is known of a document, if it has something in the journal. */
  get(document: string): Held | undefined {
    return this.#held.has(document) ? this.hold(document) : undefined
  }

  /** All of them. */
  *all(): Iterable<readonly [document: string, held: Held]> {
    for (const document of this.#held.keys()) yield [document, this.hold(document)]
  }

  /** Whether the journal holds damaged records, which are kept as they are. */
  get isDamaged(): boolean {
    return [...this.#held.values()].some((held) => held.isDamaged)
  }

  /** Nothing of what was planned has happened. */
  dropPlans(): void {
    for (const held of this.#held.values()) held.planned = held.durable
  }

  /** Notes that a record lies durably at byte `start` of a segment. */
  note(held: Held, record: Buffer, segment: number, start: number): void {
    const head = headAt(record, start)
    held.durable = head.last
    held.places.push({ segment, head })
  }

  #heldOrNew(document: string): Held {
    let held = this.#held.get(document)
    if (held === undefined) {
      held = { planned: 0, durable: 0, isDeleted: false, isDamaged: false, isLookedUp: false, places: [] }
      this.#held.set(document, held)
    }
    return held
  }

  /** The updates after the snapshot: those that have left the journal, then those that are still there. */
  pieces(document: string, files: FileList): readonly Piece[] {
    const tail = this.#files.readTail(document, files)
    const pieces = tail === undefined ? [] : [tail]
    let last = tail?.last ?? files.upTo
    const places = this.#held.get(document)?.places ?? []
    for (const [at, bytes] of this.#journal.read(places).entries()) {
      const piece = pieceAfter(pieceOf(bytes, (places[at] as Place).head), last)
      if (piece === undefined) continue
      if (piece.first > last + 1) throw damaged(document, `update ${last + 1} is missing`)
      pieces.push(piece)
      last = piece.last
    }
    return pieces
  }

  /** Forgets where in the journal the updates up to `seq` lie. A document that has no others there costs nothing. */
  forget(document: string, seq: number): void {
    const held = this.#held.get(document)
    if (held === undefined) return
    const { upTo } = this.#files.list(document)
    held.durable = Math.max(held.durable, upTo)
    held.planned = Math.max(held.planned, upTo)
    held.places = held.places.filter(({ head }) => head.last > seq)
    if (held.places.length === 0 && held.planned === held.durable) this.#held.delete(document)
  }
}

/** The head of a record that begins at byte `start` of its segment. */
const headAt = (record: Buffer, start: number): RecordHead => {
  const head = readHead(record, 0)
  if (head === undefined) throw new Error('A record that was just made cannot be read.')
  return { ...head, bodyAt: head.bodyAt + start }
}

// What a log holds of one document, packed as it was stored: a busy document's tail has a hundred thousand updates, which are taken apart
// for those alone who look at them. Knows no files.
import { packed, unpacked } from './packed.js'
import type { LogContent, LogEntry, StoredSnapshot } from './port.ts'

/** Updates that follow one another. */
export interface Piece {
  /** Numbers of the first and last one. */
  readonly first: number
  readonly last: number
  readonly packed: Uint8Array
}

/** What of a piece comes after update `seq`; `undefined` if nothing does. */
export const pieceAfter = (piece: Piece, seq: number): Piece | undefined => {
  if (piece.first > seq) return piece
  if (piece.last <= seq) return undefined
  const kept = entriesOf(piece).filter((entry) => entry.seq > seq)
  return { first: seq + 1, last: piece.last, packed: packed(kept.map(({ update }) => update)) }
}

/** The content that pieces, which follow one another, make. */
export const contentOf = (snapshot: StoredSnapshot | undefined, pieces: readonly Piece[]): LogContent =>
  new Content(snapshot, pieces, undefined)

/** The content of single updates, in order. */
export const contentOfEntries = (snapshot: StoredSnapshot | undefined, entries: readonly LogEntry[]): LogContent =>
  new Content(snapshot, undefined, entries)

class Content implements LogContent {
  readonly snapshot: StoredSnapshot | undefined
  readonly #pieces: readonly Piece[] | undefined
  #entries: readonly LogEntry[] | undefined

  constructor(
    snapshot: StoredSnapshot | undefined,
    pieces: readonly Piece[] | undefined,
    entries: readonly LogEntry[] | undefined,
  ) {
    this.snapshot = snapshot
    this.#pieces = pieces
    this.#entries = entries
  }

  get upTo(): number {
    const last = this.#pieces === undefined ? this.#entries?.at(-1)?.seq : this.#pieces.at(-1)?.last
    return last ?? this.snapshot?.upTo ?? 0
  }

  get entries(): readonly LogEntry[] {
    this.#entries ??= (this.#pieces ?? []).flatMap(entriesOf)
    return this.#entries
  }

  get packed(): readonly Uint8Array[] {
    if (this.#pieces !== undefined) return this.#pieces.map((piece) => piece.packed)
    const { entries } = this
    return entries.length === 0 ? [] : [packed(entries.map(({ update }) => update))]
  }
}

const entriesOf = (piece: Piece): readonly LogEntry[] =>
  unpacked(piece.packed).map((update, at) => ({ seq: piece.first + at, update }))

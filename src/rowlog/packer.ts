// Packing rows of a document into new blocks, and what lay in old ones with them. Knows segments and entries; not when it is done.
import type { StampClock } from '../stamp.ts'
import { decodeBlock, encodeBlock } from './block.ts'
import { PlacedBlock } from './block-place.ts'
import { type PackedRows, type PackRules, packRows } from './compaction.ts'
import type { Entry } from './entry.ts'
import type { RowEntries } from './row-entries.ts'
import type { BlockSource, Patch } from './segment.ts'
import type { Segments } from './segments.ts'
import type { ShapeBook } from './shape.ts'

/** What a packer is given to work with. */
export interface PackerOptions {
  readonly replica: string
  readonly clock: StampClock
  readonly rules: PackRules
  readonly shapes: ShapeBook
  readonly segments: Segments
  readonly entries: RowEntries
  /** Runs work as one Yjs transaction, unless within one. */
  readonly transact: (work: () => void) => void
}

/** Packs rows of one document. */
export class Packer {
  readonly #options: PackerOptions
  /** When it last packed anything, in milliseconds since the epoch. */
  lastMs: number | undefined

  constructor(options: PackerOptions) {
    this.#options = options
  }

  /** Packs rows, and deletes what they lay in: one Yjs transaction a block, unless within one. */
  pack(rows: readonly Entry[]): void {
    const { rules, clock, segments, transact } = this.#options
    for (const packed of packRows(rows, rules))
      transact(() => {
        this.#packBlock(packed)
        segments.deletePatches(packed.entries.flatMap(({ patches }) => patches))
        segments.dropEmpty()
      })
    this.lastMs = clock.nowMs
  }

  /** Packs all rows of some blocks anew, which the blocks then go with. */
  rewrite(blocks: ReadonlySet<BlockSource>): void {
    this.pack(this.#rowsOf(blocks))
  }

  /** Blocks that hold what must not stay, even unseen: what a purge voided, and what would come back at the next loading. */
  blocksToRewrite(displaced: readonly Patch[]): ReadonlySet<BlockSource> {
    const { entries } = this.#options
    const voided = [...entries.superseded].flatMap(([id, patches]) => {
      const entry = entries.get(id)
      return entry === undefined || entry.valid === entry.patches ? [] : patches
    })
    return blocksOf([...displaced, ...voided])
  }

  #packBlock({ entries, rows }: PackedRows): void {
    const { replica, clock, shapes, segments } = this.#options
    const packedAt = entries.reduce(packedAfter, clock.next())
    const bytes = encodeBlock({ packedAt, packer: replica, rows })
    const placed = new PlacedBlock(segments.append(bytes), decodeBlock(bytes), { bytes: bytes.length, shapes })
    for (const entry of placed.entries()) this.#options.entries.replace(entry)
  }

  #rowsOf(blocks: ReadonlySet<BlockSource>): readonly Entry[] {
    const { entries } = this.#options
    const ids = new Set([...blocks].flatMap((block) => block.ids))
    return [...ids].flatMap((id) => {
      const entry = entries.get(id)
      return entry?.patches.some(({ segment: { block } }) => block !== undefined && blocks.has(block)) ? entry : []
    })
  }
}

/** The blocks that some patches lie in. */
export const blocksOf = (patches: readonly Patch[]): ReadonlySet<BlockSource> =>
  new Set(patches.flatMap(({ segment: { block } }) => block ?? []))

/** A stamp above those of the blocks that a row was packed in. */
const packedAfter = (stamp: number, { patches }: Entry): number =>
  patches.reduce((after, { segment: { block } }) => Math.max(after, (block?.packedAt ?? 0) + 1), stamp)

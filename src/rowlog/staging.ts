// Staging: patches that rows show already and the document does not hold yet. Knows how to take them back.
import { type Entry, superseded, supersededBy, withoutPatches, withPatch } from './entry.ts'
import type { Header, RawPatch } from './format.ts'
import { Patch, Segment } from './segment.ts'
import { CREATED, PURGED, type Shape, type ShapeBook } from './shape.ts'

/** One patch to be. */
export interface Write {
  readonly id: string
  readonly shape: Shape
  readonly values: readonly unknown[]
  readonly stamp: number
}

const NONE: readonly Patch[] = []
/** What is saved from a patch of the far future must not win over anything that an honest clock has stamped. */
export const RESCUED_STAMP = 1

interface Step {
  readonly id: string
  readonly before: Entry | undefined
  readonly after: Entry
}

/** All that was staged. */
export interface Staged {
  readonly patches: readonly Patch[]
  /** Patches of the document that are taken out of it. */
  readonly displaced: readonly Patch[]
  /** Ids of rows that were there before, or were written to elsewhere meanwhile. */
  readonly written: readonly string[]
}

/** Where staging stood, to come back to. */
export type StagingMark = number

/**
 * Holds staged patches. While a mark is set it remembers each step, so that all since the mark can be taken back.
 *
 * A staged patch that another staged one supersedes is dropped: it never reaches the document. A patch from the far future
 * that a write would lose against is displaced: it is taken out, and what it said of other columns is staged anew.
 */
export class Staging {
  readonly #segment: Segment
  readonly #shapeNumbers = new Map<Shape, number>()
  readonly #patches = new Set<Patch>()
  readonly #displaced = new Set<Patch>()
  /** Rows that are not new: a patch in the document may be superseded now. */
  readonly #written = new Set<string>()
  readonly #steps: Step[] = []
  #marks = 0

  constructor(writer: Omit<Header, 'since'>) {
    this.#segment = new Segment(undefined, { ...writer, since: 0 })
  }

  /** Whether anything is staged. */
  get isEmpty(): boolean {
    return this.#patches.size === 0
  }

  /** Stages one write on top of a row's entry. @returns its patch, and the entry with it. */
  add(write: Write, before: Entry | undefined, shapes: ShapeBook): { readonly patch: Patch; readonly after: Entry } {
    const displaced = this.#fromTheFuture(write, before)
    const patch = this.#patch(write)
    let after: Entry
    if (displaced.length > 0) after = this.#displace(displaced, patch, { write, before, shapes })
    else {
      after = withPatch(before, write.id, patch)
      const dropped = before === undefined ? NONE : supersededBy(patch, after, this.#isStaged)
      if (dropped.length > 0) {
        for (const one of dropped) this.#patches.delete(one)
        after = without(after, dropped) as Entry
      }
    }
    this.#patches.add(patch)
    if (before !== undefined) this.#written.add(write.id)
    if (this.#marks > 0) this.#steps.push({ id: write.id, before, after })
    return { patch, after }
  }

  /** Takes note that rows changed from elsewhere: of those that are staged as new ones, something may be superseded now. */
  noteElsewhere(ids: Iterable<string>): void {
    if (!this.isEmpty) for (const id of ids) this.#written.add(id)
  }

  /** Sets a mark to come back to; each mark ends with `release` or `rollback`. */
  mark(): StagingMark {
    this.#marks += 1
    return this.#steps.length
  }

  /** Keeps what was staged since the mark. */
  release(_mark: StagingMark): void {
    this.#marks -= 1
    if (this.#marks === 0) this.#steps.length = 0
  }

  /** Takes back what was staged since the mark. @returns rows and their entries before, last step first. */
  rollback(mark: StagingMark): readonly { readonly id: string; readonly before: Entry | undefined }[] {
    const undone = this.#steps.splice(mark).reverse()
    for (const { before, after } of undone) {
      for (const added of lacking(before, after)) this.#patches.delete(added)
      for (const taken of lacking(after, before)) {
        if (taken.segment === this.#segment) this.#patches.add(taken)
        else this.#displaced.delete(taken)
      }
    }
    this.#marks -= 1
    return undone
  }

  /** Hands over all that is staged, patches in stamp order, and forgets it. */
  take(): Staged {
    const patches = [...this.#patches].sort((a, b) => a.stamp - b.stamp)
    const displaced = [...this.#displaced]
    const written = [...this.#written]
    this.#patches.clear()
    this.#displaced.clear()
    this.#written.clear()
    return { patches, displaced, written }
  }

  /** Only these may be dropped at once. */
  readonly #isStaged = ({ segment }: Patch): boolean => segment === this.#segment

  /** Takes patches from the far future out of a row that is written to, and stages anew what they said of other columns. */
  #displace(
    displaced: readonly Patch[],
    patch: Patch,
    { write, before, shapes }: { write: Write; before: Entry | undefined; shapes: ShapeBook },
  ): Entry {
    const added = [patch, ...displaced.flatMap((lost) => this.#rescue(lost, write, shapes))]
    let after = without(before, displaced)
    for (const one of added) after = withPatch(after, write.id, one)
    const dropped = superseded(after as Entry).filter(this.#isStaged)
    for (const one of added) this.#patches.add(one)
    for (const one of dropped) this.#patches.delete(one)
    for (const one of displaced) this.#displaced.add(one)
    return without(after, dropped) as Entry
  }

  #patch({ id, shape, values, stamp }: Write): Patch {
    let number = this.#shapeNumbers.get(shape)
    if (number === undefined) {
      number = this.#segment.shapes.push(shape) - 1
      this.#shapeNumbers.set(shape, number)
    }
    // Most write one column, and a list of a known length is made at once.
    const raw = values.length === 1 ? [number, id, stamp, values[0]] : [number, id, stamp, ...values]
    return new Patch(this.#segment, raw as unknown as RawPatch)
  }

  /** A clock gives out stamps above all it has seen, except those from the far future: whatever is higher is one of them. */
  #fromTheFuture({ stamp, shape }: Write, before: Entry | undefined): readonly Patch[] {
    const last = before?.patches.at(-1)
    if (before === undefined || last === undefined || last.stamp <= stamp) return NONE
    const isHit = (patch: Patch): boolean =>
      shape.fields.has(PURGED) || [...shape.fields].some((field) => patch.shape.fields.has(field))
    return before.patches.filter((patch) => patch.stamp > stamp && isHit(patch))
  }

  #rescue(patch: Patch, write: Write, shapes: ShapeBook): readonly Patch[] {
    if (write.shape.fields.has(PURGED)) return NONE
    const columns = patch.shape.columns.filter((column) => !write.shape.fields.has(column))
    const insert = patch.shape.fields.has(CREATED) && !write.shape.fields.has(CREATED)
    if (columns.length === 0 && !insert) return NONE
    const values = columns.map((column) => patch.value(column))
    const shape = insert ? shapes.insert(columns) : shapes.update(columns)
    return [this.#patch({ ...write, stamp: RESCUED_STAMP, shape, values })]
  }
}

const without = (entry: Entry | undefined, gone: readonly Patch[]): Entry | undefined =>
  entry === undefined || gone.length === 0 ? entry : withoutPatches(entry, (patch) => gone.includes(patch))

/** The patches of one entry that another is without. */
const lacking = (other: Entry | undefined, entry: Entry | undefined): readonly Patch[] =>
  entry?.patches.filter((patch) => !(other?.patches.includes(patch) ?? false)) ?? NONE

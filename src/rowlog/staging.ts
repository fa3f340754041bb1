// Staging: patches that rows show already and the document does not hold yet. Knows how to take them back.
import { Entry, superseded, withPatch } from './entry.ts'
import { FIRST_VALUE, type Header } from './format.ts'
import { Patch, Segment } from './segment.ts'
import { CREATED, type Shape, type ShapeBook } from './shape.ts'

/** One patch to be. */
export interface Write {
  readonly id: string
  readonly shape: Shape
  readonly values: readonly unknown[]
  readonly stamp: number
}

interface Step {
  readonly id: string
  readonly before: Entry | undefined
  readonly added: readonly Patch[]
  readonly dropped: readonly Patch[]
  readonly displaced: readonly Patch[]
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
  readonly #steps: Step[] = []
  #marks = 0

  constructor(writer: Omit<Header, 'since'>) {
    this.#segment = new Segment(undefined, { ...writer, since: 0 })
  }

  /** Whether anything is staged. */
  get isEmpty(): boolean {
    return this.#patches.size === 0
  }

  /** Stages one write on top of a row's entry. @returns the entry with it. */
  add(write: Write, before: Entry | undefined, shapes: ShapeBook): Entry {
    const displaced = before === undefined ? [] : this.#fromTheFuture(write, before)
    let kept = before
    const added: Patch[] = []
    if (displaced.length > 0) {
      const rest = before?.patches.filter((patch) => !displaced.includes(patch)) ?? []
      kept = rest.length === 0 ? undefined : new Entry(write.id, rest)
      for (const patch of displaced) added.push(...this.#rescue(patch, write, shapes))
    }
    added.push(this.#patch(write))
    let after = kept
    for (const patch of added) after = withPatch(after, write.id, patch)
    const dropped = superseded(after as Entry).filter((patch) => patch.segment === this.#segment)
    if (dropped.length > 0)
      after = new Entry(
        write.id,
        (after as Entry).patches.filter((patch) => !dropped.includes(patch)),
      )
    this.#apply({ id: write.id, before, added, dropped, displaced })
    return after as Entry
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
    for (const { added, dropped, displaced } of undone) {
      for (const patch of dropped) this.#patches.add(patch)
      for (const patch of added) this.#patches.delete(patch)
      for (const patch of displaced) this.#displaced.delete(patch)
    }
    this.#marks -= 1
    return undone
  }

  /** Hands over all that is staged, patches in stamp order, and forgets it. */
  take(): { readonly patches: readonly Patch[]; readonly displaced: readonly Patch[] } {
    const patches = [...this.#patches].sort((a, b) => a.stamp - b.stamp)
    const displaced = [...this.#displaced]
    this.#patches.clear()
    this.#displaced.clear()
    return { patches, displaced }
  }

  #apply(step: Step): void {
    for (const patch of step.added) this.#patches.add(patch)
    for (const patch of step.dropped) this.#patches.delete(patch)
    for (const patch of step.displaced) this.#displaced.add(patch)
    if (this.#marks > 0) this.#steps.push(step)
  }

  #patch({ id, shape, values, stamp }: Write): Patch {
    let number = this.#shapeNumbers.get(shape)
    if (number === undefined) {
      number = this.#segment.shapes.push(shape) - 1
      this.#shapeNumbers.set(shape, number)
    }
    return new Patch(this.#segment, [number, id, stamp, ...values])
  }

  /** A clock gives out stamps above all it has seen, except those from the far future: whatever is higher is one of them. */
  #fromTheFuture({ stamp, shape }: Write, { patches }: Entry): readonly Patch[] {
    const last = patches[patches.length - 1]
    if (last === undefined || last.stamp <= stamp) return []
    return patches.filter(
      (patch) => patch.stamp > stamp && [...shape.fields].some((field) => patch.shape.fields.has(field)),
    )
  }

  #rescue(patch: Patch, write: Write, shapes: ShapeBook): readonly Patch[] {
    const columns = patch.shape.columns.filter((column) => !write.shape.fields.has(column))
    const insert = patch.shape.fields.has(CREATED) && !write.shape.fields.has(CREATED)
    if (columns.length === 0 && !insert) return []
    const values = columns.map((column) => patch.raw[FIRST_VALUE + patch.shape.columns.indexOf(column)])
    return [this.#patch({ ...write, shape: insert ? shapes.insert(columns) : shapes.update(columns), values })]
  }
}

// Routing: which documents one write goes to. Knows placement; neither loads nor tells.
import { createDrafts, type Draft, type Entry, type LogPatch, PURGED } from '../../rowlog/index.ts'
import type { MigrationClock } from '../migration.ts'
import type { Partition, Placed, Placement } from './placement.ts'

/** One write, as a log takes it. */
export interface Write {
  readonly id: string
  readonly insert: boolean
  readonly columns: readonly string[]
  readonly values: readonly unknown[]
}

/** What a router is given to work with. */
export interface RouterOptions {
  readonly placement: Placement
  readonly replica: string
  readonly author: string | undefined
  readonly clock: MigrationClock
  /** The key that a row gives; undefined if it is not there. @throws `invalid_value` */
  readonly keyOf: (entry: Entry | undefined) => string | undefined
  /** The partition of a key, opened if it is not, for the sake of a row. */
  readonly provide: (key: string, id: string) => Partition
}

/** Stages writes where their rows belong. */
export class Router {
  readonly #options: RouterOptions
  readonly #draft: (draft: Draft) => Entry

  constructor(options: RouterOptions) {
    this.#options = options
    this.#draft = createDrafts(options)
  }

  /** Stages one write, under one stamp in whatever documents it goes to. @throws `invalid_value` if its row then gives no key; nothing is staged. */
  stage(write: Write, placed: Placed | undefined): LogPatch {
    const { clock } = this.#options
    const stamp = clock.next()
    if (placed !== undefined) return clock.holdAt(stamp, () => this.#stageIn(this.#targets(placed, write), write))
    return this.#stageNew(write, stamp)
  }

  /** A row that no open document knows is looked at before, since its key is in it. */
  #stageNew({ id, insert, columns, values }: Write, stamp: number): LogPatch {
    const { clock, keyOf, provide } = this.#options
    const draft = this.#draft({ id, columns, values, stamp })
    const { log } = provide(keyOf(draft) as string, id)
    const patch = clock.holdAt(stamp, () => log.stage(id, insert, columns, values))
    const entry = log.entries.get(id)
    if (entry !== undefined) entry.row = draft.row
    return patch
  }

  /** A row that is known is written where it lies, and where it thereby comes to lie. */
  #stageIn(partitions: readonly Partition[], { id, insert, columns, values }: Write): LogPatch {
    const { placement, keyOf, provide } = this.#options
    const [first] = partitions
    const isRegular = first !== undefined && placement.isIn(id, first)
    const stage = ({ log }: Partition): LogPatch => log.stage(id, insert, columns, values)
    const { staged, home } = this.#orNothing(partitions, id, () => ({
      staged: partitions.map(stage),
      home: keyOf(isRegular ? first.log.entries.get(id) : placement.look(id)?.entry),
    }))
    const target = home === undefined ? undefined : provide(home, id)
    if (target !== undefined && !partitions.includes(target)) staged.push(stage(target))
    if (!isRegular || target !== first) placement.look(id)
    return staged.at(-1) as LogPatch
  }

  #orNothing<T>(partitions: readonly Partition[], id: string, work: () => T): T {
    const marks = partitions.map(({ log }) => log.mark())
    try {
      const result = work()
      partitions.forEach(({ log }, at) => void log.release(marks[at] as number))
      return result
    } catch (error) {
      partitions.forEach(({ log }, at) => void log.rollback(marks[at] as number))
      this.#options.placement.look(id)
      throw error
    }
  }

  /** Where a write goes first: to the row's home; a purge, and what must beat a broken clock, wherever the row lies. */
  #targets({ entry, home }: Placed, { columns }: Write): readonly Partition[] {
    const { placement, clock } = this.#options
    const isFuture = clock.isFarFuture(entry.patches.at(-1)?.stamp ?? 0)
    const at = home === undefined ? undefined : placement.partitions.get(home)
    if (at === undefined || isFuture || columns.includes(PURGED)) return placement.holders(entry.id)
    return [at]
  }
}

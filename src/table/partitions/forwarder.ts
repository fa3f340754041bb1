// Forwarding: brings a row's patches, wherever they lie, to the document of its key. Knows placement; opens no document.
import { type LogPatch, type RowLog, superseded } from '../../rowlog/index.ts'
import type { Partition, Placed, Placement } from './placement.ts'

interface Journey {
  /** Keys of documents that may still show the row although it has left them. */
  readonly left: Set<string>
  /** Whether a write here has moved it: then its new document is not waited for. */
  isUrgent: boolean
}

/** Copies rows to where they belong. Copying twice, or by several at once, is harmless: copies of a patch count once. */
export class Forwarder {
  readonly #placement: Placement
  readonly #device: string
  readonly #pending = new Map<string, Journey>()

  constructor(placement: Placement, replica: string) {
    this.#placement = placement
    this.#device = deviceOf(replica)
  }

  /** Whether rows wait for documents to be opened or read. */
  get isPending(): boolean {
    return this.#pending.size > 0
  }

  /**
   * Takes note of a row to bring home.
   *
   * @param left - Key of a document that it may have left without its knowing.
   */
  add(
    id: string,
    { left, isUrgent = false }: { readonly left?: string | undefined; readonly isUrgent?: boolean },
  ): void {
    const journey = this.#pending.get(id) ?? { left: new Set(), isUrgent }
    journey.isUrgent ||= isUrgent
    if (left !== undefined) journey.left.add(left)
    this.#pending.set(id, journey)
  }

  /**
   * Whether this device is to bring a row home that others have changed: it does so if it wrote to it. Were it everybody, a room full of
   * replicas would copy one late edit at once.
   */
  isResponsible(id: string, before: Placed | undefined): boolean {
    const after = this.#placement.irregular().get(id)
    if (after === undefined) return false
    const isOwn = ({ replica }: LogPatch): boolean => deviceOf(replica) === this.#device
    return after.entry.patches.some(isOwn) || before?.entry.patches.some(isOwn) === true
  }

  /** Copies the rows whose documents are open. @returns keys of those that are not and are needed. */
  run(): ReadonlySet<string> {
    const needed = new Set<string>()
    const ready: string[] = []
    for (const [id, { left, isUrgent }] of this.#pending) {
      const placed = this.#placement.irregular().get(id)
      const keys = placed?.home === undefined ? [...left] : [placed.home, ...left]
      const unready = keys.filter((key) => !this.#isReady(key, isUrgent))
      for (const key of unready) if (!this.#placement.partitions.has(key)) needed.add(key)
      if (unready.length > 0) continue
      this.#pending.delete(id)
      if (placed !== undefined) ready.push(id)
    }
    this.#copy(ready)
    return needed
  }

  /** Copies what lies in one partition and belongs in another open one, or the other way round. */
  bringHome({ log }: Partition): void {
    const isOpen = (home: string | undefined): boolean => home === undefined || this.#isReady(home, false)
    this.#copy(
      [...this.#placement.irregular()].flatMap(([id, { home }]) => (log.entries.has(id) && isOpen(home) ? [id] : [])),
    )
  }

  /**
   * Deletes what rows have left behind long ago in a partition, once their own document has all of it.
   *
   * @param isSettled - Whether a partition is open, read, and in step with others.
   */
  sweep({ key, log }: Partition, isSettled: (key: string) => boolean): void {
    const left = [...this.#placement.irregular()].flatMap(([id, { home }]) => {
      const entry = log.entries.get(id)
      const isLeft = entry !== undefined && home !== undefined && home !== key
      return isLeft && isSettled(home) && this.#placement.rules.isOld(entry) ? [id] : []
    })
    log.drop(left)
    for (const id of left) this.#placement.look(id)
  }

  #isReady(key: string, isUrgent: boolean): boolean {
    const partition = this.#placement.partitions.get(key)
    return partition !== undefined && (partition.isLoaded || isUrgent)
  }

  #copy(ids: readonly string[]): void {
    const byLog = new Map<RowLog, Map<string, readonly LogPatch[]>>()
    for (const id of ids) {
      const { entry, home, isForgotten } = this.#placement.irregular().get(id) as Placed
      if (isForgotten) continue
      const dead = new Set(superseded(entry))
      for (const { log } of this.#targets(id, home)) {
        const rows = byLog.get(log) ?? new Map<string, readonly LogPatch[]>()
        byLog.set(log, rows)
        rows.set(
          id,
          entry.patches.filter((patch) => !dead.has(patch)),
        )
      }
    }
    for (const [log, rows] of byLog) log.adopt(rows)
    for (const id of ids) this.#placement.look(id)
  }

  /** The row's own document, if it has one still, and any that takes itself for it. */
  #targets(id: string, home: string | undefined): readonly Partition[] {
    const own = home === undefined ? [] : [this.#placement.partitions.get(home) as Partition]
    const mistaken = this.#placement
      .holders(id)
      .filter(({ key, log }) => key !== home && this.#placement.rules.keyOf(log.entries.get(id)) === key)
    return [...own, ...mistaken]
  }
}

const deviceOf = (replica: string): string => replica.slice(0, replica.lastIndexOf('.'))

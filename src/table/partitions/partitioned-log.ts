// The log of a partitioned table: the logs of its open documents behind the face of one. Knows what listeners were told; no storage.
import {
  type Entry,
  type LogPatch,
  type LogStats,
  type RowChanges,
  type RowLog,
  sumStats,
  type TableLog,
} from '../../rowlog/index.ts'
import type { Partitioning, RowMeta, TableSchema } from '../../schema/index.ts'
import type { MigrationClock } from '../migration.ts'
import { RowBuilder } from '../row-builder.ts'
import { Forwarder } from './forwarder.ts'
import { keyOfRow } from './key.ts'
import { Marks } from './marks.ts'
import { keepRow, type Partition, type Placed, Placement } from './placement.ts'
import { Router } from './router.ts'

/** What the log of a partitioned table is given to work with. */
export interface PartitionedLogOptions {
  readonly table: string
  readonly schema: TableSchema & { readonly partition: Partitioning }
  /** Name of this writer, `<device>.<run>`. */
  readonly replica: string
  readonly author: string | undefined
  readonly clock: MigrationClock
  /** Makes the empty log of a partition that is needed at once, and sees to it that it is loaded. */
  readonly begin: (key: string) => RowLog
  readonly isWritable: () => boolean
  /** How long notes of purges are kept, in milliseconds. */
  readonly retentionMs: number
  /** Told that `commit` has something to do. */
  readonly onPending: () => void
  /** Told of rows whose key nobody can say. */
  readonly onError: (error: unknown) => void
}

/**
 * Many row logs, one a key, as one.
 *
 * A write goes to the document of the key that the row then has, and, if that moves it, to the one that it leaves too, which thereby
 * knows that it is gone.
 */
export class PartitionedLog implements TableLog {
  readonly replica: string
  readonly entries: Placement
  readonly #options: PartitionedLogOptions
  readonly #rows: RowBuilder<RowMeta>
  readonly #forwarder: Forwarder
  readonly #marks: Marks
  readonly #router: Router
  /** Rows that came into sight during a write: told of with it. */
  readonly #shown: RowChanges[] = []
  #hasFailed = false
  #localChanges = new Map<string, Entry | undefined>()
  #onRemoteChange: (changes: RowChanges) => void = () => {}
  #onShown: (changes: RowChanges) => void = () => {}

  constructor(options: PartitionedLogOptions) {
    this.replica = options.replica
    this.#options = options
    this.#rows = new RowBuilder(options.schema, options.onError)
    this.entries = new Placement({
      keyOf: (entry) => this.#keyOf(entry),
      isOld: ({ patches }) => patches.every(({ stamp }) => options.clock.ageMs(stamp) > options.retentionMs),
    })
    this.#forwarder = new Forwarder(this.entries, options.replica)
    this.#marks = new Marks(this.entries)
    this.#router = new Router({
      ...options,
      placement: this.entries,
      keyOf: (entry) => this.#requireKey(entry),
      provide: (key, id) => this.#provide(key, id),
    })
  }

  onRemoteChange(listener: (changes: RowChanges) => void): void {
    this.#onRemoteChange = listener
  }

  onShown(listener: (changes: RowChanges) => void): void {
    this.#onShown = listener
  }

  stage(id: string, insert: boolean, columns: readonly string[], values: readonly unknown[]): LogPatch {
    const placed = this.entries.placed(id)
    const before = this.entries.shown(placed)
    const irregular = this.entries.irregular().get(id)
    const patch = this.#router.stage({ id, insert, columns, values }, placed)
    this.#marks.note({ id, before, irregular })
    if (this.entries.irregular().has(id)) this.#forwarder.add(id, { isUrgent: true })
    if (!this.#localChanges.has(id)) this.#localChanges.set(id, before)
    return patch
  }

  mark(): number {
    return this.#marks.set()
  }

  release(_mark: number): void {
    this.#marks.release()
  }

  rollback(_mark: number): void {
    for (const { id, before } of this.#marks.rollback())
      if (this.#localChanges.get(id) === before) this.#localChanges.delete(id)
  }

  /** Carries what is staged into the documents, then copies rows to where they belong. */
  commit(): void {
    for (const { log } of this.entries.partitions.values()) log.commit()
    if (this.#options.isWritable()) for (const key of this.#forwarder.run()) this.#open(key)
  }

  get position(): number {
    return Math.max(0, ...this.#logs.map(({ position }) => position))
  }

  get refused(): number {
    return this.#logs.reduce((sum, { refused }) => sum + refused, 0)
  }

  get lastCompactionMs(): number | undefined {
    const times = this.#logs.flatMap(({ lastCompactionMs }) => lastCompactionMs ?? [])
    return times.length === 0 ? undefined : Math.max(...times)
  }

  /** What is open comes to: a row that is on its way from one partition to another counts in both. */
  stats(records: ReadonlySet<string>): LogStats {
    return sumStats(this.#logs.map((log) => log.stats(records)))
  }

  get #logs(): readonly RowLog[] {
    return Array.from(this.entries.partitions.values(), ({ log }) => log)
  }

  unannounced(): Iterable<string> {
    return this.#localChanges.keys()
  }

  takeLocalChanges(): RowChanges {
    for (const shown of this.#shown.splice(0)) this.#onShown(shown)
    const changes = this.#localChanges
    if (changes.size === 0) return changes
    for (const { log } of this.entries.partitions.values()) log.takeLocalChanges()
    this.#localChanges = new Map()
    return changes
  }

  /** Takes in a partition that is not listed yet. */
  add(key: string, log: RowLog): Partition {
    const partition: Partition = { key, log, isListed: false, isLoaded: false }
    this.entries.partitions.set(key, partition)
    this.#marks.join(log)
    log.onRemoteChange((changes) => this.#hear(partition, changes))
    return partition
  }

  /** Runs work that fills the log of a partition, and tells of the rows that it brought. */
  load(partition: Partition, work: () => void): void {
    const held = new Map(partition.log.entries)
    work()
    partition.log.takeLocalChanges()
    partition.isLoaded = true
    const isOurs = ({ replica }: LogPatch): boolean => replica === this.replica
    const before = new Map<string, Placed | undefined>()
    /** Rows of open partitions that lie here. */
    const came = new Map<string, undefined>()
    for (const id of partition.log.entries.keys()) {
      const isNew = !held.has(id) && this.entries.isIn(id, partition)
      if (!isNew || partition.isListed)
        before.set(id, isNew ? undefined : this.entries.placedBefore(id, partition, held.get(id)))
      else if (this.entries.shown(this.entries.lookIn(id, partition)) !== undefined) came.set(id, undefined)
    }
    for (const [id, placed] of this.entries.irregular())
      if (placed.home === partition.key && !before.has(id)) before.set(id, placed)
    const changes: RowChanges = new Map([...came, ...this.#lookAt(before)])
    for (const id of this.entries.irregular().keys())
      if (partition.log.entries.get(id)?.patches.some(isOurs)) this.#forwarder.add(id, {})
    if (this.#forwarder.isPending) this.#options.onPending()
    if (changes.size > 0) this.#onShown(changes)
  }

  /** Lets the rows of a partition show. */
  show(partition: Partition): void {
    this.#onShown(this.#list(partition))
  }

  /**
   * Copies what lies in a partition to where it belongs, as far as that is open, and deletes what was left behind long ago. Before it is
   * closed, so that what showed goes on showing.
   *
   * @param isSettled - Whether a partition is open, read, and in step with others.
   */
  leave(partition: Partition, isSettled: (key: string) => boolean): void {
    this.#forwarder.bringHome(partition)
    this.#forwarder.sweep(partition, isSettled)
  }

  /** Packs rows of a partition, if enough of them are worth it. Nothing may be staged. @param most - As of {@link RowLog.compact}. @returns how many. */
  compact({ log }: Partition, most?: number): number {
    const packed = log.compact(most)
    if (packed > 0) for (const id of this.entries.irregular().keys()) if (log.entries.has(id)) this.entries.look(id)
    return packed
  }

  /** Lets go of a partition, of which nothing may be staged. */
  remove(partition: Partition): void {
    const { key, log, isListed } = partition
    const irregular = this.entries.irregular()
    const hidden = new Map<string, Entry | undefined>()
    for (const [id, entry] of log.entries) if (isListed && !irregular.has(id)) hidden.set(id, entry)
    const touched = [...irregular].filter(([id, { home }]) => home === key || log.entries.has(id))
    const before = new Map(touched.map(([id, placed]) => [id, this.entries.shown(placed)]))
    this.entries.partitions.delete(key)
    this.#onShown(new Map([...hidden, ...this.#differing(before)]))
  }

  #list(partition: Partition): Map<string, Entry | undefined> {
    const shown = new Map<string, Entry | undefined>()
    if (partition.isListed) return shown
    partition.isListed = true
    const irregular = this.entries.irregular()
    for (const id of partition.log.entries.keys()) if (!irregular.has(id)) shown.set(id, undefined)
    for (const [id, { home }] of irregular) if (home === partition.key) shown.set(id, undefined)
    return shown
  }

  #hear(partition: Partition, changes: RowChanges): void {
    const before = new Map<string, Placed | undefined>()
    for (const [id, entry] of changes) before.set(id, this.entries.placedBefore(id, partition, entry))
    const seen = this.#lookAt(before)
    for (const [id, placed] of before)
      if (this.#forwarder.isResponsible(id, placed)) this.#forwarder.add(id, { left: placed?.home })
    if (this.#forwarder.isPending) this.#options.onPending()
    if (seen.size > 0) this.#onRemoteChange(seen)
  }

  /** Looks again at rows whose documents have changed. @returns those that differ, and what listeners know of them. */
  #lookAt(before: ReadonlyMap<string, Placed | undefined>): RowChanges {
    const shown = new Map<string, Entry | undefined>()
    for (const [id, placed] of before) {
      shown.set(id, this.#localChanges.has(id) ? this.#localChanges.get(id) : this.entries.shown(placed))
      this.#localChanges.delete(id)
    }
    return this.#differing(shown)
  }

  #differing(before: Map<string, Entry | undefined>): Map<string, Entry | undefined> {
    for (const [id, entry] of before) {
      this.entries.look(id)
      if (keepRow(entry, this.entries.get(id))) before.delete(id)
    }
    return before
  }

  /** The partition of a key, for a row that is being written: that is told of anyhow, all others with it. */
  #provide(key: string, id: string): Partition {
    const partition = this.#open(key)
    if (partition.isListed) return partition
    const shown = this.#list(partition)
    shown.delete(id)
    this.#shown.push(shown)
    return partition
  }

  #open(key: string): Partition {
    return this.entries.partitions.get(key) ?? this.add(key, this.#options.begin(key))
  }

  #requireKey(entry: Entry | undefined): string | undefined {
    const row = this.#rows.row(entry)
    return row && keyOfRow(this.#options.table, this.#options.schema.partition, row)
  }

  #keyOf(entry: Entry | undefined): string | undefined {
    try {
      return this.#requireKey(entry)
    } catch (error) {
      // Once: a function that fails may fail for every row.
      if (!this.#hasFailed) this.#options.onError(error)
      this.#hasFailed = true
      return undefined
    }
  }
}

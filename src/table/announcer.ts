// Tells of what a transaction did to one table: conflicts, hooks, subscribers, and what is kept in step. Knows rows and entries; writes nothing.
import type { Entry, RowChanges, TableLog } from '../rowlog/index.ts'
import type { Columns, RowOf } from '../schema/index.ts'
import { describeChange, type Origin, type TableChange, type WriteOrigin } from './changes.ts'
import type { ConflictFinder } from './conflict-finder.ts'
import type { Conflicts } from './conflicts.ts'
import type { Hooks } from './hooks.ts'
import { isByMigration, type RowBuilder } from './row-builder.ts'
import type { RowFeed } from './row-feed.ts'

/** What an announcer is given to work with. */
export interface AnnouncerOptions<C extends Columns> {
  readonly name: string
  readonly log: TableLog
  readonly rows: RowBuilder<RowOf<C>>
  readonly finder: ConflictFinder
  readonly conflicts: Conflicts
  readonly hooks: Hooks<C>
  /** Changes as they have to be told, with what was held back until now. */
  readonly settle: (changes: RowChanges) => RowChanges
  /** Told of errors that listeners throw. */
  readonly onError: (error: unknown) => void
}

const WRITE_ORIGINS: readonly WriteOrigin[] = ['local', 'undo', 'backend']

/** Tells those who follow one table. */
export class Announcer<C extends Columns> {
  readonly #options: AnnouncerOptions<C>
  /** Another array each time that one comes or goes, so that those who are being told are not disturbed. */
  #listeners: readonly ((change: TableChange<RowOf<C>>) => void)[] = []
  #feed: RowFeed<RowOf<C>> | undefined
  /** How to come by the row of an entry before a change, and by the row now. */
  readonly #beforeAndNow = {
    before: (entry: Entry | undefined): RowOf<C> | undefined => this.#options.rows.row(entry),
    now: (id: string, before: Entry | undefined): RowOf<C> | undefined =>
      this.#options.rows.rowAfter(before, this.#options.log.entries.get(id)),
  }

  constructor(options: AnnouncerOptions<C>) {
    this.#options = options
  }

  /** Adds a subscriber. @returns A function that ends it. */
  subscribe(listener: (change: TableChange<RowOf<C>>) => void): () => void {
    const own = (change: TableChange<RowOf<C>>): void => listener(change)
    this.#listeners = [...this.#listeners, own]
    return () => {
      this.#listeners = this.#listeners.filter((one) => one !== own)
    }
  }

  /** Keeps `feed` told of every row that changes. */
  feedTo(feed: RowFeed<RowOf<C>>): void {
    this.#feed = feed
  }

  /** A row is about to be written here. */
  touch(id: string): void {
    const { rows, log } = this.#options
    if (this.#feed?.isActive) this.#feed.touch(id, rows.row(log.entries.get(id)))
  }

  /** Staged writes were taken back. */
  rolledBack(): void {
    this.#feed?.rolledBack()
  }

  /** Tells of writes here. @param origins - Of rows that others than the app itself wrote: undo, redo and backends are told apart. */
  announceLocal(changes: RowChanges, origins: ReadonlyMap<string, WriteOrigin>): void {
    if (origins.size === 0) this.announce('local', changes)
    else
      for (const origin of WRITE_ORIGINS)
        this.announce(origin, new Map([...changes].filter(([id]) => (origins.get(id) ?? 'local') === origin)))
    this.#feed?.announced('local')
  }

  /** Tells of what came from elsewhere. */
  announceForeign(origin: 'remote' | 'partition', changes: RowChanges): void {
    if (this.#feed?.isActive) for (const [id, before] of changes) this.#feed.touch(id, this.#options.rows.row(before))
    this.announce(origin, changes)
    this.#feed?.announced('remote')
  }

  /** What became of rows; undefined if none differs. */
  describe(origin: Origin, changes: RowChanges): TableChange<RowOf<C>> | undefined {
    return describeChange(origin, changes, this.#beforeAndNow)
  }

  /** Tells of rows that changed and their entries before; `described` is what became of them, if that is known. */
  announce(origin: Origin, changed: RowChanges, described?: TableChange<RowOf<C>>): void {
    if (changed.size === 0) return
    const { finder, conflicts, settle, onError } = this.#options
    const changes = settle(changed)
    finder.look(changes.keys())
    if (finder.takeChanged()) conflicts.announce()
    this.#runHooks(origin, changes)
    if (this.#listeners.length === 0) return
    const change = described ?? this.describe(origin, changes)
    if (change === undefined) return
    for (const listener of this.#listeners) {
      try {
        listener(change)
      } catch (error) {
        onError(error)
      }
    }
  }

  #runHooks(origin: Origin, changes: RowChanges): void {
    const { name, log, hooks } = this.#options
    if (!hooks.hearsAfter || origin === 'partition') return
    for (const [id, before] of changes) {
      const now = log.entries.get(id)
      const [was, is] = [this.#beforeAndNow.before(before), this.#beforeAndNow.now(id, before)]
      const from = origin === 'remote' && isByMigration(before, now) ? 'migration' : origin
      if (was !== is) hooks.after({ table: name, id, before: was, after: is, origin: from })
    }
  }
}

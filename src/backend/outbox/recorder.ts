// The recorder: turns what tables say of their writes into operations, those included that were made while nobody recorded. Knows row logs.

import { CREATED, type Entry, type LogPatch, PURGED } from '../../rowlog/index.ts'
import type { Columns, RowOf } from '../../schema/index.ts'
import type { WrittenRow } from '../../table/index.ts'
import type { Core, MappedTable } from '../core.ts'
import { rowKey } from '../identity/ids.ts'
import type { Fields } from '../remote-table.ts'
import { DELETED_MARK } from '../seen.ts'
import { draftOf, storedOf } from './capture.ts'
import type { Draft } from './outbox.ts'

/** How writes are recorded. */
export interface RecorderOptions {
  readonly core: Core
  /** Whether other runs of this device may be at work, which record their own writes. */
  readonly isShared: boolean
  /** Whether what other replicas write is sent from here too. */
  readonly isBridge: boolean
  /** Whether bridges share the outbox: the one that leads records, what it did not record before included. */
  readonly isSharing: boolean
  /** What becomes of rows that were there before this backend was: sent, or left alone. */
  readonly existing: 'push' | 'ignore'
  /** Told of every row that changed. */
  readonly onRow: (table: MappedTable, row: { readonly id: string }) => void
  /** Told of rows that others changed. */
  readonly onRemote: (table: MappedTable, id: string) => void
}

/** Records local writes, each in the commit that it is part of. */
export class Recorder {
  readonly #options: RecorderOptions
  readonly #stops: (() => void)[] = []
  /** Keys of the journal that say up to which stamp a run's writes are recorded, and what they are to say. */
  readonly #unsaid = new Map<string, number>()
  #isCommittedSoon = false
  #isStopped = false
  #isLeading = false
  /** Rows that others wrote while another bridge led, as they were before, until that one has recorded it. */
  readonly #befores = new Map<string, { readonly table: MappedTable; readonly id: string; readonly fields: Fields }>()
  #isLooking = false

  constructor(options: RecorderOptions) {
    this.#options = options
  }

  /** Records what earlier runs left out, then all that comes. */
  start(): void {
    for (const table of this.#options.core.tables.values()) {
      if (!this.#options.isSharing) this.#catchUp(table)
      for (const row of table.rows.rows()) this.#revive(table, row)
      this.#stops.push(table.rows.after('write', (written) => this.#record(table, written)))
    }
    this.noteRecorded()
  }

  /** From now on this bridge records: first what the one that led before it did not come to. */
  lead(): void {
    const { core, isSharing } = this.#options
    if (!isSharing) return
    this.#isLeading = true
    for (const table of core.tables.values()) {
      core.journal.put(bridgeKeyOf(deviceOf(core.host.log(table.name).replica)), true)
      this.#catchUp(table)
    }
    this.#befores.clear()
    this.noteRecorded()
  }

  /** Another bridge records. */
  unlead(): void {
    this.#isLeading = false
  }

  /** The bridge that leads has recorded something. */
  noteOthers(): void {
    if (this.#isLooking || this.#befores.size === 0) return
    this.#isLooking = true
    queueMicrotask(() => {
      this.#isLooking = false
      for (const [key, { table, id }] of this.#befores)
        if (this.#unrecorded(table, this.#entry(table, id)).length === 0) this.#befores.delete(key)
    })
  }

  stop(): void {
    this.#isStopped = true
    for (const stop of this.#stops) stop()
  }

  /** Stages how far each run's writes are recorded. */
  noteRecorded(): void {
    for (const [key, stamp] of this.#unsaid) this.#options.core.journal.put(key, stamp)
    this.#unsaid.clear()
  }

  #record(table: MappedTable, written: WrittenRow<Columns>): void {
    const { core, isBridge, isSharing, onRemote } = this.#options
    const { id, before, after, origin } = written
    if (after !== undefined) this.#options.onRow(table, after)
    const entry = this.#entry(table, id)
    if (isSharing && !this.#isLeading) {
      this.#watch(table, written)
      return onRemote(table, id)
    }
    if (origin === 'backend') {
      this.#noteStamps(table, entry)
      return onRemote(table, id)
    }
    const operations = core.outbox.queue.ofRow(rowKey(table.name, id))
    if (before !== undefined && !operations.some(({ kind }) => kind === 'insert'))
      core.seen.noteChange(table.name, id, storedOf(table.codec, before), storedOf(table.codec, after))
    const unrecorded = this.#unrecorded(table, entry)
    const isOwn = origin === 'local' || origin === 'undo' || unrecorded.some((patch) => this.#isForMe(table, patch))
    // What another bridge wrote came from the backend; what tells of no writer any more is somebody's.
    const isOthers = isBridge && (isSharing ? unrecorded.length === 0 : !this.#isTwin(table, id))
    // Made and deleted at once: nobody will ever make a record of it.
    const isNothing = before === undefined && after?.deletedAt !== undefined
    if (isOwn && isNothing && core.ids.remote(table.name, id) === undefined) core.ids.markNever(table.name, id)
    if (isSharing && (isOwn || isOthers)) this.#mend(table, id)
    if (isOwn || isOthers) this.#enqueue(table, draftOf(table.codec, id, before, after))
    this.#noteStamps(table, entry)
    if (isOwn) return
    if (after?.deletedAt === undefined && after !== undefined) this.#revive(table, after)
    onRemote(table, id)
    this.#commitSoon()
  }

  /** What is noted of a change from elsewhere is stored in the batch of that change, which is not begun before the next microtask. */
  #commitSoon(): void {
    if (this.#isCommittedSoon) return
    this.#isCommittedSoon = true
    queueMicrotask(() => {
      this.#isCommittedSoon = false
      if (this.#isStopped) return
      this.noteRecorded()
      this.#options.core.commit()
    })
  }

  /** A row that was given up before it had a record, and that others brought back: its maker makes one. */
  #revive(table: MappedTable, row: RowOf<Columns>): void {
    const { core } = this.#options
    const { id } = row
    if (!core.ids.isNever(table.name, id) || core.outbox.queue.ofRow(rowKey(table.name, id)).length > 0) return
    const device = deviceOf(core.host.log(table.name).replica)
    const insert = this.#entry(table, id)?.patches.find(({ shape }) => shape.fields.has(CREATED))
    if (insert !== undefined && deviceOf(insert.replica) === device)
      this.#enqueue(table, draftOf(table.codec, id, undefined, row))
  }

  #enqueue(table: MappedTable, draft: Draft | undefined): void {
    const { ids, outbox } = this.#options.core
    if (draft === undefined) return
    const { remote } = table
    if (
      (draft.kind === 'update' && remote.update === undefined) ||
      (draft.kind === 'delete' && remote.remove === undefined)
    )
      return
    const isLinked = ids.remote(table.name, draft.row) !== undefined
    if (draft.kind === 'insert' && isLinked) return outbox.enqueue({ ...draft, kind: 'restore' })
    // An edit of a row that others have brought back waits for the record that they make.
    const isOfRevived = draft.kind === 'update' && draft.isHidden !== true
    if (isOfRevived || !ids.isNever(table.name, draft.row)) return outbox.enqueue(draft)
    // Said anew: somebody may have been about to make a record of it all the same.
    if (draft.kind === 'delete') return ids.markNever(table.name, draft.row)
    if (draft.kind === 'update') return
    ids.unmarkNever(table.name, draft.row)
    outbox.enqueue({ ...draft, kind: 'insert', isAgain: true })
  }

  /** Devices do not see a bridge's dead letter: who writes a row anew has its operation sent again, with that. */
  #mend({ name }: MappedTable, id: string): void {
    const { outbox } = this.#options.core
    for (const operation of outbox.queue.ofRow(rowKey(name, id)))
      if (operation.state === 'failed') outbox.again(operation)
  }

  #isTwin(table: MappedTable, id: string): boolean {
    return this.#options.core.ids.canonical(table.name, id) !== id
  }

  /**
   * Patches of this device that no operation was made of: of this run, when a write came together with one from elsewhere; of
   * earlier ones, when a relay gives back what a crash took from the disk. For bridges that share an outbox, those of all devices.
   */
  #unrecorded({ name }: MappedTable, entry: Entry | undefined): readonly LogPatch[] {
    const { core, isSharing } = this.#options
    const device = deviceOf(core.host.log(name).replica)
    const own = entry?.patches.filter(({ replica }) => isSharing || deviceOf(replica) === device) ?? []
    const current = keyOf(name, core.host.log(name).replica)
    return own.filter(({ replica, stamp }) => {
      const key = keyOf(name, replica)
      // What comes from elsewhere comes row by row: that one of them is recorded says nothing of the others.
      return stamp > (key === current ? this.#recordedOf(key) : this.#saidOf(key))
    })
  }

  #isForMe({ name }: MappedTable, { replica }: LogPatch): boolean {
    const { core, isShared, isSharing } = this.#options
    if (isSharing) return core.journal.get(bridgeKeyOf(deviceOf(replica))) === undefined
    return !isShared || replica === core.host.log(name).replica
  }

  #recordedOf(key: string): number {
    return this.#unsaid.get(key) ?? this.#saidOf(key)
  }

  #saidOf(key: string): number {
    return (this.#options.core.journal.get(key) as number | undefined) ?? 0
  }

  #noteStamps(table: MappedTable, entry: Entry | undefined): void {
    for (const { replica, stamp } of this.#unrecorded(table, entry)) {
      this.#noteStamp(keyOf(table.name, replica), stamp)
      // Packed writes no longer say by whom they are: those up to now are taken for recorded.
      if (this.#options.isSharing) this.#noteStamp(keyOf(table.name, PACKED), stamp)
    }
  }

  #noteStamp(key: string, stamp: number): void {
    this.#unsaid.set(key, Math.max(stamp, this.#recordedOf(key)))
  }

  #watch(table: MappedTable, { id, before }: WrittenRow<Columns>): void {
    const key = rowKey(table.name, id)
    if (before === undefined || this.#befores.has(key)) return
    const isUnrecorded = this.#unrecorded(table, this.#entry(table, id)).some((patch) => this.#isForMe(table, patch))
    if (isUnrecorded) this.#befores.set(key, { table, id, fields: storedOf(table.codec, before) })
  }

  #entry({ name }: MappedTable, id: string): Entry | undefined {
    return this.#options.core.host.log(name).entries.get(id)
  }

  /** Writes of this device that no operation was made of: before there was a backend, or where storage is not atomic. */
  #catchUp(table: MappedTable): void {
    const { core, existing, isSharing } = this.#options
    const known = [...core.journal.entries()].flatMap(([key]) => (key.startsWith(keyOf(table.name, '')) ? [key] : []))
    const isFirst = known.length === 0
    const runs = new Set<string>()
    for (const [id, entry] of core.host.log(table.name).entries) {
      for (const { replica } of entry.patches) runs.add(keyOf(table.name, replica))
      const all = this.#unrecorded(table, entry)
      const missed = isSharing ? all.filter((patch) => this.#isForMe(table, patch)) : all
      if (missed.length === 0) continue
      if (!isFirst || existing === 'push')
        this.#recover(table, id, new Set(missed.flatMap(({ shape }) => [...shape.fields])))
    }
    for (const entry of core.host.log(table.name).entries.values()) this.#noteStamps(table, entry)
    for (const key of known) if (!runs.has(key) && key !== keyOf(table.name, PACKED)) core.journal.delete(key)
    if (isFirst) this.#unsaid.set(keyOf(table.name, core.host.log(table.name).replica), 1)
  }

  #recover(table: MappedTable, id: string, fields: ReadonlySet<string>): void {
    const { ids, outbox, seen } = this.#options.core
    const row = table.rows.get(id, { withDeleted: true })
    const before = this.#befores.get(rowKey(table.name, id))
    if (before !== undefined) seen.noteChange(table.name, id, before.fields, storedOf(table.codec, row))
    const isLinked = ids.remote(table.name, id) !== undefined
    const isQueued = outbox.queue.ofRow(rowKey(table.name, id)).length > 0
    if (fields.has(PURGED) || row?.deletedAt !== undefined) {
      if (isLinked || isQueued)
        this.#enqueue(table, { table: table.name, row: id, kind: 'delete', fields: {}, refs: [] })
      return
    }
    if (row === undefined) return
    const draft = draftOf(table.codec, id, undefined, row) as Draft
    if (fields.has(CREATED) && !isLinked && !isQueued) return this.#enqueue(table, { ...draft, isAgain: true })
    if (fields.has(DELETED_MARK)) return this.#enqueue(table, { ...draft, kind: 'restore' })
    const columns = new Set([...fields].map((field) => field.split(':')[0]))
    const changed = Object.fromEntries(Object.entries(draft.fields).filter(([name]) => columns.has(name)))
    if (Object.keys(changed).length > 0) this.#enqueue(table, { ...draft, kind: 'update', fields: changed })
  }
}

const keyOf = (table: string, replica: string): string => `recorded/${table}/${replica}`

/** What stands for the writer of a packed write. */
const PACKED = '~'

/** The journal's key that says of a device that it is a bridge: what it writes came from the backend. */
const bridgeKeyOf = (device: string): string => `bridge/${device}`

const deviceOf = (replica: string): string => replica.slice(0, replica.lastIndexOf('.'))

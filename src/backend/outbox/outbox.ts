// The outbox: operations in the journal, in order, joined while they wait. Knows the queue and the journal; no network and no rows.
import type { Json } from '../../schema/index.ts'
import { type IdMap, rowKey } from '../identity/ids.ts'
import type { KeyedLog } from '../keyed-log.ts'
import type { Fields } from '../remote-table.ts'
import type { Trace, TraceEntry } from '../trace.ts'
import { coalesce, type Failure, type Operation } from './operation.ts'
import { Queue, type QueueContext } from './queue.ts'

/** A write before it is an operation. */
export type Draft = Pick<Operation, 'table' | 'row' | 'kind' | 'fields' | 'refs'> & {
  readonly isCorrection?: boolean
  readonly isAgain?: boolean
  /** The columns that a restore changed. */
  readonly changed?: Fields
  /** It changes a row that is deleted, which matters only if the row is restored, by whomever. */
  readonly isHidden?: boolean
}

/** What an outbox is given to work with. */
export interface OutboxOptions extends QueueContext {
  readonly journal: KeyedLog
  readonly ids: IdMap
  readonly trace: Trace
  readonly makeId: () => string
  readonly now: () => number
  /** An operation's columns without an optional reference to a row, and that reference; undefined if it has none. */
  readonly withhold: (operation: Operation, row: string) => { readonly now: Fields; readonly later: Fields } | undefined
  /** Whether an operation's row is there, and not deleted. */
  readonly isLive: (operation: Operation) => boolean
  /** Whether the row as it is now has made an operation needless. */
  readonly isNeedless: (operation: Operation) => boolean
  /** Told of an edit that was given up for that: the row has what its record will never have. */
  readonly onNeedless: (operation: Operation) => void
  /** Told after any change. */
  readonly onChange: () => void
}

const PREFIX = 'op/'

/** The operations that a journal has, in order of writing. */
export const operationsIn = (journal: KeyedLog): readonly Operation[] =>
  [...journal.entries()]
    .flatMap(([key, value]) => (key.startsWith(PREFIX) ? [value as unknown as Operation] : []))
    .sort((a, b) => a.order - b.order)

/** Operations on their way. Changes are staged in the journal; whoever makes them sees to the commit. */
export class Outbox {
  readonly queue: Queue
  readonly #options: OutboxOptions
  #lastOrder = 0

  constructor(options: OutboxOptions) {
    this.#options = options
    this.queue = new Queue(options)
    const stored = operationsIn(options.journal)
    for (const operation of stored) {
      this.queue.add(operation)
      this.#lastOrder = operation.order
    }
    for (const { id } of stored) this.#check(id)
  }

  /** Takes in what the journal says by now: others who share it have added, sent and ended operations. */
  reload(): void {
    const stored = operationsIn(this.#options.journal)
    const ids = new Set(stored.map(({ id }) => id))
    for (const { id } of this.queue.all()) if (!ids.has(id)) this.queue.remove(id)
    for (const operation of stored) {
      if (this.queue.get(operation.id) === undefined) this.queue.add(operation)
      else this.queue.replace(operation.id, operation)
      this.#lastOrder = Math.max(this.#lastOrder, operation.order)
    }
    this.#options.onChange()
  }

  /** Adds a write, joined to the one that waits before it on its row. */
  enqueue(draft: Draft): void {
    const { ids } = this.#options
    const last = this.queue.ofRow(rowKey(draft.table, draft.row)).at(-1)
    const remote = ids.remote(draft.table, draft.row)
    const isThere = remote !== undefined && !ids.isGone(draft.table, remote)
    if (draft.isHidden === true && !isThere && !(last?.state === 'queued' && last.kind === 'delete')) return
    const operation = this.#make(draft)
    const changed = isThere ? (draft.changed ?? draft.fields) : undefined
    const joined = last === undefined ? { kind: 'apart' as const } : coalesce(last, operation, changed)
    if (joined.kind === 'one') this.put(joined.operation)
    else if (joined.kind === 'apart') this.#add(operation)
    else if (joined.kind === 'instead' && last !== undefined) {
      this.end(last, 'dropped')
      this.#add(operation)
    } else if (last !== undefined) {
      if (last.kind === 'insert') this.#options.ids.markNever(last.table, last.row)
      this.end(last, 'dropped')
    }
    this.#options.onChange()
  }

  /** Makes operations ready to be sent: their data stay as they are from now on. */
  arm(most: number): Operation[] {
    const armed: Operation[] = []
    for (const id of this.queue.ready()) {
      if (armed.length >= most) break
      const operation = this.queue.get(id) as Operation
      if (this.#options.isNeedless(operation)) {
        if (operation.kind === 'delete') this.dropDelete(operation)
        else {
          this.end(operation, 'dropped')
          this.#options.onNeedless(operation)
        }
        continue
      }
      const sent: Operation = { ...operation, state: 'sent' }
      this.put(sent)
      armed.push(sent)
    }
    return armed
  }

  /** Rows that refer to each other in a circle: one of them is sent without its reference, which follows as an edit. */
  untie(): void {
    for (const operation of this.queue.inState('queued')) {
      const circle = this.#circleOf(operation)
      for (const [at, one] of circle.entries()) {
        const next = circle[(at + 1) % circle.length] as Operation
        const split = this.#options.withhold(one, rowKey(next.table, next.row))
        if (split === undefined) continue
        const timeMs = this.#options.now()
        this.put({ ...one, fields: { ...one.fields, ...split.now } })
        this.#add({ ...one, id: this.#options.makeId(), kind: 'update', fields: split.later, timeMs })
        return
      }
    }
  }

  /** Inserts each of which waits for the next, the last for the first; none if there is no such circle. */
  #circleOf(first: Operation): Operation[] {
    const path: Operation[] = []
    let current: Operation | undefined = first
    while (current !== undefined && current.kind === 'insert' && !path.includes(current)) {
      path.push(current)
      const blocker = this.queue.blocker(current)
      current = blocker?.kind === 'record' ? this.queue.ofRow(blocker.row)[0] : undefined
    }
    return current === first ? path : []
  }

  /** Puts an operation's new state in its place. */
  put(operation: Operation): void {
    this.queue.replace(operation.id, operation)
    this.#options.journal.put(PREFIX + operation.id, operation as unknown as Json)
    this.#options.onChange()
  }

  /** Makes an operation one that was never sent, under a new id. */
  requeue(operation: Operation, changes: Partial<Operation> = {}): Operation {
    const { failure: _, ...rest } = operation
    const again: Operation = { ...rest, state: 'queued', tries: 0, id: this.#options.makeId(), ...changes }
    this.#options.journal.delete(PREFIX + operation.id)
    this.queue.replace(operation.id, again)
    this.#options.journal.put(PREFIX + again.id, again as unknown as Json)
    this.#options.onChange()
    return again
  }

  /**
   * Takes an operation out of the dead letter, to be sent again. What may have had its effect keeps its id, and so does what was never sent,
   * since others may make the same record under the same id; what was refused gets another, since a backend may remember its answer.
   */
  again({ failure, ...rest }: Operation, changes: Partial<Operation> = {}): void {
    if (failure?.kind === 'refused' || failure?.kind === 'conflict' || failure?.kind === 'forgotten')
      this.requeue(rest, { conflicts: 0, ...changes })
    else this.put({ ...rest, ...changes, state: 'queued' })
    if (failure?.kind === 'reference') this.#check(rest.id)
  }

  /** Puts an operation into the dead letter. */
  fail(operation: Operation, failure: Omit<Failure, 'timeMs'>): void {
    this.put({ ...operation, state: 'failed', failure: { ...failure, timeMs: this.#options.now() } })
  }

  /** Takes an operation out, for good. */
  end(
    operation: Operation,
    outcome: TraceEntry['outcome'],
    more: Pick<TraceEntry, 'remote' | 'request' | 'answer'> = {},
  ): void {
    const { id, order, table, row, kind, fields, timeMs, tries } = operation
    this.queue.remove(id)
    this.#options.journal.delete(PREFIX + id)
    const endedMs = this.#options.now()
    this.#options.trace.add({ id, order, table, row, kind, fields, timeMs, tries, outcome, endedMs, ...more })
    this.#options.onChange()
  }

  /** Gives up a delete; edits that had joined it go out by themselves. */
  dropDelete(operation: Operation): void {
    const { asked: _, ...rest } = operation
    if (Object.keys(operation.fields).length === 0) this.end(operation, 'dropped')
    else this.put({ ...rest, kind: 'update', state: 'queued' })
  }

  /** Takes columns out of what a row has waiting; an operation that has none left ends. */
  dropColumns(row: string, columns: readonly string[]): void {
    for (const operation of this.queue.ofRow(row)) {
      if (operation.state !== 'queued' || operation.kind !== 'update') continue
      const fields = Object.fromEntries(Object.entries(operation.fields).filter(([name]) => !columns.includes(name)))
      const left = Object.keys(fields).length
      if (left === 0) this.end(operation, 'dropped')
      else if (left < Object.keys(operation.fields).length) this.put({ ...operation, fields })
    }
  }

  /** Moves what waits for one row to another. */
  move(table: string, from: string, to: string): void {
    const there = this.queue.ofRow(rowKey(table, to))
    for (const operation of this.queue.ofRow(rowKey(table, from))) {
      const newer = there.filter(({ order }) => order > operation.order).flatMap(({ fields }) => Object.keys(fields))
      const isWhole = operation.state === 'sent' || operation.kind !== 'update'
      const fields = Object.fromEntries(
        Object.entries(operation.fields).filter(([name]) => isWhole || !newer.includes(name)),
      )
      if (operation.kind === 'update' && Object.keys(fields).length === 0) {
        this.end(operation, 'dropped')
        continue
      }
      const moved = { ...operation, fields, row: to }
      this.queue.remove(operation.id)
      this.queue.add(moved)
      this.#options.journal.put(PREFIX + moved.id, moved as unknown as Json)
    }
    this.#options.onChange()
  }

  /** A row has got a record, or will have none: looks at what waited for that. */
  noteRow(row: string): void {
    const waiting = this.queue.waitingFor(row)
    this.queue.noteRow(row)
    for (const { id } of waiting) this.#check(id)
    for (const operation of this.queue.count('failed') === 0 ? [] : this.queue.inState('failed')) {
      if (
        operation.failure?.kind === 'reference' &&
        this.queue.blocker({ ...operation, state: 'queued' }) === undefined
      )
        this.again(operation)
    }
  }

  #add(operation: Operation): void {
    this.queue.add(operation)
    this.#options.journal.put(PREFIX + operation.id, operation as unknown as Json)
    this.#check(operation.id)
  }

  /** What waits for a record that will never be has no use, or no way. */
  #check(id: string): void {
    const operation = this.queue.get(id)
    const blocker = operation?.state === 'queued' ? this.queue.blocker(operation) : undefined
    const { ids } = this.#options
    if (operation === undefined || blocker?.kind !== 'record' || !ids.isNeverRow(blocker.row)) return
    if (blocker.row === rowKey(operation.table, operation.row)) return this.#neverMade(operation)
    const message = `It refers to ${blocker.row}, which was deleted before the backend knew of it.`
    this.fail(operation, { kind: 'reference', message })
  }

  /** Whoever restores a row that nobody has made a record of makes one; what else there is of it has no use. */
  #neverMade(operation: Operation): void {
    const { ids } = this.#options
    const { table, row, kind } = operation
    // A row that is there all the same waits for its maker, who makes a record of it then.
    if (kind === 'update' && this.#options.isLive(operation)) return
    if (kind !== 'restore') return this.end(operation, 'dropped')
    ids.unmarkNever(table, row)
    const key = ids.insertKey(table, row)
    const id = this.queue.get(key) === undefined ? key : this.#options.makeId()
    const again = this.requeue(operation, { kind: 'insert', id, isAgain: true })
    this.#check(again.id)
  }

  #make({ table, row, kind, fields, refs, isCorrection, isAgain }: Draft): Operation {
    const { ids, makeId, now } = this.#options
    const own = kind === 'insert' ? ids.insertKey(table, row) : undefined
    const id = own === undefined || this.queue.get(own) !== undefined ? makeId() : own
    const timeMs = now()
    this.#lastOrder = Math.max(this.#lastOrder + 1, timeMs)
    const operation = { id, order: this.#lastOrder, table, row, kind, fields, refs, timeMs }
    return {
      ...operation,
      state: 'queued',
      tries: 0,
      conflicts: 0,
      ...(isCorrection ? { isCorrection } : {}),
      ...(isAgain ? { isAgain } : {}),
    }
  }
}

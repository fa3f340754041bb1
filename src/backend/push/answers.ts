// Answers: what each kind of answer does to its operation and row. Knows rows and the outbox; sends nothing itself.
import { show } from '../../errors.ts'
import { Unreadable } from '../codec.ts'
import type { Core, MappedTable } from '../core.ts'
import type { Failure, Operation } from '../outbox/operation.ts'
import type { Call } from '../remote-table.ts'
import type { Rows } from '../rows.ts'
import { isSame } from '../seen.ts'
import { AnswerError, type FailureClass, ReplayedError, statusOf } from './failure.ts'
import type { Performed } from './perform.ts'

/** What it is given to work with. */
export interface AnswersOptions {
  readonly core: Core
  readonly rows: Rows
  /** A call for reading, with a fresh key. */
  readonly call: (table: MappedTable) => Call
  /** Fetches what one table's answers left in doubt. */
  readonly refresh: (table: MappedTable) => Promise<void>
  /** Pulls one table. */
  readonly pull: (table: MappedTable) => Promise<void>
  /** Conflicts of one operation before it goes to the dead letter. */
  readonly maxConflicts: number
}

const SHOWN = 500

/** Acts on answers. */
export class Answers {
  readonly #options: AnswersOptions

  constructor(options: AnswersOptions) {
    this.#options = options
  }

  /** An answer of success. */
  async take(table: MappedTable, operation: Operation, { to, answer, isAgain }: Performed): Promise<void> {
    const { core, rows } = this.#options
    const isMade = operation.kind === 'insert' || operation.kind === 'restore'
    const record = answer === undefined || operation.kind === 'delete' ? undefined : table.codec.decode(answer)
    if (record instanceof Unreadable || (record === undefined && isMade && to === undefined))
      return this.#nonsense(
        table,
        operation,
        record?.reason ?? 'A record that was made must be answered with its id.',
        answer,
      )
    if (record !== undefined && operation.kind === 'update' && to !== undefined && String(record.id) !== String(to))
      return this.#nonsense(table, operation, `The answer is of record ${show(record.id)}, not ${show(to)}.`, answer)
    if (record !== undefined && this.#isForgotten(table, operation, record.fields))
      return this.#end(
        table,
        operation,
        'forgotten',
        new AnswerError('The answer says 2xx and shows nothing of the change.', { answer: begin(answer) }),
      )
    core.host.write(() => {
      const remote = record?.id ?? to
      const request = table.codec.encode(operation.row, operation.fields).data
      core.outbox.end(operation, 'done', {
        request,
        answer: begin(answer),
        ...(remote === undefined ? {} : { remote }),
      })
      rows.answered(table, operation, record, isAgain)
    })
    if (core.seen.stale(table.name).length > 0) await this.#options.refresh(table)
  }

  /** A failure that no repetition mends. */
  async refuse(table: MappedTable, operation: Operation, kind: FailureClass, error: unknown): Promise<void> {
    const { core } = this.#options
    if (error instanceof ReplayedError) return this.#again(table, operation, error)
    if (
      kind === 'gone' &&
      (operation.kind === 'update' || operation.kind === 'insert') &&
      core.ids.remote(table.name, operation.row) !== undefined
    )
      return this.#gone(table, operation)
    const isLinked = core.ids.remote(table.name, operation.row) !== undefined
    const isMade =
      operation.kind === 'insert' ? !isLinked : operation.kind === 'restore' && table.remote.lookup !== undefined
    if (kind === 'conflict' && isMade) return this.#adopt(table, operation, error)
    if (kind === 'conflict') return this.#conflict(table, operation, error)
    if (kind === 'nonsense') return this.#nonsense(table, operation, String(error), (error as AnswerError).answer)
    this.#end(table, operation, 'refused', error)
    core.commit()
  }

  /** Puts an operation into the dead letter. */
  fail(table: MappedTable, operation: Operation, kind: Failure['kind'], error: unknown): void {
    this.#end(table, operation, kind, error)
  }

  /** The record that was made is gone: another is made, under a key that follows from it. */
  #again(table: MappedTable, operation: Operation, error: ReplayedError): void {
    const { core, maxConflicts } = this.#options
    core.host.write(() => {
      core.ids.link(table.name, operation.row, error.remote)
      core.ids.markGone(table.name, error.remote)
    })
    if (operation.conflicts >= maxConflicts) return this.#end(table, operation, 'forgotten', error)
    core.outbox.requeue(operation, { kind: 'restore', conflicts: operation.conflicts + 1 })
    core.commit()
  }

  /** The record that was to be changed is not there. */
  #gone(table: MappedTable, operation: Operation): void {
    const { core, rows } = this.#options
    core.host.write(() => {
      // What was to be made, and was there, is by now an edit of what is gone.
      core.outbox.requeue(operation, { kind: 'update' })
      const id = core.ids.remote(table.name, operation.row)
      if (id !== undefined) rows.removed(table, id)
    })
  }

  /** A record like the one to be made is there: it may be the one that an earlier try made. */
  async #adopt(table: MappedTable, operation: Operation, error: unknown): Promise<void> {
    const { data } = table.codec.encode(operation.row, operation.fields)
    const found = await table.remote.lookup?.(data, this.#options.call(table))
    const current = this.#options.core.outbox.queue.get(operation.id) ?? operation
    if (found !== undefined) return this.take(table, current, { to: undefined, answer: found, isAgain: true })
    if (operation.kind === 'restore') return this.#conflict(table, current, error)
    this.#end(table, current, 'refused', error)
  }

  /** Both sides have changed the record: fetches it, merges, and lets the rest be sent anew. */
  async #conflict(table: MappedTable, operation: Operation, error: unknown): Promise<void> {
    const { core, maxConflicts } = this.#options
    if (operation.conflicts >= maxConflicts) return this.#end(table, operation, 'conflict', error)
    const record = await this.#fetch(table, operation)
    // It may have been moved to another row meanwhile.
    const current = core.outbox.queue.get(operation.id)
    if (current === undefined) return
    core.host.write(() => {
      // What was to be made, and is there, is by now an edit of that.
      const kind = current.kind === 'insert' ? 'update' : current.kind
      const again = core.outbox.requeue(current, { kind, conflicts: operation.conflicts + 1 })
      this.#meet(table, again, record)
    })
    if (record === 'unknown') await this.#options.pull(table)
  }

  #meet(table: MappedTable, operation: Operation, record: unknown): void {
    const { core, rows } = this.#options
    const id = core.ids.remote(table.name, operation.row)
    if (record === 'unknown') return
    if (record === undefined) return id === undefined ? undefined : rows.removed(table, id)
    const read = table.codec.decode(record)
    if (read instanceof Unreadable) core.report({ kind: 'record', table: table.name, message: read.reason })
    else {
      rows.noteSent(table, operation, read)
      rows.pulled(table, read, true)
    }
  }

  async #fetch(table: MappedTable, operation: Operation): Promise<unknown> {
    const id = this.#options.core.ids.remote(table.name, operation.row)
    if (id === undefined || table.remote.get === undefined) return 'unknown'
    return table.remote.get(id, this.#options.call(table))
  }

  /** Whether all that was sent came back as it had been. */
  #isForgotten(
    table: MappedTable,
    { kind, row, fields, isCorrection }: Operation,
    remote: Operation['fields'],
  ): boolean {
    const base = this.#options.core.seen.get(table.name, row).base ?? {}
    const names = Object.keys(fields)
    if (kind !== 'update' || isCorrection === true || names.length === 0) return false
    return names.every(
      (name) =>
        name in remote && name in base && !isSame(remote[name], fields[name]) && isSame(remote[name], base[name]),
    )
  }

  #nonsense(table: MappedTable, operation: Operation, reason: string, answer: unknown): void {
    this.#end(table, operation, 'answer', new AnswerError(reason, { answer: begin(answer) }))
  }

  #end(table: MappedTable, operation: Operation, kind: Failure['kind'], error: unknown): void {
    const { core, rows } = this.#options
    const request = table.codec.encode(operation.row, operation.fields).data
    const [status, answer] = [statusOf(error), error instanceof AnswerError ? error.answer : undefined]
    const message = error instanceof Error ? error.message : String(error)
    const current = core.outbox.queue.get(operation.id) ?? operation
    rows.released(table, operation)
    core.outbox.fail(current, {
      kind,
      message,
      request,
      ...(status === undefined ? {} : { status }),
      ...(answer === undefined ? {} : { answer }),
    })
    core.commit()
  }
}

const begin = (answer: unknown): string =>
  (typeof answer === 'string' ? answer : (JSON.stringify(answer) ?? '')).slice(0, SHOWN)

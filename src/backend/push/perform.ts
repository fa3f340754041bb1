// What an operation asks of a collection: which of its functions, of which record, under which key. Knows no queue and no HTTP.
import { Unreadable } from '../codec.ts'
import type { Core, MappedTable } from '../core.ts'
import type { Operation } from '../outbox/operation.ts'
import type { Call, RemoteId } from '../remote-table.ts'
import { AnswerError, classify, ReplayedError } from './failure.ts'

/** What came of an operation. */
export interface Performed {
  /** The record that it was sent to; undefined if it was to make one. */
  readonly to: RemoteId | undefined
  readonly answer: unknown
  /** The record may be older than the answer says: others may have asked under the same key. */
  readonly isAgain: boolean
}

/** Calls the function of a collection that an operation stands for. @throws What that throws. */
export const perform = async (core: Core, table: MappedTable, operation: Operation, call: Call): Promise<Performed> => {
  const { remote, codec } = table
  const { kind, row } = operation
  const { data } = codec.encode(row, operation.fields)
  const to = core.ids.remote(table.name, row)
  const { isAgain = false } = operation
  if (to === undefined) {
    if (kind === 'insert') return { to, answer: await create(table, operation, call, isAgain), isAgain }
    throw new AnswerError(`Row "${row}" has no record any more.`, { status: 404 })
  }
  const isGone = core.ids.isGone(table.name, to)
  // A key is remembered with its answer: one that made a record, or was sent to an earlier one, is not for this.
  const isOther = kind === 'insert' || core.ids.records(table.name, row).length > 1
  const own: Call = isOther ? { ...call, key: core.ids.writeKey(table.name, to, call.key) } : call
  const send = async (work: () => Promise<unknown> | undefined): Promise<Sent> => {
    const sent = await orGone(work)
    if (sent.kind === 'gone') core.ids.markGone(table.name, to)
    return sent
  }
  if (kind === 'delete') {
    await send(() => remote.remove?.(to, own))
    core.ids.markGone(table.name, to)
    return { to, answer: undefined, isAgain: false }
  }
  const isMade = kind === 'restore' || (kind === 'insert' && isGone)
  if (isMade && remote.restore !== undefined) return { to, answer: await remote.restore(to, data, own), isAgain: false }
  // An insert whose record is known already, as another replica has made it, is written to that.
  const sent =
    isMade && isGone && remote.update === undefined ? undefined : await send(() => remote.update?.(to, data, own))
  if (sent?.kind === 'gone' && !isMade) throw sent.error
  const isThere = sent?.kind === 'answer' && !(isMade && isDeleted(table, sent.answer))
  if (isThere) return { to, answer: sent.answer, isAgain: false }
  core.ids.markGone(table.name, to)
  const key = core.ids.againKey(table.name, to)
  return { to: undefined, answer: await create(table, operation, { ...call, key }, true), isAgain: true }
}

type Sent = { readonly kind: 'answer'; readonly answer: unknown } | { readonly kind: 'gone'; readonly error: unknown }

const orGone = async (work: () => Promise<unknown> | undefined): Promise<Sent> => {
  try {
    return { kind: 'answer', answer: await work() }
  } catch (error) {
    if (classify(error) !== 'gone') throw error
    return { kind: 'gone', error }
  }
}

/**
 * Makes a record, or finds the one that an earlier try made.
 *
 * @param isAgain - Others may have asked under the same key: whether what is answered is still there is looked at.
 * @throws {@link ReplayedError}
 */
const create = async (table: MappedTable, operation: Operation, call: Call, isAgain: boolean): Promise<unknown> => {
  const { remote, codec } = table
  const { data } = codec.encode(operation.row, operation.fields)
  const found = operation.tries > 1 ? await remote.lookup?.(data, call) : undefined
  if (found !== undefined) return found
  const made = await remote.create(data, call)
  const read = codec.decode(made)
  const isKnown = !isAgain && operation.tries <= 1
  if (isKnown || remote.get === undefined || read instanceof Unreadable) return made
  const sent = await orGone(() => remote.get?.(read.id, call))
  const current = sent.kind === 'answer' ? sent.answer : undefined
  if (current === undefined || isDeleted(table, current)) throw new ReplayedError(read.id)
  return made
}

const isDeleted = ({ codec }: MappedTable, record: unknown): boolean => {
  const read = codec.decode(record)
  return !(read instanceof Unreadable) && read.isDeleted
}

// Bulk: which operations go out as one request, and which answer is whose. Knows collections and their limits; no timers, no HTTP.
import { show } from '../../errors.ts'
import { type ReadRecord, Unreadable } from '../codec.ts'
import type { Core, MappedTable } from '../core.ts'
import type { Operation } from '../outbox/operation.ts'
import type { Bulk, BulkItem, Call, RemoteId, RemoteRecord } from '../remote-table.ts'
import { AnswerError, classify } from './failure.ts'

/** Thrown for an operation that was sent among others, with an outcome that is not known for it: it is to be sent alone. */
export class SentInBulk extends Error {
  /** Whether the backend is at work: the operation goes out again at once. */
  readonly isAtOnce: boolean

  constructor(isAtOnce: boolean, cause: unknown) {
    super('It was sent among others, and is sent alone.', { cause })
    this.isAtOnce = isAtOnce
  }
}

type BulkKind = 'create' | 'update' | 'remove'

const KINDS: Readonly<Partial<Record<Operation['kind'], BulkKind>>> = {
  insert: 'create',
  update: 'update',
  delete: 'remove',
}

/** Puts operations together. */
export class Bulks {
  readonly #core: Core
  /** Operations that are sent alone from now on. */
  readonly #alone = new Set<string>()
  /** Bulk requests that were answered with nonsense: not made again in this run. */
  readonly #broken = new Set<Bulk>()

  constructor(core: Core) {
    this.#core = core
  }

  /** Most operations of one request. */
  get maxItems(): number {
    const bulks = [...this.#core.tables.values()].flatMap(({ remote }) => Object.values(remote.bulk ?? {}))
    return Math.max(1, ...bulks.filter((bulk) => !this.#broken.has(bulk)).map(({ maxItems }) => maxItems))
  }

  /** Takes out of line what goes out as the next request: the first, and others that may go with it. */
  next(due: string[]): string[] {
    const [first] = due
    const operation = first === undefined ? undefined : this.#core.outbox.queue.get(first)
    const bulk = operation === undefined ? undefined : this.#bulkOf(operation)
    if (operation === undefined || bulk === undefined) return due.splice(0, 1)
    const taken: string[] = []
    let bytes = 0
    for (const id of due) {
      const other = this.#core.outbox.queue.get(id)
      if (other?.table !== operation.table || other.kind !== operation.kind || this.#bulkOf(other) === undefined)
        continue
      bytes += this.#bytesOf(other)
      if (taken.length > 0 && bytes > bulk.maxBytes) break
      taken.push(id)
      if (taken.length === bulk.maxItems) break
    }
    const rest = due.filter((id) => !taken.includes(id))
    due.splice(0, due.length, ...rest)
    return taken
  }

  /** Gathers what operations ask of their collection; undefined for one alone. */
  gather(ids: readonly string[], call: Pick<Call, 'request' | 'signal'>): Gathering | undefined {
    const operation = this.#core.outbox.queue.get(ids[0] ?? '')
    const bulk = operation === undefined || ids.length < 2 ? undefined : this.#bulkOf(operation)
    const kind = operation === undefined ? undefined : KINDS[operation.kind]
    if (bulk === undefined || kind === undefined) return undefined
    return new Gathering(kind, ids, (items) => this.#send(bulk, items, call))
  }

  /** An operation has ended. */
  forget(id: string): void {
    this.#alone.delete(id)
  }

  #bulkOf({ id, table, kind, tries }: Operation): Bulk | undefined {
    const bulkKind = KINDS[kind]
    const remote = this.#core.tables.get(table)?.remote
    const bulk = bulkKind === undefined ? undefined : remote?.bulk?.[bulkKind]
    if (bulk === undefined || bulk.maxItems < 2 || this.#broken.has(bulk) || this.#alone.has(id)) return undefined
    // A repeated insert is looked up first, one by one.
    return bulkKind === 'create' && tries > 0 && remote?.lookup !== undefined ? undefined : bulk
  }

  #bytesOf({ table, row, fields }: Operation): number {
    const data = this.#core.tables.get(table)?.codec.encode(row, fields).data
    return new TextEncoder().encode(JSON.stringify(data)).length
  }

  /** @returns for each item what its function gives, or an error that it throws. */
  async #send(
    bulk: Bulk,
    items: readonly Gathered[],
    call: Pick<Call, 'request' | 'signal'>,
  ): Promise<readonly unknown[]> {
    try {
      const answers = await bulk.send(items.map(itemOf), call)
      const reason = mismatch(items, answers)
      if (reason === undefined) return answers.map((answer, at) => this.#judged(items[at] as Gathered, answer))
      throw new AnswerError(reason, { status: 200, answer: JSON.stringify(answers)?.slice(0, SHOWN) })
    } catch (error) {
      return this.#allFailed(bulk, items, error)
    }
  }

  #allFailed(bulk: Bulk, items: readonly Gathered[], error: unknown): readonly unknown[] {
    const failure = classify(error)
    if (failure === 'away' || failure === 'token') return items.map(() => error)
    for (const { operation } of items) this.#alone.add(operation.id)
    const isNonsense = failure === 'nonsense' || (error instanceof AnswerError && error.status === 200)
    if (isNonsense) {
      this.#broken.add(bulk)
      const [{ operation, table }] = items as [Gathered]
      const { message, answer = '' } = error as AnswerError
      this.#core.report({
        kind: 'answer',
        table: table.name,
        operation: operation.id,
        message: `${items.length} operations (${operation.kind}) went out as one request, and each is sent alone from now on: ${message} The answer begins ${answer}`,
      })
    }
    // A backend that fails hears of one of them, as of any request; the others come back alone.
    return items.map((_, at) =>
      failure === 'server' && at === 0 ? error : new SentInBulk(failure !== 'server', error),
    )
  }

  /** One item's answer; one that cannot be read is asked for again, alone. */
  #judged({ operation, table, kind }: Gathered, answer: unknown): unknown {
    const isRead = answer instanceof Error || kind !== 'create' || !(table.codec.decode(answer) instanceof Unreadable)
    if (isRead) return answer
    this.#alone.add(operation.id)
    return new SentInBulk(true, new AnswerError('Its part of the answer is no record.', { status: 200 }))
  }
}

const SHOWN = 500

interface Gathered {
  readonly kind: BulkKind
  readonly table: MappedTable
  readonly operation: Operation
  readonly id: RemoteId | undefined
  readonly data: RemoteRecord
  readonly call: Call
  readonly resolve: (answer: unknown) => void
  readonly reject: (error: unknown) => void
}

/** Operations that go out as one request, once each of them has said what it asks, or that it asks nothing. */
export class Gathering {
  readonly #kind: BulkKind
  readonly #awaited: Set<string>
  readonly #items: Gathered[] = []
  readonly #send: (items: readonly Gathered[]) => Promise<readonly unknown[]>

  constructor(
    kind: BulkKind,
    ids: readonly string[],
    send: (items: readonly Gathered[]) => Promise<readonly unknown[]>,
  ) {
    this.#kind = kind
    this.#awaited = new Set(ids)
    this.#send = send
  }

  /** The table as one of the operations sees it: what it asks of the collection goes with what the others ask. */
  tableOf(table: MappedTable, operation: Operation): MappedTable {
    const join = (id: RemoteId | undefined, data: RemoteRecord, call: Call, alone: () => Promise<unknown>) =>
      this.#join(table, operation, { id, data, call }, alone)
    const { remote } = table
    const { create, update, remove } = remote
    const joined = {
      create: (data: RemoteRecord, call: Call) => join(undefined, data, call, () => create(data, call)),
      update: (id: RemoteId, data: RemoteRecord, call: Call) =>
        join(id, data, call, async () => update?.(id, data, call)),
      remove: async (id: RemoteId, call: Call): Promise<void> => {
        await join(id, {}, call, async () => remove?.(id, call))
      },
    }
    return { ...table, remote: { ...remote, [this.#kind]: joined[this.#kind] } }
  }

  /** An operation has ended, or will not ask. */
  leave(id: string): void {
    if (this.#awaited.delete(id)) this.#flush()
  }

  #join(
    table: MappedTable,
    operation: Operation,
    asked: Pick<Gathered, 'id' | 'data' | 'call'>,
    alone: () => Promise<unknown>,
  ): Promise<unknown> {
    // Asked a second time, or too late.
    if (!this.#awaited.delete(operation.id)) return alone()
    return new Promise((resolve, reject) => {
      this.#items.push({ kind: this.#kind, table, operation, ...asked, resolve, reject })
      this.#flush()
    })
  }

  #flush(): void {
    if (this.#awaited.size > 0 || this.#items.length === 0) return
    const items = this.#items.splice(0)
    void this.#send(items).then((answers) =>
      items.forEach(({ resolve, reject }, at) => {
        const answer = answers[at]
        if (answer instanceof Error) reject(answer)
        else resolve(answer)
      }),
    )
  }
}

const itemOf = ({ id, data, call: { key, version } }: Gathered): BulkItem => ({ key, id, data, version })

/** Why answers cannot be those of these items; undefined if they can. */
const mismatch = (items: readonly Gathered[], answers: unknown): string | undefined => {
  if (!Array.isArray(answers)) return `A list of answers was asked for, and ${show(answers)} came.`
  if (answers.length !== items.length) return `${items.length} items were sent, and ${answers.length} answers came.`
  const read = items.map(({ table }, at) => recordOf(table, answers[at]))
  const ids = read.flatMap((record) => (record === undefined ? [] : [String(record.id)]))
  if (new Set(ids).size < ids.length) return 'Two answers are of the same record.'
  const sent = new Map(items.map((item) => [valuesOf(item, read), item]))
  const isOther = items.some((item, at) => {
    const record = read[at]
    if (record === undefined) return false
    if (item.id !== undefined && String(item.id) !== String(record.id)) return true
    if (record.localId !== undefined) return record.localId !== item.operation.row
    const owner = item.kind === 'create' ? sent.get(JSON.stringify(ordered(record.fields))) : undefined
    return owner !== undefined && owner !== item && valuesOf(item, read) !== valuesOf(owner, read)
  })
  return isOther ? 'The answers are in another order than the items.' : undefined
}

const recordOf = ({ codec }: MappedTable, answer: unknown): ReadRecord | undefined => {
  const record = answer instanceof Error || answer === undefined ? undefined : codec.decode(answer)
  return record instanceof Unreadable ? undefined : record
}

/** What an item sent, of the columns that answers have. */
const valuesOf = ({ operation }: Gathered, read: readonly (ReadRecord | undefined)[]): string => {
  const columns = Object.keys(read.find((record) => record !== undefined)?.fields ?? {})
  return JSON.stringify(ordered(Object.fromEntries(columns.map((name) => [name, operation.fields[name] ?? null]))))
}

const ordered = (fields: object): [string, unknown][] => Object.entries(fields).sort(([a], [b]) => (a < b ? -1 : 1))

// Bulk requests of a REST collection: a list of items in one body, a list of answers back. Knows bodies and answers; no queue.
import { MerrowError, show } from '../../errors.ts'
import type { Json } from '../../schema/index.ts'
import { AnswerError } from '../push/failure.ts'
import type { Bulk, BulkItem, Call, RemoteRecord, RemoteRequest } from '../remote-table.ts'
import { beginOf, readAnswer } from './read.ts'

/** How operations of one kind go out several at a time. */
export interface BulkRequests {
  /** Most items of a request; 100. */
  readonly maxItems?: number
  /** Most bytes of a request's items, as JSON; 1 MiB. */
  readonly maxBytes?: number
  /** The address; that of the collection. */
  readonly url?: string
  /** `POST` for inserts, `PATCH` for updates, `DELETE` for deletes. */
  readonly method?: RemoteRequest['method']
  /** Where an item carries its idempotency key, the same if it is sent again, alone or among others. */
  readonly keyField?: string
  readonly headers?: Readonly<Record<string, string>>
  /** Makes the request's address and body, in place of a list of items in the body. */
  readonly request?: (items: readonly BulkItem[]) => { readonly url?: string; readonly body?: Json }
  /**
   * Takes what came of each item, in order, out of the answer: the record, or an `AnswerError` for one that was refused.
   *
   * By default the answer is a list, in which what has a `status` of 400 and more was refused.
   */
  readonly read?: (answer: Json, items: readonly BulkItem[]) => readonly unknown[]
}

/** Which kinds of operations go out several at a time. */
export interface RestBulk {
  /** Inserts. They want `keyField`, or a `naturalKey` of the table: one whose answer was lost is sent again, and is to have one effect. */
  readonly create?: BulkRequests
  readonly update?: BulkRequests
  readonly remove?: BulkRequests
}

/** What a bulk needs to know of its collection. */
export interface BulkCollection {
  readonly url: string
  readonly idField: string
  readonly headers: Readonly<Record<string, string>>
  /** Whether an insert that was made before is found again. */
  readonly hasLookup: boolean
  readonly body: (data: RemoteRecord, id: BulkItem['id']) => Json
  readonly record: (answer: Json) => unknown
}

const MAX_ITEMS = 100
const MAX_BYTES = 1024 * 1024
const METHODS = { create: 'POST', update: 'PATCH', remove: 'DELETE' } as const

/** The bulks of a REST collection. @throws {@link MerrowError} `invalid_argument` for limits that are none, and for inserts that could double. */
export const restBulk = (given: RestBulk, collection: BulkCollection): { [K in keyof RestBulk]: Bulk } => {
  if (given.create !== undefined && given.create.keyField === undefined && !collection.hasLookup)
    throw new MerrowError(
      'invalid_argument',
      `restTable({ url: ${show(collection.url)}, bulk: { create } }): an insert whose answer is lost is sent again. Give bulk.create.keyField, which carries its key, or naturalKey, by which it is found.`,
    )
  const kinds = Object.keys(METHODS) as (keyof RestBulk)[]
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const requests = given[kind]
      return requests === undefined ? [] : [[kind, bulkOf(kind, requests, collection)]]
    }),
  )
}

const bulkOf = (kind: keyof RestBulk, requests: BulkRequests, collection: BulkCollection): Bulk => {
  const { maxItems = MAX_ITEMS, maxBytes = MAX_BYTES, method = METHODS[kind], read = readList } = requests
  if (!Number.isInteger(maxItems) || maxItems < 1 || !(maxBytes > 0))
    throw new MerrowError(
      'invalid_argument',
      `restTable({ bulk: { ${kind}: { maxItems: ${show(maxItems)}, maxBytes: ${show(maxBytes)} } } }): give limits of 1 and more.`,
    )
  const items = (list: readonly BulkItem[]): Json => list.map((item) => bodyOf(item, requests, collection))
  return {
    maxItems,
    maxBytes,
    async send(list, { request }: Pick<Call, 'request' | 'signal'>) {
      const { url = requests.url ?? collection.url, body = items(list) } = requests.request?.(list) ?? {}
      const headers = { ...collection.headers, ...requests.headers }
      const { json } = await request({ method, url, headers, ...(body === null ? {} : { body }) })
      const answers = readAnswer(json, (answer) => read(answer, list))
      if (!Array.isArray(answers)) return answers
      return answers.map((answer) =>
        answer instanceof Error || answer === undefined || kind === 'remove'
          ? answer
          : readAnswer(answer, collection.record),
      )
    },
  }
}

const bodyOf = ({ key, id, data }: BulkItem, { keyField }: BulkRequests, { body, idField }: BulkCollection): Json => {
  const made = body(id === undefined ? data : { [idField]: id, ...data }, id)
  return keyField === undefined ? made : { ...(made as RemoteRecord), [keyField]: key }
}

/** A list of records and refusals. */
const readList = (answer: Json): readonly unknown[] => {
  if (!Array.isArray(answer))
    throw new AnswerError(`A list of what came of each item was asked for, and ${show(answer)} came.`, {
      status: 200,
      answer: beginOf(answer),
    })
  return answer.map((one) => {
    const status = (one as RemoteRecord | null)?.['status']
    if (typeof status !== 'number' || status < 400) return one
    return new AnswerError(`refused: ${status}`, { status, answer: beginOf(one) })
  })
}

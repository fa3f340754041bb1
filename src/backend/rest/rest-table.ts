// A REST collection as a remote table: `restTable({ url })`. Knows addresses, headers and pages; no rows and no outbox.
import { MerrowError, show } from '../../errors.ts'
import type { Json } from '../../schema/index.ts'
import { classify } from '../push/failure.ts'
import type {
  Call,
  Fields,
  Mapping,
  PulledPage,
  RemoteAnswer,
  RemoteId,
  RemoteRecord,
  RemoteTable,
} from '../remote-table.ts'
import { type RestBulk, restBulk } from './bulk.ts'
import { assertWhole, nextPage } from './next-page.ts'
import { readAnswer } from './read.ts'

/** One request for a page of changes. */
export interface PageRequest {
  /** The collection's address. */
  readonly url: string
  /** Where to go on; undefined at the first pull and after the backend refused a cursor. */
  readonly cursor: Json | undefined
  readonly call: Call
}

/** How a collection lists what changed. */
export type ListChanges =
  /**
   * Everything, each time; with an `ETag`, if the backend gives one, so that nothing new costs little. Pages are followed by a `Link` header, `next`
   * or `links.next`; a list that says it is not whole (`total`, `count`, `has_more`) is reported, and nothing deleted for it.
   */
  | { readonly kind: 'all'; readonly records?: (answer: Json) => readonly unknown[] }
  /** What changed since a time by the backend's own clock, asked for again with some overlap. */
  | {
      readonly kind: 'updatedAt'
      readonly param: string
      /** How far back each pull reaches, in milliseconds; 5,000. Changes that were committed late are found so. */
      readonly overlapMs?: number
      /** Makes the parameter's value of the time; ISO by default. */
      readonly format?: (timeMs: number) => string
      readonly query?: Readonly<Record<string, string>>
      readonly records?: (answer: Json) => readonly unknown[]
      /** Most records of a page, and the parameters that ask for one. */
      readonly page?: { readonly limit: number; readonly limitParam: string; readonly offsetParam: string }
    }
  /** What comes after a cursor that the backend gives. */
  | {
      readonly kind: 'cursor'
      readonly param: string
      readonly query?: Readonly<Record<string, string>>
      readonly read: (answer: Json) => {
        readonly records: readonly unknown[]
        readonly deleted?: readonly RemoteId[]
        readonly cursor: Json | undefined
        readonly more: boolean
      }
    }
  | ((request: PageRequest) => Promise<PulledPage>)

/** What `restTable` takes. */
export interface RestTableOptions extends Mapping {
  /** Kinds of operations that the service takes several of in one request; each goes alone if left out. */
  readonly bulk?: RestBulk
  /** The collection's address; `{column}` stands for a column of the row, references as remote ids. */
  readonly url: string
  /** The address of one record; `<url>/<id>`. */
  readonly recordUrl?: (url: string, id: RemoteId) => string
  /** How changes are sent; `PATCH` with the changed fields alone. */
  readonly updateMethod?: 'PATCH' | 'PUT'
  /** Headers of every request. */
  readonly headers?: Readonly<Record<string, string>>
  /** Takes the record out of an answer; the answer itself. */
  readonly record?: (answer: Json, headers?: Headers) => unknown
  /** Makes the body of a record's fields; the fields themselves. */
  readonly body?: (data: RemoteRecord, id: RemoteId | undefined) => Json
  /** The value of `If-Match` for a version; `"<version>"`. Sent where `versionField` is given; false for never. */
  readonly ifMatch?: ((version: RemoteId) => string) | false
  /** Finds the record that an insert may have made before: query parameters by which it is known. For backends that ignore the `Idempotency-Key`. */
  readonly naturalKey?: (data: RemoteRecord) => Readonly<Record<string, string>>
  /** How the backend lists changes; push only if left out. */
  readonly listChanges?: ListChanges
}

/**
 * A REST collection for `connectBackend`.
 *
 * `POST url`, `PATCH url/id`, `DELETE url/id`, each with the operation's id as `Idempotency-Key`.
 *
 * @throws {@link MerrowError} `invalid_argument` if the address is none.
 *
 * @example
 * restTable({ url: 'https://api.example.com/tasks', fields: { projectId: 'project_id' }, listChanges: { kind: 'all' } })
 */
export const restTable = (options: RestTableOptions): RemoteTable => {
  if (typeof options.url !== 'string' || !/^https?:\/\//.test(options.url))
    throw new MerrowError(
      'invalid_argument',
      `restTable({ url: ${show(options.url)} }): give an address that begins with http:// or https://.`,
    )
  const {
    updateMethod = 'PATCH',
    headers = {},
    record = (answer: Json) => answer,
    body = (data: RemoteRecord) => data,
  } = options
  const read = ({ json, headers: given }: RemoteAnswer): unknown =>
    json === undefined ? undefined : readAnswer(json, (answer) => record(answer, given))
  const urlOf = (id: RemoteId, call: Call): string => {
    const url = filled(options.url, call.fields)
    return options.recordUrl?.(url, id) ?? `${url}/${encodeURIComponent(id)}`
  }
  const guard = (call: Call): Record<string, string> => {
    if (call.version === undefined || options.ifMatch === false) return {}
    return { 'if-match': options.ifMatch?.(call.version) ?? `"${call.version}"` }
  }
  const sent = (call: Call): Record<string, string> => ({ ...headers, 'idempotency-key': call.key })
  const { listChanges: list, bulk, ...mapping } = options
  const hasLookup = options.naturalKey !== undefined
  const collection = { url: options.url, idField: options.idField ?? 'id', headers, hasLookup, body, record }
  return {
    ...mapping,
    ...(bulk === undefined ? {} : { bulk: restBulk(bulk, collection) }),
    create: async (data, call) =>
      read(
        await call.request({
          method: 'POST',
          url: filled(options.url, call.fields),
          body: body(data, undefined),
          headers: sent(call),
        }),
      ),
    update: async (id, data, call) =>
      read(
        await call.request({
          method: updateMethod,
          url: urlOf(id, call),
          body: body(data, id),
          headers: { ...sent(call), ...guard(call) },
        }),
      ),
    remove: async (id, call) => {
      await call.request({ method: 'DELETE', url: urlOf(id, call), headers: { ...sent(call), ...guard(call) } })
    },
    get: async (id, call) => {
      try {
        return read(await call.request({ method: 'GET', url: urlOf(id, call), headers }))
      } catch (error) {
        if (classify(error) === 'gone') return undefined
        throw error
      }
    },
    ...(options.naturalKey === undefined ? {} : { lookup: lookupBy(options, options.naturalKey) }),
    ...(list === undefined ? {} : { pull: (cursor, call) => pullBy(options, list, cursor, call) }),
  }
}

const lookupBy =
  (
    { url, headers = {}, record = (answer: Json) => answer }: RestTableOptions,
    naturalKey: NonNullable<RestTableOptions['naturalKey']>,
  ) =>
  async (data: RemoteRecord, call: Call): Promise<unknown> => {
    const { json } = await call.request({
      method: 'GET',
      url: withQuery(filled(url, call.fields), naturalKey(data)),
      headers,
    })
    const [first] = readAnswer(json, recordsOf)
    return first === undefined ? undefined : readAnswer(first, record)
  }

const pullBy = (
  options: RestTableOptions,
  list: ListChanges,
  cursor: Json | undefined,
  call: Call,
): Promise<PulledPage> => {
  if (typeof list === 'function') return list({ url: options.url, cursor, call })
  switch (list.kind) {
    case 'all':
      return pullAll(options, list, cursor, call)
    case 'updatedAt':
      return pullSince(options, list, cursor, call)
    case 'cursor':
      return pullAfter(options, list, cursor, call)
  }
}

const pullAll = async (
  { url, headers = {} }: RestTableOptions,
  { records = recordsOf }: Extract<ListChanges, { kind: 'all' }>,
  cursor: Json | undefined,
  call: Call,
): Promise<PulledPage> => {
  if (typeof cursor === 'object' && cursor !== null)
    return pullNext(cursor as unknown as ListCursor, headers, records, call)
  const known: Record<string, string> = typeof cursor === 'string' ? { 'if-none-match': cursor } : {}
  const answer = await call.request({ method: 'GET', url, headers: { ...headers, ...known }, accept: [304] })
  if (answer.status === 304) return { records: [], cursor, more: false }
  const found = readAnswer(answer.json, records)
  const next = nextPage(answer, url)
  if (next !== undefined) return { records: found, cursor: { next, count: found.length }, more: true }
  assertWhole(answer.json, found.length)
  return { records: found, cursor: answer.headers.get('etag') ?? undefined, more: false, isComplete: true }
}

/** Where a list of several pages goes on, and how many records it had until there. */
interface ListCursor {
  readonly next: string
  readonly count: number
}

/** It is complete if it was begun in this pull: one that went on where an earlier one ended would not list what came before. */
const pullNext = async (
  { next: url, count: before }: ListCursor,
  headers: Readonly<Record<string, string>>,
  records: (answer: Json) => readonly unknown[],
  call: Call,
): Promise<PulledPage> => {
  const answer = await call.request({ method: 'GET', url, headers })
  const found = readAnswer(answer.json, records)
  const next = nextPage(answer, url)
  const count = before + found.length
  if (next !== undefined) return { records: found, cursor: { next, count }, more: true }
  assertWhole(answer.json, count)
  return { records: found, cursor: undefined, more: false }
}

/** The cursor of a pull by time: the latest time seen, and how many records of this round are read. */
interface TimeCursor {
  readonly sinceMs: number | null
  readonly latestMs: number | null
  readonly offset: number
}

const pullSince = async (
  { url, headers = {}, updatedAtField }: RestTableOptions,
  list: Extract<ListChanges, { kind: 'updatedAt' }>,
  cursor: Json | undefined,
  call: Call,
): Promise<PulledPage> => {
  const {
    param,
    overlapMs = 5000,
    format = (ms) => new Date(ms).toISOString(),
    query = {},
    records = recordsOf,
    page,
  } = list
  const { sinceMs, latestMs, offset } = (cursor ?? {
    sinceMs: null,
    latestMs: null,
    offset: 0,
  }) as unknown as TimeCursor
  const since: Record<string, string> = sinceMs === null ? {} : { [param]: format(sinceMs - overlapMs) }
  const range: Record<string, string> =
    page === undefined ? {} : { [page.limitParam]: String(page.limit), [page.offsetParam]: String(offset) }
  const { json } = await call.request({ method: 'GET', url: withQuery(url, { ...query, ...since, ...range }), headers })
  const found = readAnswer(json, records)
  const times = found.map((one) => Date.parse(String((one as RemoteRecord)?.[updatedAtField ?? 'updatedAt'])))
  const latest = Math.max(latestMs ?? 0, ...times.filter((ms) => !Number.isNaN(ms)))
  const more = page !== undefined && found.length >= page.limit
  const next: TimeCursor = more
    ? { sinceMs, latestMs: latest, offset: offset + found.length }
    : { sinceMs: latest === 0 ? sinceMs : latest, latestMs: null, offset: 0 }
  return { records: found, cursor: next as unknown as Json, more }
}

const pullAfter = async (
  { url, headers = {} }: RestTableOptions,
  { param, query = {}, read }: Extract<ListChanges, { kind: 'cursor' }>,
  cursor: Json | undefined,
  call: Call,
): Promise<PulledPage> => {
  const after: Record<string, string> = cursor === undefined ? {} : { [param]: String(cursor) }
  const { json } = await call.request({ method: 'GET', url: withQuery(url, { ...query, ...after }), headers })
  return readAnswer(json, read)
}

/** The records of an answer: the answer, or its first list. */
const recordsOf = (answer: Json): readonly unknown[] => {
  if (Array.isArray(answer)) return answer
  const lists = typeof answer === 'object' && answer !== null ? Object.values(answer).filter(Array.isArray) : []
  if (lists[0] !== undefined) return lists[0]
  throw new MerrowError(
    'invalid_value',
    `A list of records was asked for, and ${show(answer)} came. Give listChanges.records to find it.`,
  )
}

const filled = (url: string, fields: Fields): string =>
  url.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(fields[name] ?? '')))

/** An address with more query parameters. */
export const withQuery = (url: string, query: Readonly<Record<string, string>>): string => {
  const text = new URLSearchParams(query).toString()
  return text === '' ? url : `${url}${url.includes('?') ? '&' : '?'}${text}`
}

// Presets: collections of common kinds of backend, as options of restTable. Knows their manners; sends nothing itself.
import type { Json } from '../../schema/index.ts'
import type { BulkItem, Call, Mapping, RemoteId, RemoteRecord, RemoteTable } from '../remote-table.ts'
import type { RestBulk } from './bulk.ts'
import { readAnswer } from './read.ts'
import { type RestTableOptions, restTable, withQuery } from './rest-table.ts'

type Object = { readonly [key: string]: Json }

/**
 * A collection of npm `json-server`: plain records, listed whole.
 *
 * It heeds no `Idempotency-Key`: give `localIdField`, by which an insert whose answer was lost is found again.
 *
 * @example
 * jsonServerTable({ url: 'http://localhost:3000/tasks', localIdField: 'clientId' })
 */
export const jsonServerTable = (options: RestTableOptions): RemoteTable => {
  const { localIdField } = options
  const naturalKey = (data: RemoteRecord) => ({ [localIdField ?? '']: String(data[localIdField ?? '']) })
  return restTable({
    listChanges: { kind: 'all' },
    ifMatch: false,
    ...(localIdField === undefined ? {} : { naturalKey }),
    ...options,
  })
}

/** What {@link postgrestTable} takes beside what `restTable` does. */
export interface PostgrestOptions extends RestTableOptions {
  /** Column by which changes are listed, kept up to date by a trigger; all rows are listed each time if left out. */
  readonly updatedAtField?: string
}

/**
 * A table behind PostgREST, or Supabase's REST API.
 *
 * Records are found by `?id=eq.<id>`. With `localIdField` and a unique constraint on it an insert never doubles, and inserts go out as
 * lists of up to 500; deletes go by 100. `bulk: {}` has each go alone.
 *
 * @example
 * postgrestTable({ url: 'https://x.supabase.co/rest/v1/tasks', headers: { apikey }, localIdField: 'client_id', updatedAtField: 'updated_at' })
 */
export const postgrestTable = (options: PostgrestOptions): RemoteTable => {
  const { idField = 'id', updatedAtField, localIdField, headers = {} } = options
  const naturalKey = (data: RemoteRecord) => ({ [localIdField ?? '']: `eq.${data[localIdField ?? '']}` })
  const idsOf = (items: readonly BulkItem[]) => ({ [idField]: `in.(${items.map(({ id }) => quoted(id)).join(',')})` })
  const bulk: RestBulk = {
    // Only where one that was made before is found again.
    ...(localIdField === undefined ? {} : { create: { maxItems: 500 } }),
    remove: {
      maxItems: 100,
      request: (items) => ({ url: withQuery(options.url, idsOf(items)), body: null }),
      // What it does not name was gone before.
      read: (_, items) => items.map(() => undefined),
    },
  }
  const first = (answer: Json): unknown => (Array.isArray(answer) ? answer[0] : answer)
  const base = restTable({
    recordUrl: (url, id) => withQuery(url, { [idField]: `eq.${id}` }),
    ifMatch: false,
    bulk,
    record: first,
    listChanges:
      updatedAtField === undefined
        ? { kind: 'all' }
        : {
            kind: 'updatedAt',
            param: updatedAtField,
            format: (ms) => `gte.${new Date(ms).toISOString()}`,
            query: { order: `${updatedAtField}.asc` },
            page: { limit: 1000, limitParam: 'limit', offsetParam: 'offset' },
          },
    ...(localIdField === undefined ? {} : { naturalKey }),
    ...options,
    headers: { ...headers, prefer: 'return=representation' },
  })
  // An update of no row is answered with an empty list, not with 404.
  const update = async (id: RemoteId, data: RemoteRecord, call: Call): Promise<unknown> => {
    const answer = await base.update?.(id, data, call)
    if (answer === undefined) throw Object.assign(new Error(`There is no record ${id}.`), { status: 404 })
    return answer
  }
  return { ...base, update }
}

/** An id as PostgREST takes it in a list. */
const quoted = (id: RemoteId | undefined): string =>
  typeof id === 'number' ? String(id) : `"${String(id).replace(/["\\]/g, (mark) => `\\${mark}`)}"`

/** Operations of a GraphQL API, each a query with what to take from its `data`. */
export interface GraphqlOptions extends Mapping {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly create: GraphqlOperation
  readonly update?: GraphqlOperation
  readonly remove?: GraphqlOperation
  /** Lists all records. */
  readonly list?: GraphqlOperation
}

/** One query: its text, its variables made of id and data, and where its result is. */
export interface GraphqlOperation {
  readonly query: string
  readonly variables?: (input: { readonly id?: RemoteId; readonly data?: RemoteRecord; readonly key: string }) => Json
  readonly result: (data: Object) => Json | undefined
}

/** A collection behind a GraphQL API. What comes in `errors` is thrown; `extensions.status` tells its class, 422 without. */
export const graphqlTable = ({
  url,
  headers = {},
  create,
  update,
  remove,
  list,
  ...mapping
}: GraphqlOptions): RemoteTable => {
  const run = async (
    { query, variables, result }: GraphqlOperation,
    call: Call,
    input: { readonly id?: RemoteId; readonly data?: RemoteRecord },
  ): Promise<unknown> => {
    const body = { query, variables: variables?.({ ...input, key: call.key }) ?? {} }
    const { json } = await call.request({
      method: 'POST',
      url,
      body,
      headers: { ...headers, 'idempotency-key': call.key },
    })
    const { data, errors } = (json ?? {}) as {
      data?: Object
      errors?: { message: string; extensions?: { status?: number } }[]
    }
    const [error] = errors ?? []
    if (error !== undefined) throw Object.assign(new Error(error.message), { status: error.extensions?.status ?? 422 })
    return readAnswer(data ?? {}, (answer) => result(answer as Object))
  }
  return {
    ...mapping,
    create: (data, call) => run(create, call, { data }),
    ...(update === undefined ? {} : { update: (id, data, call) => run(update, call, { id, data }) }),
    ...(remove === undefined ? {} : { remove: (id, call) => run(remove, call, { id }) }),
    ...(list === undefined
      ? {}
      : {
          pull: async (_cursor, call) => {
            const records = await run(list, call, {})
            return { records: records as unknown[], cursor: undefined, more: false, isComplete: true }
          },
        }),
  }
}

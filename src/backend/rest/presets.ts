// Presets: collections of common kinds of backend, as options of restTable. Knows their manners; sends nothing itself.
import type { Json } from '../../schema/index.ts'
import type { Call, Mapping, RemoteId, RemoteRecord, RemoteTable } from '../remote-table.ts'
import { readAnswer } from './read.ts'
import { type RestTableOptions, restTable } from './rest-table.ts'

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

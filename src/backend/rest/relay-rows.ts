// The preset for the rows of a relay's own databases, `/v1/db/<db>/<table>`. Knows its manners; sends nothing itself.
import type { Json } from '../../schema/index.ts'
import type { Call, RemoteId, RemoteRecord, RemoteTable } from '../remote-table.ts'
import { type RestTableOptions, restTable } from './rest-table.ts'

/** What {@link relayRowsTable} takes: `url` is the table's address, `https://relay.example.com/v1/db/<db>/<table>`. */
export type RelayRowsOptions = Omit<RestTableOptions, 'idField' | 'localIdField' | 'versionField' | 'deletedField'>

/** Where a row's `ETag` stands: in lists among its fields, in the answer about one row in the header. */
const ETAG = 'etag'

/**
 * A table of another database, by the rows API of its relay.
 *
 * Rows keep their ids. What was deleted is restored there, not made again; versions are `ETag`s.
 *
 * @example
 * relayRowsTable({ url: 'https://relay.example.com/v1/db/acme/tasks' })
 */
export const relayRowsTable = (options: RelayRowsOptions): RemoteTable => {
  const { url, headers = {} } = options
  const read = (answer: Json, given: Headers | undefined): RemoteRecord => {
    const etag = given?.get('etag')
    return { ...(answer as RemoteRecord), ...(etag === null || etag === undefined ? {} : { [ETAG]: etag }) }
  }
  const base = restTable({
    updatedAtField: 'updatedAt',
    listChanges: {
      kind: 'cursor',
      param: 'since',
      read: (answer) => {
        const { rows, cursor, more } = answer as { rows: RemoteRecord[]; cursor: string; more: boolean }
        return { records: rows, cursor, more }
      },
    },
    ...options,
    idField: 'id',
    localIdField: 'id',
    versionField: ETAG,
    deletedField: 'deletedAt',
    ifMatch: String,
    record: read,
  })
  const restore = async (id: RemoteId, data: RemoteRecord, call: Call): Promise<unknown> => {
    const { id: _, ...fields } = data
    const sent = { ...headers, 'idempotency-key': call.key }
    const address = `${url}/${encodeURIComponent(id)}/restore`
    const { json, headers: given } = await call.request({ method: 'POST', url: address, body: fields, headers: sent })
    return json === undefined ? undefined : read(json as Json, given)
  }
  return { ...base, restore }
}

// Replay: makes again in an empty backend what traces say was done. Knows traces and collections; no outbox.
import { MerrowError, show } from '../errors.ts'
import { type Json, type Schema, toStored } from '../schema/index.ts'
import { Codec } from './codec.ts'
import { IdMap } from './identity/ids.ts'
import type { KeyedLog } from './keyed-log.ts'
import type { Call, RemoteId, RemoteRequest, RemoteTable } from './remote-table.ts'
import { Client, type TokenSource } from './rest/client.ts'
import type { TraceEntry } from './trace.ts'

/** What a replay takes beside traces and tables. */
export interface ReplayOptions {
  readonly fetch?: typeof globalThis.fetch
  readonly token?: TokenSource
}

/**
 * Does again, in order and one by one, the operations that were done, in a backend that knows nothing yet. References go to the
 * records that the replay has made.
 *
 * @param traces - What `backend.trace()` gave, as JSON or as it was.
 * @returns Row -> the id of its record there, by `table/id`.
 * @throws {@link MerrowError} `invalid_argument` for a trace of a table that is not given; what a collection's functions throw.
 */
export const replayTraces = async <S extends Schema>(
  schema: S,
  traces: readonly TraceEntry[],
  tables: { readonly [N in keyof S['tables']]?: RemoteTable },
  { fetch = globalThis.fetch, token }: ReplayOptions = {},
): Promise<ReadonlyMap<string, RemoteId>> => {
  const made = new Map<string, RemoteId>()
  const ids = new IdMap('replay', emptyLog(), () => {})
  const client = new Client({ fetch, token, maxAnswerBytes: 2 ** 24, now: Date.now, onClock: () => {} })
  for (const { id: key, table, row, kind, fields, outcome } of [...traces].sort((a, b) => a.order - b.order)) {
    if (outcome !== 'done') continue
    const remote = tables[table]
    const tableSchema = schema.tables[table]
    if (remote === undefined || tableSchema === undefined)
      throw new MerrowError('invalid_argument', `A trace is of table ${show(table)}, for which no collection is given.`)
    const codec = new Codec(table, tableSchema, remote, ids)
    const { data, fields: encoded } = codec.encode(row, toStored(fields) as typeof fields)
    const { signal } = new AbortController()
    const request = (what: RemoteRequest) => client.send(what, signal)
    const call: Call = { key, version: undefined, fields: encoded, signal, request }
    const known = ids.live(table, row).at(-1)
    if (kind === 'delete') {
      if (known !== undefined) await remote.remove?.(known, call)
      if (known !== undefined) ids.markGone(table, known)
    } else if (known !== undefined) await remote.update?.(known, data, call)
    else {
      const read = codec.decode(await remote.create(data, call))
      if ('reason' in read) throw new MerrowError('invalid_value', `The backend answered ${show(key)}: ${read.reason}`)
      ids.link(table, row, read.id)
      made.set(`${table}/${row}`, read.id)
    }
  }
  return made
}

/** A log that keeps nothing. */
const emptyLog = (): KeyedLog =>
  ({
    entries: () => new Map<string, Json>().entries(),
    get: () => undefined,
    put: () => {},
    delete: () => {},
    commit: () => {},
    reload: () => {},
  }) as unknown as KeyedLog

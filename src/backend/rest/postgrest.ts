// The preset for PostgREST and Supabase, as options of restTable. Knows their addresses and lists; sends nothing itself.
import type { Json } from '../../schema/index.ts'
import { NonsenseError } from '../push/failure.ts'
import type { BulkItem, Call, PulledPage, RemoteId, RemoteRecord, RemoteTable } from '../remote-table.ts'
import type { RestBulk } from './bulk.ts'
import { beginOf } from './read.ts'
import { type PageRequest, type RestTableOptions, restTable, withQuery } from './rest-table.ts'

/** What {@link postgrestTable} takes beside what `restTable` does. */
export interface PostgrestOptions extends RestTableOptions {
  /** Column by which changes are listed, kept up to date by a trigger; all rows are listed each time, 1,000 at a time, if left out. */
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
  const { idField = 'id', localIdField, headers = {} } = options
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
    listChanges: (request) => pullRows(request, options),
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

/** Rows of a page: as many as Supabase gives at most. */
const MAX_ROWS = 1000
/** How far back each pull by time reaches: changes that were committed late are found so. */
const OVERLAP_MS = 5000

/** Where a pull is. All rows are listed by key; what changed since by time and key, so that no page misses what comes, goes and moves meanwhile. */
interface Place {
  /** The last row of the page before, and its time as the service wrote it; none at the beginning. */
  readonly after?: { readonly id: RemoteId; readonly time?: string }
  /** From when on changes are listed; all rows if left out. */
  readonly sinceMs?: number
  /** The latest time seen. */
  readonly latestMs: number
}

/** Goes on until no more rows come: a service may give fewer than it was asked for (`max-rows`). */
const pullRows = async ({ url, cursor, call }: PageRequest, options: PostgrestOptions): Promise<PulledPage> => {
  const { idField = 'id', updatedAtField, headers = {} } = options
  const place = (cursor ?? { latestMs: 0 }) as unknown as Place
  const query = { ...queryOf(place, idField, updatedAtField), limit: String(MAX_ROWS) }
  const { json } = await call.request({ method: 'GET', url: withQuery(url, query), headers })
  if (!Array.isArray(json))
    throw new NonsenseError('A list of rows was asked for, and none came.', { status: 200, answer: beginOf(json) })
  const records = json as readonly RemoteRecord[]
  const timeOf = (record: RemoteRecord | undefined) => String(record?.[updatedAtField ?? ''])
  const times = records.map((one) => Date.parse(timeOf(one))).filter((ms) => !Number.isNaN(ms))
  const latestMs = times.reduce((a, b) => Math.max(a, b), place.latestMs)
  const last = records.at(-1)
  const id = last?.[idField]
  const isLast = typeof id !== 'number' && typeof id !== 'string'
  const rested = updatedAtField === undefined || latestMs === 0 ? undefined : { sinceMs: latestMs, latestMs }
  const after = { id, ...(place.sinceMs === undefined ? {} : { time: timeOf(last) }) }
  return { records, cursor: (isLast ? rested : { ...place, latestMs, after }) as Json | undefined, more: !isLast }
}

const queryOf = ({ after, sinceMs }: Place, idField: string, updatedAtField = ''): Readonly<Record<string, string>> => {
  if (sinceMs === undefined)
    return { order: `${idField}.asc`, ...(after === undefined ? {} : { [idField]: `gt.${after.id}` }) }
  const order = `${updatedAtField}.asc,${idField}.asc`
  if (after?.time === undefined)
    return { order, [updatedAtField]: `gte.${new Date(sinceMs - OVERLAP_MS).toISOString()}` }
  const [time, id] = [quoted(after.time), quoted(after.id)]
  return { order, or: `(${updatedAtField}.gt.${time},and(${updatedAtField}.eq.${time},${idField}.gt.${id}))` }
}

/** An id as PostgREST takes it in a list. */
const quoted = (id: RemoteId | undefined): string =>
  typeof id === 'number' ? String(id) : `"${String(id).replace(/["\\]/g, (mark) => `\\${mark}`)}"`

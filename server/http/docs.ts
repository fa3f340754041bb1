// Documents over HTTP: a state as one update, whole or in part, and its deletion. Knows snapshots, no frames.
import { Readable } from 'node:stream'
import { type Context, Hono } from 'hono'
import { MerrowError } from '../../src/errors.ts'
import type { Log, StoredSnapshot } from '../log/port.ts'
import type { Hub } from '../room/hub.ts'
import type { EncodedStates, Encoding, Sendable } from './encoded-states.ts'

/** What the routes work on. */
export interface DocsOptions {
  readonly hub: Hub
  readonly log: Log
  readonly encoded: EncodedStates
}

/** Smaller states are sent as they are. */
const MIN_ENCODED_BYTES = 1024

/**
 * Routes, below `/v1`:
 *
 * - `GET, HEAD /docs/<doc>`: its state as one update (v1), with `ETag`, `Range`, and compressed if the client takes that.
 *   `?snapshot` takes the last snapshot as it is, without what came later; `?at=<n>` a former one;
 *   `?raw=gzip` a gzip file, of which `fetch` can resume a part.
 * - `DELETE /docs/<doc>`: deletes it for good.
 * - `GET /history/<doc>`: the snapshots that are kept, as JSON. `POST /history/<doc>?restore=<n>`: back to one of
 *   them; with `&as=<name>` it becomes a new document instead.
 */
export const createDocs = ({ hub, log, encoded }: DocsOptions): Hono => {
  const app = new Hono()
  app.get('/docs/*', async (c) => {
    const document = documentOf(c, hub)
    const snapshot = await find(c, document)
    if (snapshot === undefined) return c.text(`There is no document "${document}".`, 404)
    return sendState(c, document, snapshot)
  })
  app.delete('/docs/*', async (c) => {
    const document = documentOf(c, hub)
    return (await hub.remove(document)) ? c.body(null, 204) : c.text(`There is no document "${document}".`, 404)
  })
  app.get('/history/*', async (c) => c.json({ snapshots: await log.snapshots(documentOf(c, hub)) }))
  app.post('/history/*', async (c) => {
    const into = c.req.query('as')
    if (into !== undefined && !hub.isName(into)) throw noName(into)
    await hub.restore(documentOf(c, hub), numberIn(c, 'restore'), into)
    return c.json({ restored: true })
  })
  app.onError((error, c) => {
    if (!(error instanceof MerrowError)) throw error
    return c.text(error.message, STATUS[error.code] ?? 500)
  })

  const find = (c: Context, document: string): Promise<StoredSnapshot | undefined> => {
    if (c.req.query('at') !== undefined) return log.readSnapshot(document, numberIn(c, 'at'))
    return c.req.query('snapshot') === undefined ? hub.keeper.current(document) : lastOf(document)
  }

  /** The last snapshot; made now if there is none. */
  const lastOf = async (document: string): Promise<StoredSnapshot | undefined> =>
    (await log.read(document)).snapshot ?? hub.keeper.current(document)

  const sendState = async (c: Context, document: string, snapshot: StoredSnapshot): Promise<Response> => {
    const isRaw = c.req.query('raw') === 'gzip'
    const accepted = snapshot.bytes < MIN_ENCODED_BYTES ? undefined : encodingFor(c.req.header('accept-encoding'))
    const encoding = isRaw ? 'gzip' : accepted
    const etag = `"${snapshot.upTo}-${snapshot.takenAt}${encoding === undefined ? '' : `-${encoding}`}${isRaw ? '-raw' : ''}"`
    const headers = {
      etag,
      vary: 'accept-encoding',
      'accept-ranges': 'bytes',
      'cache-control': 'private, no-cache',
      'content-type': 'application/octet-stream',
      'merrow-sequence': String(snapshot.upTo),
      ...(encoding === undefined || isRaw ? {} : { 'content-encoding': encoding }),
    }
    if (c.req.header('if-none-match')?.includes(etag)) return c.body(null, 304, headers)
    const body: Sendable = encoding === undefined ? snapshot : await encoded.get(document, snapshot, encoding)
    const isSame = (c.req.header('if-range') ?? etag) === etag
    return send(c, body, headers, isSame ? rangeIn(c.req.header('range'), body.bytes) : undefined)
  }
  return app
}

const STATUS: Readonly<Partial<Record<MerrowError['code'], 400 | 404 | 409 | 410 | 503 | 507>>> = {
  invalid_argument: 400,
  unsupported: 409,
  document_deleted: 410,
  storage_full: 507,
}

/** First and last byte; `none` if the client asks for what is not there. */
type Range = readonly [start: number, end: number] | 'none'

const send = (c: Context, body: Sendable, headers: Record<string, string>, range: Range | undefined): Response => {
  if (range === 'none') return c.body(null, 416, { 'content-range': `bytes */${body.bytes}` })
  const [start, end] = range ?? [0, body.bytes]
  const length = { 'content-length': String(end - start) }
  const part = range === undefined ? {} : { 'content-range': `bytes ${start}-${end - 1}/${body.bytes}` }
  const status = range === undefined ? 200 : 206
  if (c.req.method === 'HEAD') return c.body(null, status, { ...headers, ...length, ...part })
  const stream = Readable.toWeb(Readable.from(body.stream(start, end))) as ReadableStream
  return c.body(stream, status, { ...headers, ...length, ...part })
}

/** Reads `bytes=5-`, `bytes=5-9` or `bytes=-5`; anything else asks for all. */
const rangeIn = (header: string | undefined, bytes: number): Range | undefined => {
  const [, first = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(header ?? '') ?? []
  if (first === '' && last === '') return undefined
  const start = first === '' ? Math.max(0, bytes - Number(last)) : Number(first)
  const end = first === '' || last === '' ? bytes : Math.min(bytes, Number(last) + 1)
  return start < end ? [start, end] : 'none'
}

const encodingFor = (accepted = ''): Encoding | undefined => {
  const names = accepted.split(',').flatMap((part) => {
    const [name = '', ...parameters] = part.trim().split(/\s*;\s*/)
    return parameters.some((parameter) => /^q=0(\.0*)?$/.test(parameter)) ? [] : [name.toLowerCase()]
  })
  return (['br', 'gzip'] as const).find((name) => names.includes(name))
}

const documentOf = (c: Context, hub: Hub): string => {
  const text = new URL(c.req.url).pathname.replace(/^.*?\/v1\/(docs|history)\//, '')
  try {
    const document = decodeURIComponent(text)
    if (hub.isName(document)) return document
  } catch {
    // Not what encodeURIComponent writes: told like any other wrong name.
  }
  throw noName(text)
}

const noName = (text: string): MerrowError =>
  new MerrowError('invalid_argument', `${JSON.stringify(text)} is not a document name.`)

const numberIn = (c: Context, name: string): number => {
  const number = Number(c.req.query(name))
  if (Number.isInteger(number) && number > 0) return number
  throw new MerrowError('invalid_argument', `?${name} takes the number of a snapshot, as /v1/history/<doc> lists them.`)
}

// Documents over HTTP, from a relay of its own.
import { brotliDecompressSync, gunzipSync } from 'node:zlib'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { column as c, createDatabase, defineSchema, table } from '../../src/index.ts'
import { relay } from '../../src/sync/index.ts'
import { openMemoryLog } from '../log/memory.ts'
import type { RelayOptions } from '../relay.ts'
import { startRelay } from '../testing/relay.ts'
import { JWT, tokenFor } from '../testing/tokens.ts'
import { waitUntil } from '../testing/wait.ts'

const TOKEN = 'a-token-of-many-characters'

/** A relay with one document of some kilobytes. */
const setup = async (options: Pick<RelayOptions, 'token' | 'jwt'> = {}) => {
  const log = openMemoryLog()
  const doc = new Y.Doc()
  doc.getText('t').insert(0, 'merrow '.repeat(3000))
  await log.append('acme/notes', [Y.encodeStateAsUpdate(doc)])
  const { url } = await startRelay({ log, ...options })
  const get = (init: RequestInit & { readonly query?: string } = {}) =>
    fetch(`${url}/v1/docs/acme/notes${init.query ?? ''}`, {
      ...init,
      headers: { 'accept-encoding': 'identity', ...init.headers },
    })
  const grow = async () => {
    const before = Y.encodeStateVector(doc)
    doc.getText('t').insert(0, 'new ')
    await log.append('acme/notes', [Y.encodeStateAsUpdate(doc, before)])
  }
  return { log, doc, url, get, grow }
}

const textIn = (bytes: Uint8Array): string => {
  const doc = new Y.Doc()
  Y.applyUpdate(doc, bytes)
  return doc.getText('t').toString()
}
const bytesOf = async (response: Response) => new Uint8Array(await response.arrayBuffer())

it('[O5] GET brings the whole state as one update, HEAD its size, and an ETag spares the rest', async () => {
  const { get, doc, grow } = await setup()
  const response = await get()
  const bytes = await bytesOf(response)
  expect([response.status, textIn(bytes)]).toEqual([200, doc.getText('t').toString()])
  const etag = response.headers.get('etag') ?? ''
  const head = await get({ method: 'HEAD' })
  expect([head.headers.get('content-length'), head.headers.get('etag')]).toEqual([String(bytes.length), etag])
  expect((await get({ headers: { 'if-none-match': etag } })).status).toBe(304)
  await grow()
  const again = await get({ headers: { 'if-none-match': etag } })
  expect([again.status, textIn(await bytesOf(again)).slice(0, 4)]).toEqual([200, 'new '])
})

it('[O6] a transfer goes on where it stopped, and starts again if the document has changed', async () => {
  const { get, grow } = await setup()
  const whole = await get()
  const bytes = await bytesOf(whole)
  const etag = whole.headers.get('etag') ?? ''
  const rest = await get({ headers: { range: 'bytes=1000-', 'if-range': etag } })
  expect([rest.status, rest.headers.get('content-range')]).toEqual([
    206,
    `bytes 1000-${bytes.length - 1}/${bytes.length}`,
  ])
  expect(await bytesOf(rest)).toEqual(bytes.subarray(1000))
  expect(await bytesOf(await get({ headers: { range: 'bytes=-5' } }))).toEqual(bytes.subarray(-5))
  expect((await get({ headers: { range: `bytes=${bytes.length}-` } })).status).toBe(416)
  await grow()
  expect((await get({ headers: { range: 'bytes=1000-', 'if-range': etag } })).status).toBe(200)
})

it.each([
  ['gzip', gunzipSync],
  ['br', brotliDecompressSync],
] as const)('[O7] sends %s to who takes it, in parts too', async (encoding, decode) => {
  const { get, doc } = await setup()
  // fetch decodes by itself what it asked for; a range of an encoded body it leaves alone.
  const whole = await get({ headers: { 'accept-encoding': encoding } })
  expect(whole.headers.get('content-encoding')).toBe(encoding)
  expect(textIn(await bytesOf(whole))).toBe(doc.getText('t').toString())
  const part = (range: string) => raw(whole.url, encoding, range)
  const parts = await Promise.all([part('bytes=0-49'), part('bytes=50-')])
  expect(textIn(decode(Buffer.concat(parts)))).toBe(doc.getText('t').toString())
})

/** The bytes of a response as they are on the wire. */
const raw = async (url: string, encoding: string, range: string): Promise<Buffer> => {
  const { get } = await import('node:http')
  const parts: Buffer[] = []
  await new Promise((resolve) =>
    get(url, { headers: { 'accept-encoding': encoding, range } }, (response) =>
      response.on('data', (part) => void parts.push(part)).on('end', resolve),
    ),
  )
  return Buffer.concat(parts)
}

it('[O8] ?snapshot takes the last snapshot as it is, ?at a former one, /v1/history lists them', async () => {
  const { get, grow, url } = await setup()
  const first = Number((await get()).headers.get('merrow-sequence'))
  await grow()
  const textAt = async (query: string) => textIn(await bytesOf(await get({ query }))).slice(0, 4)
  expect(await textAt('?snapshot')).toBe('merr')
  expect(await textAt('')).toBe('new ')
  expect(await textAt(`?at=${first}`)).toBe('merr')
  const { snapshots } = (await (await fetch(`${url}/v1/history/acme/notes`)).json()) as { snapshots: object[] }
  expect(snapshots).toMatchObject([{ upTo: first + 1 }, { upTo: first }])
  expect((await get({ query: '?at=x' })).status).toBe(400)
  expect((await get({ query: '?at=99' })).status).toBe(404)
})

it('[O9] asks for the token, refuses pages of other sites, and knows no other names', async () => {
  const { get, url } = await setup({ token: TOKEN })
  expect((await get()).status).toBe(401)
  expect((await get({ headers: { authorization: `Bearer ${TOKEN}x` } })).status).toBe(401)
  expect((await get({ headers: { authorization: `Bearer ${TOKEN}` } })).status).toBe(200)
  const headers = { authorization: `Bearer ${TOKEN}` }
  expect((await fetch(`${url}/v1/docs/unknown`, { headers })).status).toBe(404)
  expect((await fetch(`${url}/v1/docs/a%20b`, { headers })).status).toBe(400)
  const open = await setup()
  const from = (origin: string) => open.get({ method: 'DELETE', headers: { origin } })
  expect((await from('https://evil.example')).status).toBe(403)
  expect((await from('http://localhost:5173')).status).toBe(204)
  expect((await open.get()).status).toBe(410)
})

it('[O9] restores a snapshot as another document for those alone who may write both', async () => {
  const { url, log } = await setup({ jwt: JWT })
  const owner = { authorization: `Bearer ${await tokenFor('ann', { grants: { 'acme/*': 'write' } })}` }
  await fetch(`${url}/v1/docs/acme/notes`, { headers: owner })
  const { snapshots } = (await (await fetch(`${url}/v1/history/acme/notes`, { headers: owner })).json()) as {
    snapshots: { upTo: number }[]
  }
  const restoreAs = async (name: string) =>
    (
      await fetch(`${url}/v1/history/acme/notes?restore=${snapshots[0]?.upTo}&as=${name}`, {
        method: 'POST',
        headers: owner,
      })
    ).status
  expect([await restoreAs('other/notes'), await restoreAs('acme/copy&as=other/notes')]).toEqual([403, 403])
  expect(await restoreAs('acme/copy')).toBe(200)
  expect(await log.documents()).not.toContain('other/notes')
})

it('[O24] a client fetches a first state over HTTP, goes on where it broke off, and the socket brings the rest', async () => {
  const { url, log } = await setup()
  const schema = defineSchema({ cities: table({ name: c.string() }) })
  const ann = await createDatabase({ name: 'world', schema, sync: relay({ url }) })
  ann.cities.insertMany(Array.from({ length: 3000 }, (_, n) => ({ name: `city ${n} ${Math.sin(n)}` })))
  await ann.acknowledged()
  await fetch(`${url}/v1/docs/world%2Fcities`)
  const last = ann.cities.insert({ name: 'last' })
  await ann.acknowledged()
  const ranges: (string | null)[] = []
  /** Breaks off after the first part, twice. */
  const breaking: typeof fetch = async (input, init) => {
    ranges.push(new Headers(init?.headers).get('range'))
    const response = await fetch(input, init)
    if (ranges.length > 2) return response
    const bytes = new Uint8Array(await response.arrayBuffer()).slice(0, 5000)
    let isSent = false
    const body = new ReadableStream({
      pull(controller) {
        if (isSent) controller.error(new Error('broken off'))
        else controller.enqueue(bytes)
        isSent = true
      },
    })
    return new Response(body, { status: response.status, headers: response.headers })
  }
  const ben = await createDatabase({ name: 'world', schema, sync: relay({ url, firstSync: 'http', fetch: breaking }) })
  await waitUntil('ben has all', () => ben.cities.all().length === 3001 && ben.cities.get(last) !== undefined)
  expect(ranges).toEqual([null, 'bytes=5000-', 'bytes=10000-'])
  expect((await log.read('world/cities')).entries).toHaveLength(1)
  await Promise.all([ann.close(), ben.close()])
  const nobody = await createDatabase({ name: 'nobody', schema, sync: relay({ url, firstSync: 'http' }) })
  nobody.cities.insert({ name: 'first' })
  await nobody.acknowledged()
  await nobody.close()
})

// What an operator sees and does: health, figures, TLS, the admin page, and an orderly end.
import { get as httpsGet } from 'node:https'
import { context, trace } from '@opentelemetry/api'
import { expect, it, onTestFinished } from 'vitest'
import WebSocket from 'ws'
import * as Y from 'yjs'
import { openFileLog } from './log/file-log.ts'
import { openMemoryLog } from './log/memory.ts'
import { createLogger } from './logger.ts'
import { createMetrics } from './metrics.ts'
import { testCertificate } from './testing/certificate.ts'
import { testFolder } from './testing/folder.ts'
import { holdLog } from './testing/logs.ts'
import { startRelay } from './testing/relay.ts'
import { stockClient } from './testing/stock-client.ts'
import { waitUntil } from './testing/wait.ts'

const ADMIN = 'an-admin-token-of-many-characters'
const asAdmin = { headers: { authorization: `Bearer ${ADMIN}` } }

/** A relay with a document that somebody writes to. */
const setup = async (options: Parameters<typeof startRelay>[0] = {}) => {
  const relay = await startRelay({ snapshotAfterUpdates: 5, ...options })
  const ann = stockClient(relay.url, 'acme/notes')
  await waitUntil('ann is synced', () => ann.provider.synced)
  const write = async (text: string, query = '') => {
    ann.text.insert(0, text)
    const { pathname } = new URL(`${relay.url}/v1/docs/acme/notes`)
    for (;;) {
      const response = await fetch(`${relay.url}${pathname}${query}`)
      const doc = new Y.Doc()
      if (response.ok) Y.applyUpdate(doc, new Uint8Array(await response.arrayBuffer()))
      if (doc.getText('t').toString().startsWith(text)) return Number(response.headers.get('merrow-sequence'))
    }
  }
  return { ...relay, ann, write }
}

it('[O11] /metrics counts connections, rooms, appends and their times, and refusals by reason', async () => {
  const { url, write } = await setup({ data: testFolder() })
  await write('one')
  const text = await (await fetch(`${url}/metrics`)).text()
  for (const line of [
    'merrow_connections 1',
    'merrow_rooms 1',
    'merrow_members 1',
    'merrow_appends_total 1',
    'merrow_acknowledgement_seconds_count 1',
    'merrow_backlog_bytes 0',
    'merrow_snapshots_made 1',
  ])
    expect(text).toMatch(new RegExp(`^${line}$`, 'm'))
  expect(text).toMatch(/^merrow_snapshot_age_seconds \d/m)
  expect(Number(/^merrow_fsync_seconds_count (\d+)/m.exec(text)?.[1])).toBeGreaterThan(0)
  expect(text).not.toContain('acme')
  const metrics = createMetrics()
  for (const reason of ['clock', 'clock', 'shape']) metrics.refused(reason)
  expect(await metrics.text()).toContain('merrow_refusals_total{reason="clock"} 2')
})

it('[O12] /readyz says why the relay cannot write, and that it can again', async () => {
  const log = holdLog(openMemoryLog())
  const { url, ann } = await setup({ log })
  const ready = async () => {
    const response = await fetch(`${url}/readyz`)
    return [response.status, ((await response.json()) as { reason?: string }).reason] as const
  }
  expect(await ready()).toEqual([200, undefined])
  log.fail('append', new Error('the disk is full'))
  ann.text.insert(0, 'x')
  while ((await ready())[0] === 200);
  expect(await ready()).toEqual([503, 'the disk is full'])
  log.fail('append', undefined)
  while ((await ready())[0] !== 200);
})

it('[O13] speaks https and wss with a certificate, and refuses one that it cannot use', async () => {
  const { url, port } = await startRelay({ tls: testCertificate })
  expect(url).toBe(`https://127.0.0.1:${port}`)
  const status = await new Promise((resolve) =>
    httpsGet(`${url}/healthz`, { ca: testCertificate.cert }, (response) => resolve(response.resume().statusCode)),
  )
  expect(status).toBe(200)
  const socket = new WebSocket(`wss://127.0.0.1:${port}/yjs/a`, { ca: testCertificate.cert })
  onTestFinished(() => socket.terminate())
  await new Promise((resolve, reject) => socket.on('open', resolve).on('error', reject))
  const refused = startRelay({ tls: { cert: 'no', key: 'no' } })
  await expect(refused).rejects.toMatchObject({ code: 'invalid_config', message: expect.stringContaining('PEM') })
})

it('[O14] an end makes snapshots of what is open and long enough', async () => {
  const data = testFolder()
  const { close, ann, write, url } = await setup({ data, snapshotAfterUpdates: 20 })
  for (const text of ['a', 'b', 'c']) ann.text.insert(0, text)
  // Reads without making a snapshot: there is one already, of what came first.
  const first = await write('d')
  for (const text of ['e', 'f', 'g']) ann.text.insert(0, text)
  const ben = stockClient(url, 'acme/notes')
  await waitUntil('all is durable', () => ben.text.toString() === 'gfedcba')
  await close()
  const log = await openFileLog({ folder: data })
  const { snapshot, entries } = await log.read('acme/notes')
  expect([(snapshot?.upTo ?? 0) > first, entries]).toEqual([true, []])
  await log.close()
})

it('[O15] the admin page asks for its token, lists documents, and restores', async () => {
  const { url, write, ann } = await setup({ adminToken: ADMIN })
  const page = await fetch(`${url}/admin`)
  expect([page.status, page.headers.get('content-security-policy')]).toEqual([200, expect.stringContaining("'self'")])
  expect(await page.text()).not.toMatch(/<script(?![^>]*src=)/)
  for (const path of ['admin-page.js', 'admin.css']) expect((await fetch(`${url}/admin/${path}`)).status).toBe(200)
  for (const path of ['admin/status', 'admin/v1/history/acme%2Fnotes', 'metrics'])
    expect([path, (await fetch(`${url}/${path}`)).status]).toEqual([path, 401])
  expect((await fetch(`${url}/metrics`, asAdmin)).status).toBe(200)
  const first = await write('one')
  await write('two ')
  const status = await (await fetch(`${url}/admin/status?find=acme`, asAdmin)).json()
  expect(status).toMatchObject({ rooms: 1, members: 1, found: 1 })
  expect(status).toMatchObject({ documents: [{ document: 'acme/notes', members: 1, bytes: expect.any(Number) }] })
  const restore = `${url}/admin/v1/history/acme%2Fnotes?restore=${first}`
  expect((await fetch(restore, { method: 'POST', ...asAdmin })).status).toBe(200)
  await waitUntil('ann has what was there', () => ann.text.toString() === 'one')
})

it('[O16] reports are JSON lines without secrets', () => {
  const lines: string[] = []
  const logger = createLogger({ level: 'info', destination: { write: (line) => void lines.push(line) } })
  logger('debug', 'dropped')
  logger('warn', 'said', { document: 'a', token: 'secret', headers: { authorization: 'Bearer secret' } })
  expect(lines).toHaveLength(1)
  expect(JSON.parse(lines[0] ?? '')).toMatchObject({ level: 'warn', message: 'said', document: 'a' })
  expect(lines[0]).not.toContain('secret')
})

it('[O17] gives OpenTelemetry a span for each append, whoever listens', async () => {
  const spans: string[] = []
  const tracer = {
    startSpan: (name: string) => {
      spans.push(name)
      return trace.wrapSpanContext({ traceId: '', spanId: '', traceFlags: 0 })
    },
    startActiveSpan: () => context.active(),
  }
  trace.setGlobalTracerProvider({ getTracer: () => tracer as never })
  onTestFinished(() => trace.disable())
  const log = createMetrics().measureLog(openMemoryLog())
  await log.append('a', [Uint8Array.of(1)])
  expect(spans).toEqual(['merrow.append'])
})

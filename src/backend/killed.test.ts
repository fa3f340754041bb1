// Processes killed with -9 while they write and send: what they had saved is at the backend, once. ROUNDS=50 runs more.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it, onTestFinished } from 'vitest'
import { FakeBackend } from './testing/fake-backend.ts'
import { open } from './testing/killed.ts'

const ROUNDS = Number(process.env['ROUNDS'] ?? 2)

it(`[O18] after ${ROUNDS} kills with -9 the backend has each saved row once`, { timeout: 600_000 }, async () => {
  const fake = new FakeBackend({ tables: { tasks: {} }, now: Date.now })
  const service = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { pathname, searchParams } = new URL(request.url ?? '', 'http://x')
    const headers = new Headers(request.headers as Record<string, string>)
    const body = text === '' ? undefined : JSON.parse(text)
    const answer = fake.handle({ method: request.method ?? 'GET', path: pathname, query: searchParams, headers, body })
    response.writeHead(answer.status).end(answer.body === undefined ? '' : JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => service.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(service.address() as { port: number }).port}`
  const path = mkdtempSync(join(tmpdir(), 'merrow-killed-'))
  onTestFinished(() => {
    service.close()
    rmSync(path, { recursive: true, force: true })
  })
  const saved: string[] = []
  for (let round = 0; round < ROUNDS; round++) saved.push(...(await killedAfter(20 + round * 7, path, url, round)))
  const { db, backend } = await open(path, url)
  while (backend.status.pending > 0) await new Promise((resolve) => setTimeout(resolve, 20))
  await db.close()
  const titles = fake.live('tasks').map(({ fields }) => String(fields['title']))
  expect(new Set(titles).size).toBe(titles.length)
  expect(saved.filter((title) => !titles.includes(title))).toEqual([])
  expect(saved.length).toBeGreaterThanOrEqual(20)
})

/** What a process had saved before it was killed, after so many rows. */
const killedAfter = (rows: number, path: string, url: string, round: number): Promise<string[]> =>
  new Promise((resolve) => {
    const file = fileURLToPath(new URL('./testing/killed.ts', import.meta.url))
    const child = spawn(process.execPath, ['--import', 'tsx', file, path, url, String(round)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let text = ''
    child.stdout.on('data', (part: Buffer) => {
      text += part
      if (text.split('\n').length > rows) child.kill('SIGKILL')
    })
    child.on('close', () => resolve(text.split('\n').slice(0, -1)))
  })

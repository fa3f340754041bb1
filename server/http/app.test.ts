// The HTTP side, through app.request() without a socket.
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { testFolder } from '../testing/folder.ts'
import { createApp } from './app.ts'
import { createGate } from './gate.ts'

const get = async (path: string, options: { demo?: string; host?: string; token?: string } = {}) => {
  const app = createApp({ gate: createGate({ asksForToken: options.token !== undefined }), demo: options.demo })
  return await app.request(`http://relay${path}`, { headers: { host: options.host ?? 'localhost:8787' } })
}

const demoFolder = () => {
  const folder = join(testFolder(), 'demo')
  mkdirSync(join(folder, 'assets'), { recursive: true })
  writeFileSync(join(folder, 'index.html'), '<title>Demo</title>')
  writeFileSync(join(folder, 'assets', 'a-1b2c.js'), 'run()')
  writeFileSync(join(folder, '..', 'secret.txt'), 'secret')
  return folder
}

it('[H20] says that it is well', async () => {
  const response = await get('/healthz')
  expect([response.status, await response.json()]).toEqual([200, { status: 'ok' }])
})

it('[H21] serves the demo with types and security headers', async () => {
  const demo = demoFolder()
  const page = await get('/', { demo })
  const script = await get('/assets/a-1b2c.js', { demo })
  expect([page.headers.get('content-type'), await page.text()]).toEqual([
    'text/html; charset=utf-8',
    '<title>Demo</title>',
  ])
  expect(script.headers.get('content-type')).toBe('text/javascript; charset=utf-8')
  expect(script.headers.get('cache-control')).toContain('immutable')
  expect(page.headers.get('x-content-type-options')).toBe('nosniff')
  expect(page.headers.get('content-security-policy')).toContain("default-src 'self'")
})

it.each([
  '/../secret.txt',
  '/%2e%2e/secret.txt',
  '/..%2fsecret.txt',
  '/assets/..%5c..%2f..%2fsecret.txt',
  '/%00',
  '/%',
  '/assets',
])('[H22] serves nothing outside of the demo: %s', async (path) => {
  expect((await get(path, { demo: demoFolder() })).status).toBe(404)
})

it('[H23] says so where there is no demo', async () => {
  const response = await get('/')
  expect([response.status, await response.text()]).toEqual([200, expect.stringContaining('demo:build')])
})

it('[H18] without a token, answers to loopback names alone', async () => {
  expect((await get('/healthz', { host: 'evil.example' })).status).toBe(403)
  expect((await get('/healthz', { host: '[::1]:8787' })).status).toBe(200)
  expect((await get('/healthz', { host: 'relay.example', token: 'a-token-of-many-characters' })).status).toBe(200)
})

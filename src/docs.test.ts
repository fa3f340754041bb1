// Runs the snippets of the README and of docs/, against a relay of its own.
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { createRelay, openMemoryLog, type Relay } from '../server/index.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const docs = join(root, 'docs')
const pages = ['README.md', ...(existsSync(docs) ? readdirSync(docs).map((name) => `docs/${name}`) : [])]
const snippets = pages.flatMap((page) =>
  Array.from(readFileSync(join(root, page), 'utf8').matchAll(/```ts\n([\s\S]*?)```/g), ([, code], at) => ({
    page,
    at,
    code: code ?? '',
  })),
)

let relay: Relay
/** Inside the project, so that the package's name resolves. */
const folder = join(root, '.snippets')
const data = mkdtempSync(join(tmpdir(), 'merrow-docs-'))

beforeAll(async () => {
  relay = await createRelay({ port: 0, log: openMemoryLog() })
  mkdirSync(folder, { recursive: true })
})
afterAll(async () => {
  await relay.close()
  for (const path of [folder, data]) rmSync(path, { recursive: true, force: true })
})

it.each(snippets)('[E1] snippet $at of $page runs', async ({ page, at, code }) => {
  const log = vi.spyOn(console, 'log').mockImplementation(() => {})
  const file = join(folder, `${page.replace(/\W/g, '-')}-${at}.ts`)
  writeFileSync(file, code.replaceAll('http://127.0.0.1:8787', relay.url).replaceAll('./data', data))
  await import(file)
  if (page === 'README.md' && at === 0) expect(log.mock.calls.length).toBeGreaterThan(0)
  log.mockRestore()
})

it('[E2] the README has a tour of 20-odd lines', () => {
  expect(
    snippets[0]?.code.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('import')).length,
  ).toBeLessThan(24)
})

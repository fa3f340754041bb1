// The demo in real browsers: two devices with profiles on disk, one relay, edits made apart. Skips without Chromium, but not in CI.
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { build, preview } from 'vite'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { createRelay, type Relay } from '../server/index.ts'

const executablePath = process.env['MERROW_CHROMIUM'] ?? '/usr/bin/chromium'
const mustRun = process.env['CI'] !== undefined || existsSync(executablePath)
const CHROMIUM_ARGS =
  '--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync'.split(
    ' ',
  )

const root = mkdtempSync(join(tmpdir(), 'merrow-demo-'))
const demo = join(root, 'site')
const closers: (() => Promise<unknown>)[] = []

beforeAll(async () => {
  if (!mustRun) return
  await build({
    root: fileURLToPath(new URL('.', import.meta.url)),
    logLevel: 'error',
    build: { outDir: demo, emptyOutDir: true },
  })
})
afterAll(async () => {
  for (const close of closers.reverse()) await close()
  rmSync(root, { recursive: true, force: true, maxRetries: 3 })
})

const startRelay = async (port: number, data = 'data'): Promise<Relay> => {
  const relay = await createRelay({ port, data: join(root, data), demo })
  closers.push(() => relay.close())
  return relay
}

/** A browser with a profile of its own: another device. @param before - Runs in its pages before their scripts do. */
const openDevice = async (name: string, url: string, before?: () => void): Promise<Page> => {
  const context: BrowserContext = await chromium.launchPersistentContext(join(root, name), {
    executablePath,
    args: CHROMIUM_ARGS,
  })
  closers.push(() => context.close())
  if (before !== undefined) await context.addInitScript(before)
  const page = context.pages()[0] ?? (await context.newPage())
  page.on('pageerror', (error) => {
    throw error
  })
  await page.goto(url)
  return page
}

const stateIs = (page: Page, state: string): Promise<void> =>
  page.locator(`[data-testid=connection][data-state=${state}]`).waitFor()
const field = (page: Page, label: string) => page.getByTestId('task-row').first().getByLabel(label, { exact: true })
const rowOf = async (page: Page) => ({
  title: await field(page, 'Title').inputValue(),
  note: await field(page, 'Note').inputValue(),
  priority: await field(page, 'Priority').inputValue(),
})
const nothingUnsaved = (page: Page): Promise<void> =>
  page.locator('[data-testid=connection][data-unsaved="0"]').waitFor()

it.skipIf(!mustRun)(
  `[D1] edits of two browsers, one offline, merge and are there after a reload without the relay (Chromium at ${executablePath})`,
  async () => {
    const relay = await startRelay(0)
    const [a, b] = [await openDevice('a', relay.url), await openDevice('b', relay.url)]
    await stateIs(a, 'connected')
    await stateIs(b, 'connected')
    await a.getByTestId('new-title').fill('Buy milk')
    await a.getByTestId('new-title').press('Enter')
    await b.getByTestId('task-row').first().waitFor()
    expect((await rowOf(b)).title).toBe('Buy milk')

    await a.getByTestId('offline-switch').click()
    await stateIs(a, 'offline')
    await field(a, 'Note').fill('two litres')
    await field(a, 'Title').fill('Buy milk, said A earlier')
    await field(b, 'Priority').selectOption('high')
    await field(b, 'Title').fill('Buy milk, said B later')
    expect((await rowOf(a)).priority).toBe('normal')
    await a.getByTestId('offline-switch').click()
    await stateIs(a, 'connected')

    const merged = { title: 'Buy milk, said B later', note: 'two litres', priority: 'high' }
    await expect.poll(() => rowOf(a), { timeout: 10_000 }).toEqual(merged)
    await expect.poll(() => rowOf(b), { timeout: 10_000 }).toEqual(merged)
    await Promise.all([nothingUnsaved(a), nothingUnsaved(b)])

    await relay.close()
    await servePageAlone(relay.port)
    await Promise.all([a.reload(), b.reload()])
    await a.getByTestId('task-row').first().waitFor()
    await b.getByTestId('task-row').first().waitFor()
    expect([await rowOf(a), await rowOf(b)]).toEqual([merged, merged])
  },
)

it.skipIf(!mustRun)(
  '[D2] a second tab shares the store, knows that it is not alone, and sees the same rows',
  async () => {
    const relay = await startRelay(0, 'tabs')
    const first = await openDevice('tabs', relay.url)
    await stateIs(first, 'connected')
    await first.getByTestId('new-title').fill('One task')
    await first.getByTestId('new-title').press('Enter')
    const second = await first.context().newPage()
    await second.goto(relay.url)
    await second.getByTestId('task-row').first().waitFor()
    const { held, pending } = await first.evaluate(() => navigator.locks.query())
    expect([held?.map(({ mode }) => mode), pending?.map(({ mode }) => mode)]).toEqual([['exclusive'], ['shared']])
    await field(second, 'Title').fill('One task, from the second tab')
    await expect.poll(async () => (await rowOf(first)).title, { timeout: 10_000 }).toBe('One task, from the second tab')
  },
)

/** Draws the same random bytes as everybody on a profile's first page, as a machine does that was copied while it ran. */
const drawAsCopied = (): void => {
  // A frame of the new tab's page has no storage.
  if (!location.protocol.startsWith('http') || localStorage.getItem('drawn') !== null) return
  localStorage.setItem('drawn', 'yes')
  let state = 1
  crypto.getRandomValues = ((array: Uint8Array) => {
    for (let at = 0; at < array.length; at++) {
      state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
      array[at] = state >>> 16
    }
    return array
  }) as typeof crypto.getRandomValues
}
const titlesOf = (page: Page): Promise<readonly string[]> =>
  page
    .getByTestId('task-row')
    .getByLabel('Title', { exact: true })
    .evaluateAll((inputs) => inputs.map((input) => (input as unknown as { value: string }).value).sort())
const addTask = async (page: Page, title: string): Promise<void> => {
  await page.getByTestId('new-title').fill(title)
  await page.getByTestId('new-title').press('Enter')
}

it.skipIf(!mustRun)(
  '[D3] a browser whose copy says something else under the same clocks loses nothing, and has all after reloads',
  async () => {
    const relay = await startRelay(0, 'forked')
    const [a, b] = [
      await openDevice('first-copy', relay.url, drawAsCopied),
      await openDevice('second-copy', relay.url, drawAsCopied),
    ]
    await stateIs(a, 'connected')
    await stateIs(b, 'connected')
    await b.getByTestId('offline-switch').click()
    await stateIs(b, 'offline')
    await addTask(a, 'of a')
    await addTask(b, 'of b')
    await Promise.all([nothingUnsaved(a), nothingUnsaved(b)])
    await b.getByTestId('offline-switch').click()
    for (const page of [a, b]) await expect.poll(() => titlesOf(page), { timeout: 15_000 }).toEqual(['of a', 'of b'])
    await addTask(b, 'of b, later')
    await expect.poll(() => titlesOf(a), { timeout: 10_000 }).toHaveLength(3)
    await nothingUnsaved(b)

    await relay.close()
    await servePageAlone(relay.port)
    for (const reload of [1, 2]) {
      await b.reload()
      await expect.poll(() => titlesOf(b), { timeout: 10_000, message: `reload ${reload}` }).toHaveLength(3)
    }
    expect(await titlesOf(b)).toEqual(['of a', 'of b', 'of b, later'])
    const stores = await b.evaluate(async () => (await indexedDB.databases()).map(({ name = '' }) => name))
    expect(stores.filter((name) => name.endsWith('/tasks~g1'))).toHaveLength(1)
  },
)

/** Serves the page where the relay was, so that it comes from the same origin and finds no relay. */
const servePageAlone = async (port: number): Promise<void> => {
  const server = await preview({
    root,
    logLevel: 'error',
    build: { outDir: demo },
    preview: { port, host: '127.0.0.1', strictPort: true },
  })
  closers.push(() => server.close())
}

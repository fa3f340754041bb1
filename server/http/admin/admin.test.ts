// The admin page in a real browser. Skips without Chromium, but not in CI.
import { existsSync } from 'node:fs'
import { chromium } from 'playwright-core'
import { expect, it, onTestFinished } from 'vitest'
import * as Y from 'yjs'
import { openMemoryLog } from '../../log/memory.ts'
import { startRelay } from '../../testing/relay.ts'

const executablePath = process.env['MERROW_CHROMIUM'] ?? '/usr/bin/chromium'
const mustRun = process.env['CI'] !== undefined || existsSync(executablePath)
const ADMIN = 'an-admin-token-of-many-characters'

it.runIf(mustRun)('[O15] an operator signs in, finds a document, and brings it back to a snapshot', async () => {
  const log = openMemoryLog()
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => void updates.push(update))
  const { url } = await startRelay({ log, adminToken: ADMIN })
  for (const text of ['one', 'two ']) {
    doc.getText('t').insert(0, text)
    await log.append('acme/<b>notes', updates.splice(0))
    await log.append('other', [Y.encodeStateAsUpdate(doc)])
    await fetch(`${url}/admin/v1/docs/other`, { headers: { authorization: `Bearer ${ADMIN}` } })
  }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  const problems: string[] = []
  page.on('pageerror', (error) => void problems.push(error.message))
  page.on('console', (message) => void (message.type() === 'error' && problems.push(message.text())))
  page.on('dialog', (dialog) => void dialog.accept())

  await page.goto(`${url}/admin`)
  await page.getByLabel('Admin token').fill('wrong')
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByRole('alert').getByText('Give the admin token').waitFor()
  expect(problems.splice(0)).toEqual([expect.stringContaining('401')])

  await page.getByLabel('Admin token').fill(ADMIN)
  await page.getByRole('button', { name: 'Open' }).click()
  await page.getByText('2 documents').waitFor()
  // What a document is called is text, never markup.
  await page.getByRole('cell', { name: 'acme/<b>notes', exact: true }).waitFor()
  await page.getByLabel('Find').fill('oth')
  await page.getByText('1 documents').waitFor()
  await page.getByRole('button', { name: 'History' }).click()
  await page.getByText('Up to update 1,').getByRole('button', { name: 'Restore' }).click()
  await page.getByText('Up to update 3,').or(page.getByText('Up to update 2,')).first().waitFor()
  await expect.poll(async () => (await log.read('other')).entries.length).toBe(1)
  expect(problems).toEqual([])
})

// The HTTP server around the app, which is loaded late.
import { expect, it, onTestFinished } from 'vitest'
import { createApp } from './app.ts'
import { createGate } from './gate.ts'
import { createServer, listen, stopListening } from './listen.ts'

it('[H29] says why the app cannot be loaded, and tries again with the next request', async () => {
  const reports: string[] = []
  let attempts = 0
  const load = async () => {
    attempts += 1
    if (attempts === 1) throw new Error('too many open files')
    return createApp({ gate: createGate({ asksForToken: false }) })
  }
  const server = createServer(
    load,
    (level, text, fields) => void reports.push(`${level} ${text}: ${fields?.['error']}`),
  )
  const url = `http://127.0.0.1:${await listen(server, 0, '127.0.0.1')}/healthz`
  onTestFinished(() => stopListening(server))
  const statuses = [(await fetch(url)).status, (await fetch(url)).status, (await fetch(url)).status]
  expect([statuses, attempts]).toEqual([[500, 200, 200], 2])
  expect(reports).toEqual(['error what serves HTTP cannot be loaded: too many open files'])
})

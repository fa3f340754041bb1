// The service of bridge-config.ts over HTTP, which asks for a token. Knows neither bridges nor relays.
import { createServer } from 'node:http'
import { onTestFinished } from 'vitest'
import { FakeBackend } from '../../../src/backend/testing/fake-backend.ts'

/** Starts it on a free port; it ends with the test. */
export const startService = async (token: string) => {
  const fake = new FakeBackend({ tables: { projects: {}, tasks: { project_id: 'projects' } }, now: Date.now })
  const server = createServer(async (request, response) => {
    let text = ''
    for await (const part of request) text += part
    const { pathname: path, searchParams: query } = new URL(request.url ?? '', 'http://x')
    const headers = new Headers(request.headers as Record<string, string>)
    if (headers.get('authorization') !== `Bearer ${token}`) return response.writeHead(401).end('{}')
    const body = text === '' ? undefined : JSON.parse(text)
    const answer = fake.handle({ method: request.method ?? 'GET', path, query, headers, body })
    return response.writeHead(answer.status).end(answer.body === undefined ? '' : JSON.stringify(answer.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  onTestFinished(() => void server.close())
  return { fake, url: `http://127.0.0.1:${(server.address() as { port: number }).port}` }
}

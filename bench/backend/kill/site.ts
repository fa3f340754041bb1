// The page to kill, built and served; takes in what it says. Knows neither browsers nor laws.
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'vite'

/** What went wrong in the page itself. */
export class PageError extends Error {}

/** Serves the page. @param onSaved - Told the marks of inserts that the page was told are saved. */
export const serveSite = async (folder: string, onSaved: (marks: string[]) => void) => {
  const root = fileURLToPath(new URL('.', import.meta.url))
  await build({
    configFile: false,
    root,
    logLevel: 'error',
    build: { outDir: folder, emptyOutDir: true, target: 'es2022' },
  })
  let announce = (): void => {}
  let fail = (_: Error): void => {}
  const types: Record<string, string> = { '.html': 'text/html', '.js': 'text/javascript' }
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://x').pathname
    let text = ''
    for await (const part of request) text += part
    if (path === '/saved') onSaved(JSON.parse(text) as string[])
    if (path === '/ready') announce()
    if (path === '/failed') fail(new PageError(text))
    if (request.method === 'POST') return response.end('{}')
    try {
      const file = await readFile(join(folder, normalize(path)))
      return response.writeHead(200, { 'content-type': types[extname(path)] ?? 'text/plain' }).end(file)
    } catch {
      return response.writeHead(404).end()
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as { port: number }).port}`,
    /** Resolves when the next page has connected its databases. */
    ready: () =>
      new Promise<void>((resolve, reject) => {
        announce = resolve
        fail = reject
      }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

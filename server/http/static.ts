// Files of one folder over HTTP, and nothing outside of it.
import { readFile } from 'node:fs/promises'
import { extname, join, resolve, sep } from 'node:path'
import type { MiddlewareHandler } from 'hono'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.json': 'application/json',
  '.map': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.jpg': 'image/jpeg',
  '.webp': 'image/webp',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.wasm': 'application/wasm',
  '.txt': 'text/plain; charset=utf-8',
}

/** Serves the files of `folder`, and its index.html for paths that end in a slash. */
export const serveFolder = (folder: string): MiddlewareHandler => {
  const root = resolve(folder)
  return async (c, next) => {
    const file = fileOf(root, new URL(c.req.url).pathname)
    const bytes = file === undefined ? undefined : await readIfThere(file)
    if (file === undefined || bytes === undefined) return next()
    return c.body(bytes, 200, {
      'content-type': TYPES[extname(file)] ?? 'application/octet-stream',
      // Vite names the files in assets/ by their content.
      'cache-control': file.startsWith(join(root, 'assets') + sep) ? 'public, max-age=31536000, immutable' : 'no-cache',
    })
  }
}

const fileOf = (root: string, path: string): string | undefined => {
  try {
    const name = decodeURIComponent(path.endsWith('/') ? `${path}index.html` : path)
    const file = resolve(root, `.${name}`)
    return file.startsWith(root + sep) && !name.includes('\0') ? file : undefined
  } catch {
    return undefined
  }
}

const readIfThere = async (file: string): Promise<Uint8Array<ArrayBuffer> | undefined> => {
  try {
    return new Uint8Array(await readFile(file))
  } catch (error) {
    if (error instanceof Error && 'code' in error && ['ENOENT', 'EISDIR', 'ENOTDIR'].includes(String(error.code)))
      return undefined
    throw error
  }
}

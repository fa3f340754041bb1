// The HTTP side of the relay: who may ask, and which routes there are.
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import type { Metrics } from '../metrics.ts'
import { type AdminOptions, createAdmin } from './admin/admin.ts'
import { createDocs, type DocsOptions } from './docs.ts'
import type { Gate } from './gate.ts'
import { serveFolder } from './static.ts'

/** Whether somebody may do something; a refusal is an HTTP status. */
export type Access = 'granted' | 401 | 403

/** What the token of a request (`Authorization: Bearer`) allows with a document. */
export type AppAccess = (token: string | undefined, document: string, kind: 'read' | 'write') => Promise<Access>

/** What the HTTP side is made of. */
export interface AppOptions {
  readonly gate: Gate
  /** Folder with the built demo; without one, `/` says so. */
  readonly demo?: string | undefined
  /** The documents; without them there is no `/v1`. */
  readonly docs?: DocsOptions | undefined
  /** What the token of a request (`Authorization: Bearer`) allows with a document; by default all that the gate admits. */
  readonly access?:
    | ((token: string | undefined, document: string, kind: 'read' | 'write') => Promise<Access>)
    | undefined
  /** The admin page; without it there is none. */
  readonly admin?: AdminOptions | undefined
  /** What `/metrics` shows; without it there is none. */
  readonly metrics?: Pick<Metrics, 'text' | 'contentType'> | undefined
  /** Why the relay cannot serve just now, if it cannot. */
  readonly unreadiness?: (() => string | undefined) | undefined
}

const NO_DEMO = `This is a merrow relay. Clients connect to /sync, stock y-websocket clients to /yjs/<room>.

There is no demo here. Build it with "npm run demo:build", or give its folder with --demo.
`

const EXPOSED = ['etag', 'content-range', 'content-length', 'accept-ranges', 'merrow-sequence']

const REFUSALS = {
  401: 'Give the token: Authorization: Bearer <token>.',
  403: 'This token does not allow that.',
} as const

const documentIn = (path: string): string => {
  const text = path.replace(/^\/v1\/[^/]+\//, '')
  try {
    return decodeURIComponent(text)
  } catch {
    // No name: the route says so.
    return ''
  }
}

const bearerOf = (header = ''): string | undefined => /^Bearer (.+)$/i.exec(header)?.[1]

/** Creates the Hono app; it is tried without a socket by `app.request()`. */
export const createApp = ({ gate, demo, docs, admin, metrics, ...options }: AppOptions): Hono => {
  const app = new Hono()
  const mayAccess = options.access ?? (async () => 'granted')
  app.use(
    secureHeaders({
      // The demo shows several devices in frames of its own origin, and speaks to a REST server on this machine.
      xFrameOptions: 'SAMEORIGIN',
      strictTransportSecurity: false,
      contentSecurityPolicy: {
        defaultSrc: ["'self'"],
        connectSrc: ["'self'", 'ws:', 'wss:', 'http://localhost:*', 'http://127.0.0.1:*'],
        styleSrc: ["'self'", "'unsafe-inline'"],
        imgSrc: ["'self'", 'data:', 'blob:'],
        frameAncestors: ["'self'"],
      },
    }),
  )
  app.use(async (c, next) => {
    // Only the host: pages of other origins can read nothing here, and links to the demo are fine.
    const refusal = gate.refusal({ host: c.req.header('host') })
    if (refusal !== undefined) return c.text(refusal, 403)
    return next()
  })
  app.use(
    '/v1/*',
    cors({
      origin: (origin) => (gate.refusal({ host: 'localhost', origin }) === undefined ? origin : null),
      exposeHeaders: EXPOSED,
    }),
  )
  app.use('/v1/*', async (c, next) => {
    // Here the origin counts as well: pages of other sites could write without reading.
    const refusal = gate.refusal({ host: c.req.header('host'), origin: c.req.header('origin') })
    if (refusal !== undefined) return c.text(refusal, 403)
    const kind = c.req.method === 'GET' || c.req.method === 'HEAD' ? 'read' : 'write'
    const token = bearerOf(c.req.header('authorization'))
    // A snapshot may be restored as another document, which the token has to allow too.
    for (const document of [documentIn(c.req.path), ...(c.req.queries('as') ?? [])]) {
      const access = await mayAccess(token, document, kind)
      if (access !== 'granted') return c.text(REFUSALS[access], access)
    }
    return next()
  })
  if (docs !== undefined) app.route('/v1', createDocs(docs))
  if (admin !== undefined) app.route('/admin', createAdmin(admin))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/readyz', (c) => {
    const reason = options.unreadiness?.()
    return reason === undefined ? c.json({ status: 'ready' }) : c.json({ status: 'not ready', reason }, 503)
  })
  if (metrics !== undefined) {
    app.get('/metrics', async (c) => {
      const isAllowed = admin === undefined || admin.admits(bearerOf(c.req.header('authorization')))
      if (!isAllowed) return c.text('Give the admin token: Authorization: Bearer <token>.', 401)
      return c.body(await metrics.text(), 200, { 'content-type': metrics.contentType })
    })
  }
  app.on('GET', ['/sync', '/yjs/*'], (c) => c.text('Connect with a WebSocket.', 426, { upgrade: 'websocket' }))
  if (demo === undefined) app.get('/', (c) => c.text(NO_DEMO))
  else app.get('*', serveFolder(demo))
  app.notFound((c) => c.text('Not found.', 404))
  return app
}

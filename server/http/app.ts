// The HTTP side of the relay: who may ask, and which routes there are.
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { secureHeaders } from 'hono/secure-headers'
import { createDocs, type DocsOptions } from './docs.ts'
import type { Gate } from './gate.ts'
import { serveFolder } from './static.ts'

/** What the HTTP side is made of. */
export interface AppOptions {
  readonly gate: Gate
  /** Folder with the built demo; without one, `/` says so. */
  readonly demo?: string | undefined
  /** The documents; without them there is no `/v1`. */
  readonly docs?: DocsOptions | undefined
}

const NO_DEMO = `This is a merrow relay. Clients connect to /sync, stock y-websocket clients to /yjs/<room>.

There is no demo here. Build it with "npm run demo:build", or give its folder with --demo.
`

const EXPOSED = ['etag', 'content-range', 'content-length', 'accept-ranges', 'merrow-sequence']

const bearerOf = (header = ''): string | undefined => /^Bearer (.+)$/i.exec(header)?.[1]

/** Creates the Hono app; it is tried without a socket by `app.request()`. */
export const createApp = ({ gate, demo, docs }: AppOptions): Hono => {
  const app = new Hono()
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
    if (!gate.admits(bearerOf(c.req.header('authorization'))))
      return c.text('Give the token: Authorization: Bearer <token>.', 401)
    return next()
  })
  if (docs !== undefined) app.route('/v1', createDocs(docs))
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.on('GET', ['/sync', '/yjs/*'], (c) => c.text('Connect with a WebSocket.', 426, { upgrade: 'websocket' }))
  if (demo === undefined) app.get('/', (c) => c.text(NO_DEMO))
  else app.get('*', serveFolder(demo))
  app.notFound((c) => c.text('Not found.', 404))
  return app
}

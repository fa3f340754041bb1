// The HTTP side of the relay: health and the demo's files. Knows nothing of documents.
import { Hono } from 'hono'
import { secureHeaders } from 'hono/secure-headers'
import type { Gate } from './gate.ts'
import { serveFolder } from './static.ts'

/** What the HTTP side is made of. */
export interface AppOptions {
  readonly gate: Gate
  /** Folder with the built demo; without one, `/` says so. */
  readonly demo?: string | undefined
}

const NO_DEMO = `This is a merrow relay. Clients connect to /sync, stock y-websocket clients to /yjs/<room>.

There is no demo here. Build it with "npm run demo:build", or give its folder with --demo.
`

/** Creates the Hono app; it is tried without a socket by `app.request()`. */
export const createApp = ({ gate, demo }: AppOptions): Hono => {
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
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.on('GET', ['/sync', '/yjs/*'], (c) => c.text('Connect with a WebSocket.', 426, { upgrade: 'websocket' }))
  if (demo === undefined) app.get('/', (c) => c.text(NO_DEMO))
  else app.get('*', serveFolder(demo))
  app.notFound((c) => c.text('Not found.', 404))
  return app
}

// The admin page and what it asks for, behind a token of its own. Knows documents by name and size, nothing of what is in them.
import { readFileSync } from 'node:fs'
import { Hono } from 'hono'
import { html } from 'hono/html'
import { createDocs, type DocsOptions } from '../docs.ts'

/** How the admin page is guarded, and what it shows. */
export interface AdminOptions {
  readonly docs: DocsOptions
  readonly relayName: string
  /** Whether a token is the admin's. */
  readonly admits: (token: string | undefined) => boolean
  /** Revokes all tokens that a user has now; missing where tokens name nobody. */
  readonly revoke?: ((subject: string) => Promise<void>) | undefined
}

const PAGE_SIZE = 100
/** The relay's own notes begin so. */
const OWN = '#'

const page = (relayName: string) => html`<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8" />
    <meta name="viewport" content="width=device-width" />
    <title>${relayName}</title>
    <link rel="icon" href="data:," />
    <link rel="stylesheet" href="/admin/admin.css" />
  </head>
  <body>
    <h1>${relayName}</h1>
    <form id="sign-in">
      <label>Admin token <input id="token" type="password" autocomplete="current-password" required /></label>
      <button>Open</button>
    </form>
    <main hidden>
      <p id="figures"></p>
      <label>Find <input id="find" type="search" placeholder="name begins with" /></label>
      <table>
        <thead>
          <tr><th>Document</th><th>Clients</th><th>Snapshot</th><th>Since then</th><th>Growth a day</th><th></th></tr>
        </thead>
        <tbody id="documents"></tbody>
      </table>
      <section id="history" hidden></section>
    </main>
    <p id="problem" role="alert"></p>
    <script type="module" src="/admin/admin-page.js"></script>
  </body>
</html>`

const STYLE = `body{font:15px/1.5 system-ui,sans-serif;max-width:64rem;margin:2rem auto;padding:0 1rem;color:#1d2433}
table{border-collapse:collapse;width:100%;margin:1rem 0}th,td{text-align:left;padding:.35rem .6rem;border-bottom:1px solid #dfe3ea}
td.number{text-align:right;font-variant-numeric:tabular-nums}button,input{font:inherit;padding:.25rem .6rem}
#problem:not(:empty){background:#fdecea;padding:.6rem}`

/** Routes, below `/admin`: the page itself for anyone, all else for who has the token. */
export const createAdmin = ({ docs, relayName, admits, revoke }: AdminOptions): Hono => {
  const { hub, log } = docs
  const app = new Hono()
  const script = readFileSync(new URL('./admin-page.js', import.meta.url), 'utf8')
  app.get('/', (c) => c.html(page(relayName)))
  app.get('/admin-page.js', (c) => c.body(script, 200, { 'content-type': 'text/javascript; charset=utf-8' }))
  app.get('/admin.css', (c) => c.body(STYLE, 200, { 'content-type': 'text/css; charset=utf-8' }))
  app.use(async (c, next) => {
    const token = /^Bearer (.+)$/i.exec(c.req.header('authorization') ?? '')?.[1]
    return admits(token) ? next() : c.text('Give the admin token: Authorization: Bearer <token>.', 401)
  })
  app.get('/status', async (c) => {
    const prefix = c.req.query('find') ?? ''
    const names = (await log.documents()).filter((name) => !name.startsWith(OWN) && name.startsWith(prefix))
    const after = c.req.query('after') ?? ''
    const shown = names.filter((name) => name > after).slice(0, PAGE_SIZE)
    const rooms = new Map([...hub.rooms].map((room) => [room.document, room.figures]))
    const documents = await Promise.all(
      shown.map(async (document) => ({ document, ...(await sizesOf(document)), ...rooms.get(document) })),
    )
    const members = [...rooms.values()].reduce((sum, figures) => sum + figures.members, 0)
    return c.json({ rooms: rooms.size, members, found: names.length, documents })
  })
  app.post('/revoke', async (c) => {
    const subject = c.req.query('subject') ?? ''
    if (subject === '') return c.text('Say whose tokens: ?subject=<user>.', 400)
    if (revoke === undefined) return c.text('The tokens of this relay name no users: it was given no key for JWT.', 409)
    await revoke(subject)
    return c.json({ revoked: subject })
  })
  app.route('/v1', createDocs(docs))

  const sizesOf = async (document: string) => {
    try {
      const snapshots = await log.snapshots(document)
      const [newest, oldest] = [snapshots[0], snapshots.at(-1)]
      const days = ((newest?.takenAt ?? 0) - (oldest?.takenAt ?? 0)) / 86_400_000
      const grown = (newest?.bytes ?? 0) - (oldest?.bytes ?? 0)
      return {
        bytes: newest?.bytes,
        takenAt: newest?.takenAt,
        bytesADay: days > 0 ? Math.round(grown / days) : undefined,
      }
    } catch (error) {
      return { problem: error instanceof Error ? error.message : String(error) }
    }
  }
  return app
}

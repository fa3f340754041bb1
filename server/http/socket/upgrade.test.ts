// Who may open a WebSocket at all: paths, hosts and origins.
import { expect, it } from 'vitest'
import { startRelay } from '../../testing/relay.ts'
import { connect } from '../../testing/sync-client.ts'

const TOKEN = 'a-token-of-many-characters'

it('[H16] has WebSockets at /sync and /yjs/<room> alone', async () => {
  const { url } = await startRelay()
  for (const path of ['/', '/sync/', '/yjs', '/nowhere']) {
    await expect(connect(url, { path })).rejects.toThrow('404')
  }
})

it.each(['https://evil.example', 'null', 'http://127.0.0.1.evil.example', 'http://localhost@evil.example'])(
  '[H17] without a token, refuses pages of origin %s',
  async (origin) => {
    const { url } = await startRelay()
    for (const path of ['/sync', '/yjs/d']) await expect(connect(url, { path, origin })).rejects.toThrow('403')
  },
)

it.each(['http://localhost:5173', 'http://127.0.0.1', 'http://[::1]:80', undefined])(
  '[H17] without a token, takes pages of this machine: %s',
  async (origin) => {
    const { url } = await startRelay()
    await connect(url, origin === undefined ? {} : { origin })
  },
)

it.each(['evil.example', 'evil.example:8787', '127.0.0.1.evil.example', '192.168.0.7'])(
  '[H18] without a token, refuses a host name that others could point here: %s',
  async (host) => {
    const { url } = await startRelay()
    await expect(connect(url, { headers: { host } })).rejects.toThrow('403')
  },
)

it('[H19] with a token, takes all origins, or those that are listed', async () => {
  const origin = 'https://app.example'
  const open = await startRelay({ token: TOKEN })
  await connect(open.url, { origin, headers: { host: 'relay.example' } })
  const listed = await startRelay({ token: TOKEN, origins: [origin] })
  await connect(listed.url, { origin })
  await expect(connect(listed.url, { origin: 'https://evil.example' })).rejects.toThrow('403')
})

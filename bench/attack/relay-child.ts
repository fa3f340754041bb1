// A relay as a process of its own, on disk, that tells its address, its memory when asked, and nothing of what it serves.
import { createRelay } from '../../server/index.ts'
import { JWT } from '../../server/testing/tokens.ts'

const [folder = '', limits = '{}'] = process.argv.slice(2)
const relay = await createRelay({
  port: 0,
  data: folder,
  jwt: JWT,
  logger: () => {},
  limits: JSON.parse(limits) as object,
})
process.send?.({ url: relay.url })

process.on('message', () => {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ bytes: heapUsed + external, rss })
})
process.on('disconnect', () => void relay.close().then(() => process.exit(0)))

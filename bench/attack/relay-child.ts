// A relay as a process of its own, on disk, that tells its address, when asked its memory and whom it closed as slow, and nothing else.
import { createRelay } from '../../server/index.ts'
import { JWT } from '../../server/testing/tokens.ts'

const [folder = '', limits = '{}'] = process.argv.slice(2)
const slow: number[] = []
const relay = await createRelay({
  port: 0,
  data: folder,
  jwt: JWT,
  logger: (_, text, fields) => {
    if (text === 'slow client closed') slow.push(Number(fields?.['backlogBytes']))
  },
  limits: JSON.parse(limits) as object,
})
process.send?.({ url: relay.url })

process.on('message', () => {
  globalThis.gc?.()
  const { heapUsed, external, rss } = process.memoryUsage()
  process.send?.({ bytes: heapUsed + external, rss, slow })
})
process.on('disconnect', () => void relay.close().then(() => process.exit(0)))

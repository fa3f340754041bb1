// What the processes of all servers do: say where they listen, and what they hold and cost when asked.
import { createServer } from 'node:http'

/** An HTTP server that knows nothing but upgrades. */
export const plainServer = () => createServer((_, response) => response.end())

/** Listens on a free port and says so. @param {import('node:http').Server} server */
export const listen = (server) =>
  server.listen(0, '127.0.0.1', () => {
    const address = server.address()
    announce(typeof address === 'object' && address !== null ? address.port : 0)
  })

/** Says where this process listens, and answers whoever asks how much it holds, or what it has cost. @param {number} port */
export const announce = (port) => {
  process.on('message', (asked) => {
    if (asked === 'processor') {
      process.send?.(process.cpuUsage())
      return
    }
    for (let at = 0; at < 4; at++) globalThis.gc?.()
    const { heapUsed, external } = process.memoryUsage()
    process.send?.({ bytes: heapUsed + external })
  })
  process.on('disconnect', () => process.exit(0))
  process.send?.({ port })
}

// Merrow's relay as apps get it, on a folder.
import { announce } from './serve.js'

const { createRelay } = await import(new URL('../../../dist/server/index.js', import.meta.url).href)
const [data] = process.argv.slice(2)
// One writer of the bench stands for many, so it may send as fast as they would.
const fast = { perSecond: 1e9, burst: 1e9 }
const { port } = await createRelay({ port: 0, data, logger: () => {}, limits: { frames: fast, bytes: fast } })
announce(port)

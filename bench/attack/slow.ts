// Slow clients: some of many in one room stop reading, and the others must not notice.
import * as Y from 'yjs'
import { encodeSync } from '../../server/room/frame.ts'
import { percentile } from '../../server/testing/honest-load.ts'
import { editsOf } from '../../server/testing/member.ts'
import { tokenFor } from '../../server/testing/tokens.ts'
import { type WireClient, wireClient } from '../../server/testing/wire-client.ts'
import { SyncType } from '../../src/sync/wire.ts'
import { startRelayProcess } from './relay-process.ts'

const UPDATE_BYTES = 64 * 1024
const PAUSE_MS = 50
const WRITES = 60
const JOINING_AT_ONCE = 50

/** Pauses so many of all clients of a room, and says how they were closed and what the others noticed. */
export const pauseClients = async (paused: number, all: number): Promise<string> => {
  const relay = await startRelayProcess({ maxConnectionsPerSubject: all + 10 })
  const token = await tokenFor('ann', { lifetimeS: 36_000 })
  const clients: WireClient[] = []
  while (clients.length < all)
    clients.push(
      ...(await Promise.all(Array.from({ length: JOINING_AT_ONCE }, () => wireClient(relay.url, 'd', token)))),
    )
  const writer = await wireClient(relay.url, 'd', token)
  const latencies: number[] = []
  const closedAs = new Map<number, number>()
  let sentAt = 0
  for (const client of clients) {
    client.onMessage = (message) => {
      if (message.kind === 'frame' && message.bytes[1] === SyncType.update) latencies.push(performance.now() - sentAt)
    }
    client.onClose = (code) => void closedAs.set(code, (closedAs.get(code) ?? 0) + 1)
  }
  const doc = new Y.Doc()
  const write = async (count: number): Promise<readonly number[]> => {
    latencies.length = 0
    for (let at = 0; at < count; at++) {
      const [update] = editsOf(doc, (edited) => void edited.getMap('m').set('k', 'x'.repeat(UPDATE_BYTES) + at))
      sentAt = performance.now()
      writer.frame(encodeSync(SyncType.update, update as Uint8Array))
      const due = latencies.length + clients.length - closedCount(closedAs) - pausedNow
      const deadline = performance.now() + 5000
      while (latencies.length < due && performance.now() < deadline)
        await new Promise((resolve) => setTimeout(resolve, 5))
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
    }
    return latencies.toSorted((a, b) => a - b)
  }
  let pausedNow = 0
  await write(20)
  const quiet = await write(WRITES)
  for (const client of clients.slice(0, paused)) client.socket.pause()
  pausedNow = paused
  // Long enough to fill what the kernel holds for each, which is several MiB more than the relay's own bound.
  const busy = await write(5 * WRITES)
  pausedNow = 0
  for (const client of clients.slice(0, paused)) client.socket.resume()
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const { exits } = relay
  const backlogs = (await relay.slow()).toSorted((a, b) => a - b)
  for (const client of [...clients, writer]) {
    client.onClose = () => {}
    client.socket.terminate()
  }
  await relay.stop()
  const codes = JSON.stringify([...closedAs])
  return [
    `slow: ${paused} of ${all} paused; the relay closed ${backlogs.length}, each ${mebibytes(backlogs[0])} to ${mebibytes(backlogs.at(-1))} MiB behind; they saw [code, count] ${codes}; exits ${exits}`,
    `others p50 / p99 quiet ${times(quiet)} ms, with paused ones ${times(busy)} ms`,
  ].join('\n  ')
}

const mebibytes = (bytes = 0): string => (bytes / 1024 / 1024).toFixed(2)
const closedCount = (closedAs: ReadonlyMap<number, number>): number => [...closedAs.values()].reduce((a, b) => a + b, 0)
const times = (sorted: readonly number[]): string =>
  `${percentile(sorted, 0.5).toFixed(1)} / ${percentile(sorted, 0.99).toFixed(1)}`

// Honest clients of one document: one writes at a steady pace, others read, and how long each write takes to reach them.
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { decodeFrame, encodeAwareness, encodeSync } from '../room/frame.ts'
import { wireClient } from './wire-client.ts'

/** Honest clients at work. */
export interface HonestLoad {
  /** Writes for so long. @returns Milliseconds from write to each reader, sorted. */
  run(milliseconds: number): Promise<readonly number[]>
  /** Everything that was written, key and value. */
  readonly written: ReadonlyMap<string, string>
  /** Whether anybody of them was closed. */
  readonly isDisturbed: boolean
  close(): void
}

const ROOT = 'honest'
const PAUSE_MS = 10

/** Connects a writer and readers. */
export const startHonestLoad = async (
  url: string,
  document: string,
  token: (subject: string) => Promise<string>,
  readers = 2,
): Promise<HonestLoad> => {
  const doc = new Y.Doc()
  const writer = await wireClient(url, document, await token('honest writer'))
  const written = new Map<string, string>()
  const sentAt = new Map<string, number>()
  const latencies: number[] = []
  let isDisturbed = false
  doc.on('update', (update: Uint8Array) => writer.frame(encodeSync(SyncType.update, update)))
  // Somebody is present, so that whoever asks is answered.
  const id = doc.clientID
  writer.frame(encodeAwareness(Uint8Array.from([...Y.encodeStateVector(new Map([[id, 1]])), 2, 123, 125])))
  const clients = [writer]
  for (let at = 0; at < readers; at++) {
    const reader = await wireClient(url, document, await token(`honest reader ${at}`))
    const seen = new Y.Doc()
    seen.getMap(ROOT).observe(({ keysChanged }) => {
      for (const key of keysChanged) latencies.push(performance.now() - (sentAt.get(String(key)) ?? 0))
    })
    reader.onMessage = (message) => {
      if (message.kind === 'close') isDisturbed = true
      if (message.kind !== 'frame') return
      const frame = decodeFrame(message.bytes)
      if (frame.kind === 'update') Y.applyUpdate(seen, frame.update)
    }
    clients.push(reader)
  }
  writer.onMessage = (message) => {
    if (message.kind === 'close') isDisturbed = true
  }
  for (const client of clients)
    client.onClose = () => {
      isDisturbed = true
    }
  let count = 0
  return {
    written,
    get isDisturbed() {
      return isDisturbed
    },
    async run(milliseconds) {
      latencies.length = 0
      const end = performance.now() + milliseconds
      while (performance.now() < end) {
        const key = `k${count++}`
        written.set(key, `value ${count}`)
        sentAt.set(key, performance.now())
        doc.getMap(ROOT).set(key, `value ${count}`)
        await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
      }
      await new Promise((resolve) => setTimeout(resolve, 20 * PAUSE_MS))
      return latencies.toSorted((a, b) => a - b)
    },
    close() {
      for (const client of clients) {
        client.onClose = () => {}
        client.socket.close()
      }
    },
  }
}

/** What a newcomer finds of the honest writes. */
export const honestState = async (
  url: string,
  document: string,
  token: string,
): Promise<ReadonlyMap<string, unknown>> => {
  const client = await wireClient(url, document, token)
  const doc = new Y.Doc()
  const done = new Promise<void>((resolve) => {
    client.onMessage = (message) => {
      if (message.kind !== 'frame') return
      const frame = decodeFrame(message.bytes)
      if (frame.kind !== 'update') return
      Y.applyUpdate(doc, frame.update)
      if (frame.isAnswer) resolve()
    }
  })
  client.frame(encodeSync(SyncType.step1, Uint8Array.of(0)))
  await done
  client.socket.close()
  return new Map(doc.getMap(ROOT).entries())
}

/** The value below which so much of a sorted list lies. */
export const percentile = (sorted: readonly number[], part: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN

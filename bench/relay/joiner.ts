// One client by itself: pours updates into a document, and joins it late. Knows the stock frames.

import { syncFrame } from './fleet.ts'
import { clientFrame, RawClient } from './raw-client.ts'
import type { RelayPeer } from './relay-peer.ts'

/** A document on a server. */
export interface Place {
  readonly peer: RelayPeer
  readonly port: number
  readonly room: string
}

/** What a joiner got. */
export interface Joined {
  /** Milliseconds from connecting until it had everything. */
  readonly ms: number
  readonly updates: readonly Uint8Array[]
  /** All that came over the connection. */
  readonly bytes: number
}

/** The state vector of whoever has nothing. */
const NOTHING = Uint8Array.of(0)
const SENT_AT_ONCE = 500
const FIRST_PAUSE_MS = 250

/**
 * Sends updates, as fast as the connection takes them, until `isThere` says so.
 *
 * @returns Leaves: some servers forget a document with the last that had it open. Undefined if the server has not taken all in time.
 */
export const pour = async (
  place: Place,
  updates: readonly Uint8Array[],
  isThere: () => Promise<boolean>,
  withinMs: number,
): Promise<(() => void) | undefined> => {
  const { peer, room } = place
  const deadline = performance.now() + withinMs
  const isLate = (): boolean => performance.now() > deadline
  const client = new RawClient({ port: place.port, path: peer.path(room), isWhole: false, onMessage: () => {} })
  await client.opened
  const prefix = peer.prefix(room)
  for (const frame of peer.greeting(room)) client.send(clientFrame(frame))
  for (const [at, update] of updates.entries()) {
    client.send(clientFrame(Buffer.concat([prefix, syncFrame(2, update)])))
    if (at % SENT_AT_ONCE === 0) await within(client.drained(), deadline)
    if (isLate()) break
  }
  await within(client.drained(), deadline)
  // Each look is a join, which costs the server: the second comes later than the first.
  let pauseMs = FIRST_PAUSE_MS
  while (!client.isClosed && !isLate()) {
    if (await within(isThere(), deadline)) break
    await within(new Promise((resolve) => setTimeout(resolve, pauseMs)), deadline)
    pauseMs *= 2
  }
  if (isLate()) {
    client.close()
    return undefined
  }
  if (client.isClosed) throw new Error(`${peer.name} has closed the writer.`)
  return () => client.close()
}

/** What a promise brings, or undefined at the deadline. */
const within = async <T>(promise: Promise<T>, deadline: number): Promise<T | undefined> => {
  let timer: number | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, Math.max(0, deadline - performance.now()))
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Joins, with nothing unless a state vector says what is known. Its updates are read only if they are wanted. */
export const join = async (
  { peer, port, room }: Place,
  isWhole: boolean,
  vector: Uint8Array = NOTHING,
): Promise<Joined> => {
  const prefix = peer.prefix(room)
  const from = performance.now()
  const updates: Uint8Array[] = []
  return new Promise((resolve, reject) => {
    const client = new RawClient({
      port,
      path: peer.path(room),
      isWhole,
      onMessage(message) {
        const [type, kind] = [message[prefix.length], message[prefix.length + 1]]
        if ((type !== 0 && type !== 4) || (kind !== 1 && kind !== 2)) return
        if (isWhole) updates.push(bodyOf(message.subarray(prefix.length)))
        if (kind !== 1) return
        const ms = performance.now() - from
        client.close()
        resolve({ ms, updates, bytes: client.received })
      },
    })
    client.opened.then(() => {
      for (const frame of peer.greeting(room)) client.send(clientFrame(frame))
      client.send(clientFrame(Buffer.concat([prefix, syncFrame(0, vector)])))
    }, reject)
  })
}

/** What stands in a sync frame behind its length. */
const bodyOf = (frame: Uint8Array): Uint8Array => {
  let at = 2
  while ((frame[at] ?? 0) >= 128) at += 1
  return Uint8Array.from(frame.subarray(at + 1))
}

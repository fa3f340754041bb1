// Hostile clients against a live relay: damaged frames of every kind, one at a time, each after the last was dealt with.
import { readFileSync } from 'node:fs'
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { SyncType } from '../../src/sync/wire.ts'
import { encodeAwareness, encodeSync } from '../room/frame.ts'
import { honestSession } from './honest.ts'
import { mutate } from './mutations.ts'
import { wireClient } from './wire-client.ts'

/** What is attacked, and how much. */
export interface LiveAttack {
  readonly url: string
  readonly document: string
  /** A token of an attacker; it has to let him write "fence" too. */
  readonly token: (subject: string) => Promise<string>
  readonly seed: number
  /** Frames in all. */
  readonly frames: number
  readonly attackers: number
  /** After so many frames an attacker comes back as somebody else, before the relay reads him more slowly for what it refused. */
  readonly framesPerSubject: number
}

/** A duty that is claimed to learn that everything before was dealt with: the answer costs the relay next to nothing. */
const FENCE = 'fence'

/** The hostile updates that are kept as bytes. */
export const hostileVectors = (): readonly {
  readonly name: string
  readonly kind: string
  readonly bytes: Uint8Array
}[] => {
  const text = readFileSync(new URL('./hostile-updates.json', import.meta.url), 'utf8')
  const vectors = JSON.parse(text) as Record<string, { readonly kind: string; readonly hex: string }>
  return Object.entries(vectors).map(([name, { kind, hex }]) => ({
    name,
    kind,
    bytes: Uint8Array.from(Buffer.from(hex, 'hex')),
  }))
}

/** Frames that a hostile client may begin with: hostile updates in every frame that carries bytes, and honest ones to damage. */
const arsenal = (seed: number): readonly Uint8Array[] => {
  const { updates, docs } = honestSession(seed, 80)
  const bodies = [...hostileVectors().map(({ bytes }) => bytes), ...updates.map(({ update }) => update)]
  const whole = Y.encodeStateAsUpdate(docs[0] as Y.Doc)
  return [...bodies, whole].flatMap((body) => [
    encodeSync(SyncType.update, body),
    encodeSync(SyncType.step2, body),
    ...(body.length < 64 ? [encodeSync(SyncType.step1, body), encodeAwareness(body)] : []),
  ])
}

/**
 * Attacks.
 *
 * @returns How many frames were sent, and how often a channel or a socket was closed for it.
 */
export const attackRelay = async (attack: LiveAttack): Promise<{ readonly sent: number; readonly closed: number }> => {
  const counts = { sent: 0, closed: 0 }
  const share = Math.ceil(attack.frames / attack.attackers)
  await Promise.all(Array.from({ length: attack.attackers }, (_, at) => attackAs(at, share, attack, counts)))
  return counts
}

const attackAs = async (
  number: number,
  share: number,
  attack: LiveAttack,
  counts: { sent: number; closed: number },
): Promise<void> => {
  const { framesPerSubject, seed } = attack
  const gen = prng.create(seed + number + 1)
  const frames = arsenal(seed + number)
  for (let from = 0; from < share; from += framesPerSubject) {
    const token = await attack.token(`mallory ${from / framesPerSubject} ${number}`)
    let target = await aim(attack, token)
    for (let at = from; at < Math.min(share, from + framesPerSubject); at++) {
      const frame = frames[prng.int32(gen, 0, frames.length - 1)] as Uint8Array
      counts.sent += 1
      const kind = await target.fire(prng.int32(gen, 0, 4) === 0 ? frame : mutate(gen, frame, frames))
      if (kind !== 'open') counts.closed += 1
      if (kind === 'gone') target = await aim(attack, token)
    }
    target.stop()
  }
}

/** One attacker's connection, on a new channel whenever the relay has closed the last one. */
interface Target {
  /** Sends a frame, and something after it that is always answered. @returns What became of the channel and the socket. */
  fire(frame: Uint8Array): Promise<'open' | 'closed' | 'gone'>
  stop(): void
}

const aim = async ({ url, document }: LiveAttack, token: string): Promise<Target> => {
  const client = await wireClient(url, document, token)
  const seen = { isClosed: false, isGone: false, isGreeted: false, fences: 0 }
  let wake: () => void = () => {}
  const until = async (claim: () => boolean): Promise<void> => {
    while (!claim() && !seen.isGone) await new Promise<void>((resolve) => (wake = resolve))
  }
  client.onMessage = (message) => {
    if (message.kind === 'close') seen.isClosed = true
    if (message.kind === 'granted' || message.kind === 'denied') seen.fences += 1
    if (message.kind === 'frame') seen.isGreeted = true
    wake()
  }
  client.onClose = () => {
    seen.isGone = true
    wake()
  }
  let fences = 0
  return {
    async fire(frame) {
      await until(() => seen.isGreeted)
      client.frame(frame)
      fences += 1
      client.send({ kind: 'claim', duty: FENCE, holder: 'one of the attackers, whoever' })
      await until(() => seen.fences === fences)
      if (seen.isGone) return 'gone'
      if (!seen.isClosed) return 'open'
      Object.assign(seen, { isClosed: false, isGreeted: false })
      client.open()
      return 'closed'
    },
    stop: () => client.socket.close(),
  }
}

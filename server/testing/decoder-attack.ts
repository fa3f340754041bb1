// Mutated updates against the guard, each that it accepts against Yjs itself: it must load, and leave nothing pending.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'
import { DocumentGuard } from '../guard/guard.ts'
import { rangesOf, StateVector } from '../guard/vector.ts'
import { honestSession } from './honest.ts'
import { mutate } from './mutations.ts'

/** What became of the mutated updates. */
export interface AttackCount {
  readonly refused: number
  readonly missing: number
  readonly nothing: number
  readonly accepted: number
}

const UPDATES_PER_DOCUMENT = 60
const ATTACKS_PER_DOCUMENT = 20

/**
 * Attacks guards of fresh documents.
 *
 * @param seed - The same seed, the same attack.
 * @param count - Mutated updates in all.
 * @throws If an accepted update cannot be applied, or leaves something pending, or does not load again.
 */
export const attackDecoder = (seed: number, count: number): AttackCount => {
  const counts = { refused: 0, missing: 0, nothing: 0, accepted: 0 }
  const gen = prng.create(seed + 1)
  for (let done = 0; done < count; done += ATTACKS_PER_DOCUMENT)
    attackOne(prng.uint32(gen, 0, 2 ** 31), Math.min(ATTACKS_PER_DOCUMENT, count - done), counts)
  return counts
}

const attackOne = (seed: number, count: number, counts: Record<keyof AttackCount, number>): void => {
  const gen = prng.create(seed + 1)
  const { updates } = honestSession(seed, UPDATES_PER_DOCUMENT)
  const all = updates.map(({ update }) => update)
  const base = all.slice(0, prng.int32(gen, 0, all.length))
  const guard = new DocumentGuard(Date.now)
  const stored = new StateVector()
  const doc = new Y.Doc()
  for (const update of base) {
    stored.add(rangesOf(update))
    Y.applyUpdate(doc, update)
  }
  guard.load(stored, [])
  for (let at = 0; at < count; at++) {
    // Mostly the next ones: what is damaged far ahead of the document is only missing something.
    const next = base.length + prng.int32(gen, 0, 2)
    const target = all[prng.int32(gen, 0, 9) < 8 ? next : prng.int32(gen, 0, all.length - 1)] ?? all[0]
    const update = mutate(gen, target as Uint8Array, all)
    const verdict = guard.judge(update, { subject: undefined, isAnswer: prng.bool(gen), mayWrite: true })
    counts[verdict.kind] += 1
    if (verdict.kind === 'accepted') applyOrThrow(doc, verdict.update, verdict.ranges, seed, at)
  }
  const again = new Y.Doc()
  Y.applyUpdate(again, Y.encodeStateAsUpdate(doc))
}

const applyOrThrow = (
  doc: Y.Doc,
  update: Uint8Array,
  ranges: readonly { readonly client: number; readonly to: number }[],
  seed: number,
  at: number,
): void => {
  Y.applyUpdate(doc, update)
  const { pendingStructs, pendingDs } = doc.store
  const isBehind = ranges.some(({ client, to }) => Y.getState(doc.store, client) < to)
  if (pendingStructs === null && pendingDs === null && !isBehind) return
  throw new Error(`seed ${seed}, update ${at}: ${Buffer.from(update).toString('hex')} was accepted and is pending`)
}

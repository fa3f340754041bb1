// The guard of one document: hostile updates are refused, honest ones never, and what it accepts loads.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { attackDecoder } from '../testing/decoder-attack.ts'
import { honestSession } from '../testing/honest.ts'
import { editsOf } from '../testing/member.ts'
import { DocumentGuard } from './guard.ts'
import { rangesOf, StateVector } from './vector.ts'
import type { Sender } from './verdict.ts'

const SEED = Number(process.env['SEED'] ?? 7)
const ANYONE: Sender = { subject: undefined, isAnswer: false, mayWrite: true }
const guardOf = (...stored: Uint8Array[]): DocumentGuard => {
  const guard = new DocumentGuard(Date.now)
  const vector = new StateVector()
  for (const update of stored) vector.add(rangesOf(update))
  guard.load(vector, [])
  return guard
}
const bytes = (hex: string): Uint8Array => Uint8Array.from(Buffer.from(hex, 'hex'))
const write = (client: number, ...edits: ((doc: Y.Doc) => void)[]): Uint8Array[] => {
  const doc = new Y.Doc()
  doc.clientID = client
  return editsOf(doc, ...edits)
}
const put = (key: string, value: unknown) => (doc: Y.Doc) => void doc.getMap('m').set(key, value)
const as = (subject: string, isAnswer = false): Sender => ({ subject, isAnswer, mayWrite: true })

it.each([
  ['garbage under the id of another, 2^40 clocks of it', '01010700808080808020' + '00'],
  ['garbage that nobody deleted', '0101010000' + '05' + '00'],
  ['a clock beyond 2^31', '01010180808080080801017800' + '00'],
  ['a client id beyond 2^32', '0101ffffffff7f000801016d017d0100'],
  ['one client twice', '020101000401016d01610101010401016d016100'],
  ['clients in another order', '0201010004010174016101020004010174016100'],
  ['bytes after its end', '000000'],
  ['a delete of no clocks', '000101010000'],
  ['an element that waits for itself', '01010100840100' + '0161' + '00'],
  ['a key that would be a prototype', '01010100280101' + '6d' + '095f5f70726f746f5f5f' + '017d01' + '00'],
])('[G1] refuses what no Yjs writes: %s', (_, hex) => {
  expect(guardOf().judge(bytes(hex), ANYONE)).toMatchObject({ kind: 'refused' })
})

it('[G2] asks for what an update builds on, and takes nothing of it', () => {
  const [first, second] = write(5, put('a', 1), put('b', 2)) as [Uint8Array, Uint8Array]
  const guard = guardOf()
  expect(guard.judge(second, ANYONE).kind).toBe('missing')
  expect(guard.judge(first, ANYONE).kind).toBe('accepted')
  expect(guard.judge(second, ANYONE).kind).toBe('accepted')
})

it('[G2] takes no delete of clocks that are not here: the future of another cannot be deleted', () => {
  const [first] = write(5, put('a', 1)) as [Uint8Array]
  const futureDelete = bytes('00' + '01' + '05' + '01' + '05' + '64')
  expect(guardOf(first).judge(futureDelete, ANYONE).kind).toBe('missing')
})

it('[G3] takes no other content under clocks that are taken', () => {
  const [mine, more] = write(5, put('a', 'mine'), put('b', 1)) as [Uint8Array, Uint8Array]
  const [forged] = write(5, put('a', 'forged')) as [Uint8Array]
  const guard = guardOf(mine)
  expect(guard.judge(forged, ANYONE)).toMatchObject({ kind: 'nothing' })
  const both = Y.mergeUpdates([forged, more])
  const verdict = guard.judge(both, ANYONE)
  const doc = new Y.Doc()
  Y.applyUpdate(doc, mine)
  if (verdict.kind === 'accepted') Y.applyUpdate(doc, verdict.update)
  expect(doc.getMap('m').toJSON()).toEqual({ a: 'mine', b: 1 })
})

it('[G4] bounds the root types and the depth of a document', () => {
  const guard = guardOf()
  const roots = write(5, (doc) => {
    for (let at = 0; at < 1001; at++) doc.getMap(`root${at}`).set('k', 1)
  })[0] as Uint8Array
  expect(guard.judge(roots, ANYONE)).toMatchObject({ kind: 'refused', refusal: 'too_large' })
  let parent: Y.Map<unknown> | undefined
  const deeper = (doc: Y.Doc): void => {
    for (let level = 0; level < 100; level++) {
      const child = new Y.Map<unknown>()
      ;(parent ?? doc.getMap<unknown>('m')).set('child', child)
      parent = child
    }
  }
  const verdicts = write(5, ...Array.from({ length: 6 }, () => deeper)).map((update) => guard.judge(update, ANYONE))
  expect(verdicts.map(({ kind }) => kind)).toEqual([...Array(4).fill('accepted'), 'refused', 'missing'])
})

it('[G5] a client id belongs to the subject that writes under it first; others may bring what nobody holds', () => {
  const [first, second] = write(5, put('a', 1), put('b', 2)) as [Uint8Array, Uint8Array]
  const guard = guardOf()
  expect(guard.judge(first, as('ann')).kind).toBe('accepted')
  for (const isAnswer of [true, false])
    expect(guard.judge(second, as('ben', isAnswer))).toMatchObject({ kind: 'refused', refusal: 'foreign_client' })
  expect(guard.judge(second, as('ann')).kind).toBe('accepted')
})

it('[G5] a client that synchronised with others brings the writes of all of them, once it is asked', () => {
  const { docs, updates } = honestSession(SEED, 40)
  const all = Y.mergeUpdates(updates.map(({ update }) => update))
  const guard = guardOf()
  expect(guard.judge(all, as('ben')).kind).toBe('missing')
  expect(guard.judge(all, as('ben', true)).kind).toBe('accepted')
  const [own] = editsOf(docs[0] as Y.Doc, put('later', 1)) as [Uint8Array]
  expect(guard.judge(own, as('ann')).kind).toBe('accepted')
  expect(guard.judge(all, as('ben', true)).kind).toBe('accepted')
})

it('[G5] leases outlive a restart, and end after 30 days without a write', () => {
  let nowMs = Date.now()
  const [first, second] = write(5, put('a', 1), put('b', 2)) as [Uint8Array, Uint8Array]
  const guard = new DocumentGuard(() => nowMs)
  const verdict = guard.judge(first, as('ann'))
  const notes = verdict.kind === 'accepted' && verdict.notes ? [verdict.notes] : []
  const stored = new StateVector()
  stored.add(rangesOf(first))
  const restarted = new DocumentGuard(() => nowMs)
  restarted.load(stored, notes)
  expect(restarted.judge(second, as('ben', true)).kind).toBe('refused')
  nowMs += 31 * 24 * 60 * 60 * 1000
  expect(restarted.judge(second, as('ben', true)).kind).toBe('accepted')
})

it('[G8] refuses no honest update: concurrent edits, nesting, garbage, whole states', () => {
  for (let seed = SEED; seed < SEED + 25; seed++) {
    const { docs, updates } = honestSession(seed, 120)
    const guard = guardOf()
    for (const { update, client } of updates) {
      const verdict = guard.judge(update, as(`user ${client}`))
      expect([seed, verdict.kind === 'refused' ? verdict.reason : verdict.kind]).toEqual([seed, 'accepted'])
    }
    for (const doc of docs) {
      const state = Y.encodeStateAsUpdate(doc)
      expect(['accepted', 'nothing']).toContain(guard.judge(state, as('anybody', true)).kind)
      expect(guardOf().judge(state, as('anybody', true)).kind).toBe('accepted')
    }
  }
})

it('[G9] what it accepts of 2,000 mutated updates can be applied, and leaves nothing pending', () => {
  const counts = attackDecoder(SEED, 2_000)
  expect(counts.refused).toBeGreaterThan(500)
  expect(counts.accepted).toBeGreaterThan(10)
})

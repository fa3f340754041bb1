// What a table's document may hold: everything that replicas write, and nothing else.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { RowLog } from '../../src/rowlog/index.ts'
import { StampClock } from '../../src/stamp.ts'
import { editsOf } from '../testing/member.ts'
import { DocumentGuard } from './guard.ts'
import { rangesOf, StateVector } from './vector.ts'
import type { Sender, Verdict } from './verdict.ts'

const NOW_MS = 1_700_000_000_000
const MINUTE_MS = 60_000
const ANYONE: Sender = { subject: undefined, isAnswer: true, mayWrite: true }
const kindOf = (verdict: Verdict) =>
  verdict.kind === 'refused' ? `${verdict.refusal}: ${verdict.reason}` : verdict.kind

/** A replica whose updates are kept, and whose clock can be turned. */
const replica = (name: string) => {
  const time = { nowMs: NOW_MS }
  const log = new RowLog({ replica: name, author: name, clock: new StampClock(() => time.nowMs) })
  const updates: Uint8Array[] = []
  log.onUpdate((update) => void updates.push(update))
  const write = (id: string, value: unknown, insert = false) => {
    log.stage(id, insert, ['title'], [value])
    log.commit()
  }
  return { log, updates, write, time }
}

/** A guard that knows a table's first updates. */
const tableGuard = (updates: readonly Uint8Array[]) => {
  const guard = new DocumentGuard(() => NOW_MS)
  for (const update of updates) expect(kindOf(guard.judge(update, ANYONE))).toBe('accepted')
  return guard
}

/** Raw writes into a table's document, as no replica makes them. */
const forged = (base: readonly Uint8Array[], ...edits: ((root: Y.Array<unknown>, doc: Y.Doc) => void)[]) => {
  const doc = new Y.Doc()
  for (const update of base) Y.applyUpdate(doc, update)
  return editsOf(doc, ...edits.map((edit) => (edited: Y.Doc) => edit(edited.getArray('log'), edited)))
}

it('[G6] takes everything that replicas write: inserts, updates, deletes, seals, merges, whole states', () => {
  const [a, b] = [replica('a.1'), replica('b.1')]
  const guard = new DocumentGuard(() => NOW_MS)
  const [seenA, seenB] = [{ count: 0 }, { count: 0 }]
  const relay = (from: typeof a, seen: { count: number }, to: typeof a) => {
    for (const update of from.updates.slice(seen.count)) {
      const kind = kindOf(guard.judge(update, ANYONE))
      if (kind !== 'missing') expect(['accepted', 'nothing']).toContain(kind)
      Y.applyUpdate(to.log.document, update, 'relay')
    }
    seen.count = from.updates.length
  }
  for (let round = 0; round < 40; round++) {
    for (let row = 0; row < 20; row++) {
      a.write(`row ${(round * 20 + row) % 300}`, { deep: [round] }, round === 0)
      b.write(`row ${row * 3}`, `b ${round}`)
    }
    relay(a, seenA, b)
    relay(b, seenB, a)
  }
  for (const { log } of [a, b]) {
    log.seal()
    expect(kindOf(tableGuard([]).judge(log.encode(), ANYONE))).toBe('accepted')
  }
})

it.each<[string, (root: Y.Array<unknown>, doc: Y.Doc) => void]>([
  ['another root', (_, doc) => void doc.getMap('other').set('k', 1)],
  ['text at the root', (root) => root.push([new Y.Text('x')])],
  ['a map at the root', (root) => root.push([new Y.Map()])],
  ['a number in a list', (root) => (root.get(0) as Y.Array<unknown>).push([7])],
  ['a subdocument', (root) => (root.get(0) as Y.Array<unknown>).push([new Y.Doc()])],
])('[G6] refuses %s in a table', (_, edit) => {
  const { updates, write } = replica('a.1')
  write('row', 'x', true)
  const [update] = forged(updates, edit)
  expect(kindOf(tableGuard(updates).judge(update as Uint8Array, ANYONE))).toMatch(/^shape/)
})

it('[G6] refuses keys, elements and lists of lists where an update says itself that they stand there', () => {
  const { updates, write } = replica('a.1')
  write('row', 'x', true)
  const inner = new Y.Array<string>()
  const attempts = [
    editsOf(new Y.Doc(), (doc) => void doc.getMap('log').set('k', 1)),
    forged([], (root) => root.push([{ format: 1 }])),
    forged([], (root) => root.push([Y.Array.from([inner])])),
  ]
  for (const [update] of attempts)
    expect(kindOf(tableGuard(updates).judge(update as Uint8Array, ANYONE))).toMatch(/^shape/)
})

it('[G6] takes lists that hold bytes after a header that says more than it knows', () => {
  const list = Y.Array.from<object>([{ format: 1, replica: 'a.1', author: null, since: NOW_MS * 2048, packed: 1 }])
  const [update] = forged([], (root) => {
    root.push([list])
    list.push([Uint8Array.of(1, 2, 3), Uint8Array.of(4)])
  })
  expect(kindOf(tableGuard([]).judge(update as Uint8Array, ANYONE))).toBe('accepted')
})

it('[G7] refuses stamps that are ahead by more than five minutes, by header or by patch', () => {
  const a = replica('a.1')
  a.write('row', 'x', true)
  a.time.nowMs += 4 * MINUTE_MS
  a.write('row', 'in time')
  a.time.nowMs += 2 * MINUTE_MS
  a.write('row', 'too early')
  const late = a.updates.pop() as Uint8Array
  const guard = tableGuard(a.updates)
  expect(kindOf(guard.judge(late, ANYONE))).toMatch(/^shape/)
  const b = replica('b.1')
  b.time.nowMs += 6 * MINUTE_MS
  b.write('row', 'too early', true)
  expect(kindOf(guard.judge(b.updates[0] as Uint8Array, ANYONE))).toMatch(/^shape/)
})

it('[G7] knows after a restart what a segment that is still written counts from, and that the document is a table', () => {
  const a = replica('a.1')
  a.write('row', 'x', true)
  const first = tableGuard([]).judge(a.updates[0] as Uint8Array, ANYONE)
  const notes = first.kind === 'accepted' && first.notes ? [first.notes] : []
  const vector = new StateVector()
  vector.add(rangesOf(a.updates[0] as Uint8Array))
  const restarted = () => {
    const guard = new DocumentGuard(() => NOW_MS)
    guard.load(vector, notes)
    return guard
  }
  a.time.nowMs += 6 * MINUTE_MS
  a.write('row', 'too early')
  expect(kindOf(restarted().judge(a.updates[1] as Uint8Array, ANYONE))).toMatch(/^shape/)
  const [other] = forged(a.updates, (_, doc) => void doc.getMap('other').set('k', 1))
  expect(kindOf(restarted().judge(other as Uint8Array, ANYONE))).toMatch(/^(shape|missing)/)
})

it('[G6] a document that begins otherwise is no table, whatever its roots are called', () => {
  const [first, second] = forged(
    [],
    (root) => root.push(['a', 1, new Y.Map()]),
    (_, doc) => doc.getText('t').insert(0, 'x'),
  )
  expect(kindOf(tableGuard([first as Uint8Array]).judge(second as Uint8Array, ANYONE))).toBe('accepted')
})

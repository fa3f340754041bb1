// Updates put together by bytes say what they said apart.
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { DocumentGuard } from '../guard/guard.ts'
import { contentOf, honestSession } from '../testing/honest.ts'
import { combined, type Part } from './combine.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

/** What the guard of an empty document accepts of some updates. */
const accepted = (updates: readonly Uint8Array[]): readonly Part[] => {
  const guard = new DocumentGuard(() => 0)
  return updates.flatMap((update) => {
    const verdict = guard.judge(update, { subject: undefined, isAnswer: true, mayWrite: true })
    return verdict.kind === 'accepted' ? [verdict] : []
  })
}

const docOf = (updates: readonly Uint8Array[]): Y.Doc => {
  const doc = new Y.Doc()
  for (const update of updates) Y.applyUpdate(doc, update)
  return doc
}

const withDeletes = (doc: Y.Doc) => ({ ...contentOf(doc), deletes: Y.snapshot(doc).ds })

it('[R23] updates of several writers say as one what they say apart, from any point on', () => {
  for (let seed = SEED; seed < SEED + 8; seed++) {
    const parts = accepted(honestSession(seed, 100, 4).updates.map(({ update }) => update))
    const at = seed % parts.length
    const apart = parts.map(({ update }) => update)
    const [before, after] = [apart.slice(0, at), combined(parts.slice(at))]
    expect([seed, after.length]).toEqual([seed, 1])
    expect([seed, withDeletes(docOf([...before, ...after]))]).toEqual([seed, withDeletes(docOf(apart))])
    // A guard takes it as it took them: it is what Yjs itself would have written.
    expect([seed, accepted([...before, ...after]).length]).toEqual([seed, accepted(before).length + 1])
  }
})

it('[R23] large updates, and such as do not follow one another, stay apart', () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const length of [1, 1, 100_000, 1, 1]) doc.getText('t').insert(0, 'x'.repeat(length))
  const parts = accepted(updates)
  expect(combined(parts).map(({ length }) => length > 100_000)).toEqual([false, true, false])
  const [first, , , last] = parts as [Part, Part, Part, Part]
  expect(combined([first, last])).toEqual([first.update, last.update])
})

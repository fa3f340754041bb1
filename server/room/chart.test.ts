// What is copied out of an update by bytes is what Yjs would take out of it.
import * as prng from 'lib0/prng'
import { expect, it } from 'vitest'
import * as Y from 'yjs'
import { readUpdate } from '../guard/update.ts'
import { honestSession } from '../testing/honest.ts'
import { chartInTurns, chartOf, excerptOf, rangesBeyond } from './chart.ts'

const SEED = Number(process.env['SEED'] ?? Date.now() % 1_000_000)

const clocksOf = (doc: Y.Doc) => Y.decodeStateVector(Y.encodeStateVector(doc))
const beyond = (update: Uint8Array, has: ReadonlyMap<number, number>): Uint8Array => {
  const chart = chartOf(update)
  return excerptOf(rangesBeyond(chart, has), { bytes: update, at: 0 }, has, update.subarray(chart.deletesAt))
}

it('[R25] what somebody lacks, from any clocks on, is what Yjs says he lacks', () => {
  for (let seed = SEED; seed < SEED + 20; seed++) {
    const gen = prng.create(seed)
    const { docs } = honestSession(seed, 120, 4)
    const whole = new Y.Doc({ gc: prng.bool(gen) })
    for (const doc of docs) Y.applyUpdate(whole, Y.encodeStateAsUpdate(doc))
    const state = Y.encodeStateAsUpdate(whole)
    const clocks = [...clocksOf(whole)]
    for (let round = 0; round < 20; round++) {
      const known = clocks
        .filter(() => prng.bool(gen))
        .map(([client, clock]) => [client, prng.int32(gen, 0, clock + 1)])
      const has = new Map(known as [number, number][])
      const expected = Y.diffUpdate(state, Y.encodeStateVector(has))
      // Written anew, for Yjs forgets a bit that says nothing.
      const found = Y.diffUpdate(beyond(state, has), Uint8Array.of(0))
      expect([seed, round, Buffer.compare(found, expected)]).toEqual([seed, round, 0])
    }
  }
})

/** Every kind of content, and a list that Yjs keeps as one struct. */
const largeDoc = (): { readonly doc: Y.Doc; readonly updates: readonly Uint8Array[] } => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  const rows = doc.getArray('a')
  rows.push(['last'])
  for (let n = 0; n < 100; n++)
    rows.insert(
      n * 50,
      Array.from({ length: 50 }, (_, at) => [`zwölf 🚀 ${at}`, { n, list: [null, undefined, true, 1.5, 2n ** 60n] }]),
    )
  doc.getText('t').insert(0, 'ein Text mit 🚀, länger '.repeat(4000))
  doc.getText('t').format(0, 10, { bold: true })
  doc.getText('t').insertEmbed(3, { image: 'x' })
  doc.getXmlFragment('x').insert(0, [new Y.XmlElement('p'), new Y.XmlText('t')])
  for (let n = 0; n < 200; n++) doc.getMap('m').set(`bytes ${n}`, new Uint8Array(200))
  doc.getMap('m').set('inner', new Y.Doc({ guid: 'inner', meta: { a: [1] } }))
  rows.delete(100, 500)
  return { doc, updates }
}

it('[R25] a long list is cut as Yjs would split it, wherever somebody stands', async () => {
  const { doc, updates } = largeDoc()
  const state = Y.encodeStateAsUpdate(doc)
  const chart = await chartInTurns(state)
  for (let known = 0; known <= updates.length; known += 7) {
    const behind = new Y.Doc()
    for (const update of updates.slice(0, known)) Y.applyUpdate(behind, update)
    const has = clocksOf(behind)
    const deletes = state.subarray(chart.deletesAt)
    Y.applyUpdate(behind, excerptOf(rangesBeyond(chart, has), { bytes: state, at: 0 }, has, deletes))
    expect([known, Buffer.compare(Y.encodeStateAsUpdate(behind), state)]).toEqual([known, 0])
  }
})

it('[R25] a chart covers all that the guard reads: a small one by sections, a large one by some 16 KiB', async () => {
  const state = Y.encodeStateAsUpdate(largeDoc().doc)
  const [small, large] = [chartOf(state), await chartInTurns(state)]
  const [section] = readUpdate(state).sections
  expect(small.ranges).toEqual([
    {
      client: section?.client,
      from: section?.from,
      to: section?.to,
      structs: section?.structs.length,
      bytes: section?.bytes,
    },
  ])
  expect(large.deletesAt).toBe(small.deletesAt)
  for (const [at, range] of large.ranges.entries())
    expect([at, range.from]).toEqual([at, large.ranges[at - 1]?.to ?? 0])
  const lengths = large.ranges.map(({ bytes }) => bytes.to - bytes.from)
  // Only the text is one struct that is not cut.
  expect(lengths.filter((length) => length > 17 * 1024).length).toBe(1)
  expect([lengths.length > 12, large.ranges.at(-1)?.to]).toEqual([true, section?.to])
})

it('[R25] clocks that a state leaves out are left out again', () => {
  const doc = new Y.Doc()
  const updates: Uint8Array[] = []
  doc.on('update', (update: Uint8Array) => updates.push(update))
  for (const key of ['a', 'b', 'c', 'd']) doc.getMap('m').set(key, key)
  const gapped = Y.mergeUpdates([updates[0], updates[2], updates[3]] as Uint8Array[])
  for (const clock of [0, 1, 2, 3, 4]) {
    const has = new Map([[doc.clientID, clock]])
    const [mine, theirs] = [new Y.Doc(), new Y.Doc()]
    for (const [into, update] of [
      [mine, beyond(gapped, has)],
      [theirs, Y.diffUpdate(gapped, Y.encodeStateVector(has))],
    ] as const) {
      for (const known of updates.slice(0, clock)) Y.applyUpdate(into, known)
      Y.applyUpdate(into, update)
      for (const known of updates.slice(1, 2)) Y.applyUpdate(into, known)
    }
    expect([clock, mine.getMap('m').toJSON()]).toEqual([clock, theirs.getMap('m').toJSON()])
    expect(mine.getMap('m').size).toBe(4)
  }
})

it('[R25] an update that ends in the middle is no update', () => {
  expect(() => chartOf(Uint8Array.of(1, 1, 200))).toThrow('ends in the middle')
  expect(() => chartOf(Uint8Array.of(1, 1, 1, 0, 12, 1, 1, 65))).toThrow('no content 12')
})

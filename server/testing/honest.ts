// Updates as honest clients make them: text, maps, lists, XML, nesting, deletes, garbage, undo; by several clients, concurrently.
import * as prng from 'lib0/prng'
import * as Y from 'yjs'

/** One update and the client that made it. */
export interface HonestUpdate {
  readonly client: number
  readonly update: Uint8Array
}

/** Clients of one document, and their updates in an order in which each builds on earlier ones alone. */
export interface Session {
  readonly docs: readonly Y.Doc[]
  readonly updates: readonly HonestUpdate[]
}

/**
 * Lets clients edit at random, and take in one another's updates now and then.
 *
 * @param seed - The same seed, the same session.
 * @param steps - Edits in all.
 */
export const honestSession = (seed: number, steps: number, clients = 3): Session => {
  const gen = prng.create(seed + 1)
  const updates: HonestUpdate[] = []
  const docs = Array.from({ length: clients }, (_, at) => {
    const doc = new Y.Doc()
    doc.clientID = prng.uint32(gen, 1, 2 ** 32 - 1)
    doc.on('update', (update: Uint8Array, origin: unknown) => {
      if (origin !== 'remote') updates.push({ client: at, update })
    })
    return doc
  })
  const seen = docs.map(() => 0)
  for (let step = 0; step < steps; step++) {
    const at = prng.int32(gen, 0, clients - 1)
    const doc = docs[at] as Y.Doc
    if (prng.bool(gen)) {
      for (const { update } of updates.slice(seen[at])) Y.applyUpdate(doc, update, 'remote')
      seen[at] = updates.length
    }
    doc.transact(() => edit(doc, gen))
  }
  return { docs, updates }
}

/** What a document of a session says; two that say the same are equal. */
export const contentOf = (doc: Y.Doc) => ({
  text: doc.getText('t').toDelta() as unknown,
  list: doc.getArray('a').toJSON(),
  map: doc.getMap('m').toJSON(),
  xml: doc.getXmlFragment('x').toString(),
  clocks: new Map([...Y.decodeStateVector(Y.encodeStateVector(doc))].sort(([a], [b]) => a - b)),
  pending: [doc.store.pendingStructs, doc.store.pendingDs],
})

const edit = (doc: Y.Doc, gen: prng.PRNG): void => {
  const text = doc.getText('t')
  const list = doc.getArray<unknown>('a')
  const map = doc.getMap<unknown>('m')
  const xml = doc.getXmlFragment('x')
  const place = (length: number): number => prng.int32(gen, 0, length)
  switch (prng.int32(gen, 0, 9)) {
    case 0:
    case 1:
      return text.insert(place(text.length), prng.word(gen, 1, 12))
    case 2:
      if (text.length > 3) text.delete(place(text.length - 3), 3)
      return
    case 3:
      return text.insert(place(text.length), 'bold', { bold: true, link: { href: prng.word(gen) } })
    case 4:
      return list.insert(place(list.length), [
        prng.word(gen),
        7,
        null,
        { deep: [1, { er: true }] },
        Uint8Array.of(1, 2),
      ])
    case 5:
      if (list.length > 0) list.delete(place(list.length - 1), 1)
      return
    case 6: {
      const row = new Y.Map<unknown>()
      row.set('title', prng.word(gen))
      row.set('tags', Y.Array.from([prng.word(gen)]))
      return void map.set(prng.word(gen, 1, 1), row)
    }
    case 7:
      return map.delete([...map.keys()][0] ?? 'none')
    case 8: {
      const paragraph = new Y.XmlElement('p')
      paragraph.insert(0, [new Y.XmlText(prng.word(gen))])
      return xml.insert(place(xml.length), [paragraph])
    }
    default:
      if (xml.length > 0) xml.delete(place(xml.length - 1), 1)
  }
}

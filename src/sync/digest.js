// A digest of what a Yjs document says: the same for replicas with the same clocks, deletes and content, however their structs are
// cut. JavaScript, since the relay's worker thread reads it as it stands. Knows Yjs alone.
import * as Y from 'yjs'

/** So many clocks are read before others get their turn. */
const CLOCKS_A_STEP = 1000

/**
 * @typedef {object} Digest
 * @property {string} vector Of the clocks that the document has.
 * @property {string} deletes Of the clocks that are deleted.
 * @property {string} content Of what stands under the others, and after what it stands.
 */

/**
 * Works out a document's digest. It stops every now and then; the document must not change meanwhile.
 *
 * @param {Y.Doc} doc
 * @returns {Generator<undefined, Digest, undefined>}
 */
export function* digestOf(doc) {
  const [deletes, content] = [createSum(), createSum()]
  const vector = digestOfClocks(Y.decodeStateVector(Y.encodeStateVector(doc)))
  let steps = 0
  for (const [client, structs] of doc.store.clients) {
    /** Where a run of deleted clocks began that is not over. */
    let deletedFrom = -1
    for (const struct of structs) {
      const { clock } = struct.id
      if (struct.deleted) {
        if (deletedFrom < 0) deletedFrom = clock
        continue
      }
      if (deletedFrom >= 0) deletes.add(`${client}:${deletedFrom}-${clock}`)
      deletedFrom = -1
      const piece = struct instanceof Y.Item ? piecesOf(struct.content) : undefined
      if (piece === undefined) continue
      for (let at = 0; at < struct.length; at++) {
        content.add(`${client}:${clock + at} ${originOf(/** @type {Y.Item} */ (struct), clock + at)} ${piece(at)}`)
        steps += 1
        if (steps % CLOCKS_A_STEP === 0) yield
      }
    }
    if (deletedFrom >= 0) deletes.add(`${client}:${deletedFrom}-`)
  }
  return { vector, deletes: deletes.text(), content: content.text() }
}

/**
 * Works out a document's digest at once, however long it takes.
 *
 * @param {Y.Doc} doc
 * @returns {Digest}
 */
export const digestNow = (doc) => {
  const steps = digestOf(doc)
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

/**
 * The `vector` of a digest.
 *
 * @param {Iterable<[client: number, clock: number]>} clocks
 */
export const digestOfClocks = (clocks) => {
  const sum = createSum()
  for (const [client, clock] of clocks) sum.add(`${client}:${clock}`)
  return sum.text()
}

/**
 * How items are split and joined differs between honest replicas; what each clock stands after does not.
 *
 * @param {Y.Item} item
 * @param {number} clock
 */
export const originOf = ({ id, origin }, clock) =>
  clock > id.clock ? `${id.client}:${clock - 1}` : origin === null ? '' : `${origin.client}:${origin.clock}`

/**
 * Reads content clock by clock; undefined for kinds that say nothing comparable.
 *
 * @param {Y.Item['content']} content
 * @returns {((at: number) => string) | undefined}
 */
export const piecesOf = (content) => {
  if (content instanceof Y.ContentString) return (at) => content.str.charAt(at)
  if (content instanceof Y.ContentAny) return (at) => textOf(content.arr[at])
  if (content instanceof Y.ContentType) return () => nameOf(content.type)
  if (content instanceof Y.ContentBinary) return () => textOf(content.content)
  return undefined
}

/**
 * Shared types by names of our own: those of their classes differ in code that was minified. Subclasses come before what they extend.
 *
 * @type {readonly (readonly [kind: Function, name: string])[]}
 */
const TYPES = [
  [Y.XmlText, 'xml text'],
  [Y.XmlHook, 'xml hook'],
  [Y.XmlElement, 'xml element'],
  [Y.XmlFragment, 'xml fragment'],
  [Y.Text, 'text'],
  [Y.Map, 'map'],
  [Y.Array, 'array'],
]

/** @param {Y.AbstractType<unknown>} type */
const nameOf = (type) => TYPES.find(([kind]) => type instanceof kind)?.[1] ?? 'type'

/** @param {unknown} value */
const textOf = (value) =>
  JSON.stringify(value, (_, inner) => (typeof inner === 'bigint' ? `${inner}n` : inner)) ?? 'undefined'

/** A sum of hashes (FNV-1a, twice 32 bits), whatever their order. It finds accidents, not forgers. */
const createSum = () => {
  let [low, high] = [0, 0]
  return {
    /** @param {string} text */
    add(text) {
      let [a, b] = [0x811c9dc5, 0x050c5d1f]
      for (let at = 0; at < text.length; at++) {
        a = Math.imul(a ^ text.charCodeAt(at), 0x01000193)
        b = Math.imul(b ^ text.charCodeAt(at), 0x01000197)
      }
      low = (low + a) >>> 0
      high = (high + b) >>> 0
    },
    text: () => high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0'),
  }
}

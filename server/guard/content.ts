// What an item of an update carries, read with bounds. Knows the Yjs encoding (v1) of content; not where the item stands.
import * as decoding from 'lib0/decoding'

/** What an item carries: its kind, how many clocks it takes, and plain values as far as others look at them. */
export interface Content {
  readonly kind: 'deleted' | 'json' | 'binary' | 'string' | 'embed' | 'format' | 'type' | 'any' | 'document'
  /** Clocks that it takes; 0 is for the caller to refuse. */
  readonly length: number
  /** The values of `any`, else none. */
  readonly values: readonly unknown[]
  /** Number of the Yjs type of a `type`, else -1; 0 is `Y.Array`. */
  readonly type: number
}

/** Levels of plain values within one another. */
const MAX_VALUE_DEPTH = 100
const NONE: readonly unknown[] = []
const ANY_OBJECT = 118
const ANY_ARRAY = 117
/** Types whose number is followed by a name: XML elements and hooks. */
const NAMED_TYPES: readonly number[] = [3, 5]
const LAST_TYPE = 6

/**
 * Reads the content of one item.
 *
 * @param ref - Its number, the low five bits of the item's first byte.
 * @throws If there is no such content, or Yjs could not read or write it again.
 */
export const readContent = (decoder: decoding.Decoder, ref: number): Content => {
  switch (ref) {
    case 1:
      return content('deleted', decoding.readVarUint(decoder))
    case 2:
      return content('json', readEach(decoder, readOldJson).length)
    case 3:
      decoding.readVarUint8Array(decoder)
      return content('binary', 1)
    case 4:
      return content('string', decoding.readVarString(decoder).length)
    case 5:
      readJson(decoder)
      return content('embed', 1)
    case 6:
      requireHarmlessKey(decoding.readVarString(decoder))
      readJson(decoder)
      return content('format', 1)
    case 7:
      return { kind: 'type', length: 1, values: NONE, type: readType(decoder) }
    case 8: {
      const values = readEach(decoder, (from) => readValue(from, 0))
      return { kind: 'any', length: values.length, values, type: -1 }
    }
    case 9:
      readDocument(decoder)
      return content('document', 1)
    default:
      throw new Error(`there is no content ${ref}`)
  }
}

/** Refuses the key that would replace an object's prototype when a document is read as plain objects. */
export const requireHarmlessKey = (key: string): void => {
  if (key === '__proto__') throw new Error('"__proto__" is no key')
}

const content = (kind: Content['kind'], length: number): Content => ({ kind, length, values: NONE, type: -1 })

const readEach = <T>(decoder: decoding.Decoder, read: (decoder: decoding.Decoder) => T): T[] => {
  const count = decoding.readVarUint(decoder)
  const values: T[] = []
  // No array of that length beforehand: the number may be any, and the bytes end soon.
  for (let at = 0; at < count; at++) values.push(read(decoder))
  return values
}

const readType = (decoder: decoding.Decoder): number => {
  const type = decoding.readVarUint(decoder)
  if (type > LAST_TYPE) throw new Error(`there is no type ${type}`)
  if (NAMED_TYPES.includes(type)) decoding.readVarString(decoder)
  return type
}

const readOldJson = (decoder: decoding.Decoder): void => {
  const text = decoding.readVarString(decoder)
  if (text !== 'undefined') requireShallow(JSON.parse(text), 0)
}

const readJson = (decoder: decoding.Decoder): void => requireShallow(JSON.parse(decoding.readVarString(decoder)), 0)

/** A subdocument's options become those of a `Y.Doc` on every client, so nothing but what Yjs itself writes may stand there. */
const readDocument = (decoder: decoding.Decoder): void => {
  decoding.readVarString(decoder)
  const options = readValue(decoder, 0)
  if (typeof options !== 'object' || options === null || Array.isArray(options)) throw new Error('no options')
  for (const [key, value] of Object.entries(options)) {
    const isKnown = key === 'meta' || ((key === 'gc' || key === 'autoLoad') && typeof value === 'boolean')
    if (!isKnown) throw new Error(`a subdocument has no option ${key}`)
  }
}

const readValue = (decoder: decoding.Decoder, depth: number): unknown => {
  const type = decoder.arr[decoder.pos]
  if (type !== ANY_OBJECT && type !== ANY_ARRAY) return decoding.readAny(decoder)
  if (depth >= MAX_VALUE_DEPTH) throw new Error(`values are more than ${MAX_VALUE_DEPTH} deep`)
  decoder.pos += 1
  return type === ANY_ARRAY ? readEach(decoder, (from) => readValue(from, depth + 1)) : readObject(decoder, depth)
}

const readObject = (decoder: decoding.Decoder, depth: number): object => {
  const count = decoding.readVarUint(decoder)
  const object: Record<string, unknown> = {}
  for (let at = 0; at < count; at++) {
    const key = decoding.readVarString(decoder)
    requireHarmlessKey(key)
    object[key] = readValue(decoder, depth + 1)
  }
  return object
}

/** `JSON.parse` takes any depth, but `JSON.stringify`, with which Yjs writes it again, overflows the stack. */
const requireShallow = (value: unknown, depth: number): void => {
  if (typeof value !== 'object' || value === null) return
  if (depth >= MAX_VALUE_DEPTH) throw new Error(`values are more than ${MAX_VALUE_DEPTH} deep`)
  for (const [key, inner] of Object.entries(value)) {
    requireHarmlessKey(key)
    requireShallow(inner, depth + 1)
  }
}

// An update (Yjs encoding v1) read from bytes that anyone may have sent. Refuses what no Yjs writes; knows no document.
import * as decoding from 'lib0/decoding'
import { type Content, readContent, requireHarmlessKey } from './content.ts'

/** One clock of one client. */
export interface Id {
  readonly client: number
  readonly clock: number
}

/** One struct of an update. */
export interface Struct extends Id {
  readonly length: number
  /** Undefined for collected garbage. */
  readonly item: Item | undefined
}

/** What an item says beside its clocks. */
export interface Item {
  readonly origin: Id | undefined
  readonly rightOrigin: Id | undefined
  /** Name of a root type, or the item of another type; undefined if it is that of the origins. */
  readonly parent: string | Id | undefined
  readonly parentSub: string | undefined
  readonly content: Content
}

/** The structs of one client, in clock order, without a gap. */
export interface Section {
  readonly client: number
  readonly from: number
  readonly to: number
  readonly structs: readonly Struct[]
  /** Whether the client left clocks out: what comes after that is not here. */
  readonly hasGap: boolean
  /** Where its structs lie in the update's bytes. */
  readonly bytes: Span
}

/** Clocks, or bytes, `from` up to and without `to`. */
export interface Span {
  readonly from: number
  readonly to: number
}

/** Everything that an update says. */
export interface Update {
  /** By client, highest first, each once. */
  readonly sections: readonly Section[]
  /** Deleted clocks by client, in order, joined. */
  readonly deletes: ReadonlyMap<number, readonly Span[]>
}

/** Highest client id; Yjs takes 32 random bits. */
export const MAX_CLIENT = 2 ** 32 - 1
/** Clocks end here. */
export const MAX_CLOCK = 2 ** 31
/** Longest name of a root type or key, in characters. */
const MAX_KEY_LENGTH = 1024

const CONTENT_BITS = 0b0001_1111
const HAS_PARENT_SUB = 0b0010_0000
const HAS_RIGHT_ORIGIN = 0b0100_0000
const HAS_ORIGIN = 0b1000_0000
const SKIP = 10

/**
 * Reads an update.
 *
 * @throws An `Error` that says why Yjs could not have written it.
 */
export const readUpdate = (bytes: Uint8Array): Update => {
  const decoder = decoding.createDecoder(bytes)
  const sections = readSections(decoder)
  const deletes = readDeletes(decoder)
  // Also how an update in encoding v2 shows.
  if (decoding.hasContent(decoder)) throw new Error('bytes are left over')
  requireGarbageDeleted(sections, deletes)
  return { sections, deletes }
}

const readSections = (decoder: decoding.Decoder): readonly Section[] => {
  const count = decoding.readVarUint(decoder)
  const sections: Section[] = []
  for (let at = 0; at < count; at++) {
    const section = readSection(decoder)
    // Yjs writes them so, and merges updates wrongly that are in another order.
    if (section.client >= (sections.at(-1)?.client ?? Number.POSITIVE_INFINITY))
      throw new Error('clients are out of order')
    sections.push(section)
  }
  return sections
}

const readSection = (decoder: decoding.Decoder): Section => {
  const count = decoding.readVarUint(decoder)
  const client = readClient(decoder)
  const from = decoding.readVarUint(decoder)
  const structs: Struct[] = []
  const start = decoder.pos
  let clock = from
  let hasGap = false
  for (let at = 0; at < count; at++) {
    const info = decoding.readUint8(decoder)
    const isSkip = info === SKIP
    const item = isSkip || (info & CONTENT_BITS) === 0 ? undefined : readItem(decoder, info)
    const length = item === undefined ? decoding.readVarUint(decoder) : item.content.length
    if (length <= 0 || clock + length > MAX_CLOCK) throw new Error(`a struct has ${length} clocks`)
    if (isSkip) hasGap = true
    else structs.push({ client, clock, length, item })
    clock += length
  }
  return { client, from, to: clock, structs, hasGap, bytes: { from: start, to: decoder.pos } }
}

const readItem = (decoder: decoding.Decoder, info: number): Item => {
  const origin = (info & HAS_ORIGIN) === 0 ? undefined : readId(decoder)
  const rightOrigin = (info & HAS_RIGHT_ORIGIN) === 0 ? undefined : readId(decoder)
  const isFirst = origin === undefined && rightOrigin === undefined
  const parent = isFirst ? readParent(decoder) : undefined
  const parentSub = isFirst && (info & HAS_PARENT_SUB) !== 0 ? readKey(decoder) : undefined
  return { origin, rightOrigin, parent, parentSub, content: readContent(decoder, info & CONTENT_BITS) }
}

const readParent = (decoder: decoding.Decoder): string | Id =>
  decoding.readVarUint(decoder) === 1 ? readKey(decoder) : readId(decoder)

const readKey = (decoder: decoding.Decoder): string => {
  const key = decoding.readVarString(decoder)
  requireHarmlessKey(key)
  if (key.length > MAX_KEY_LENGTH) throw new Error(`a key has ${key.length} characters`)
  return key
}

const readId = (decoder: decoding.Decoder): Id => {
  const client = readClient(decoder)
  const clock = decoding.readVarUint(decoder)
  if (clock >= MAX_CLOCK) throw new Error(`clock ${clock} is too high`)
  return { client, clock }
}

const readClient = (decoder: decoding.Decoder): number => {
  const client = decoding.readVarUint(decoder)
  if (client > MAX_CLIENT) throw new Error(`client id ${client} is too high`)
  return client
}

/** Reads what follows the structs. @throws As {@link readUpdate} does. */
export const readDeletes = (decoder: decoding.Decoder): Update['deletes'] => {
  const deletes = new Map<number, readonly Span[]>()
  const clients = decoding.readVarUint(decoder)
  for (let at = 0; at < clients; at++) {
    const client = readClient(decoder)
    const count = decoding.readVarUint(decoder)
    const spans: Span[] = [...(deletes.get(client) ?? [])]
    for (let n = 0; n < count; n++) {
      const from = decoding.readVarUint(decoder)
      const to = from + decoding.readVarUint(decoder)
      if (to <= from || to > MAX_CLOCK) throw new Error(`a delete of clocks ${from} to ${to}`)
      spans.push({ from, to })
    }
    if (spans.length > 0) deletes.set(client, joined(spans))
  }
  return deletes
}

/** Spans in order, those that touch as one. */
export const joined = (spans: readonly Span[]): readonly Span[] => {
  const result: { from: number; to: number }[] = []
  for (const { from, to } of [...spans].sort((a, b) => a.from - b.from)) {
    const last = result.at(-1)
    if (last !== undefined && from <= last.to) last.to = Math.max(last.to, to)
    else result.push({ from, to })
  }
  return result
}

/** Yjs collects only what is deleted, and says so in the same update; garbage alone would take the place of what others wrote. */
const requireGarbageDeleted = (sections: readonly Section[], deletes: Update['deletes']): void => {
  for (const { client, structs } of sections) {
    const spans = deletes.get(client) ?? []
    let at = 0
    for (const { clock, length, item } of structs) {
      if (item !== undefined && item.content.kind !== 'deleted') continue
      while ((spans[at]?.to ?? Number.POSITIVE_INFINITY) <= clock) at += 1
      const span = spans[at]
      if (span === undefined || span.from > clock || span.to < clock + length)
        throw new Error('garbage that nobody deleted')
    }
  }
}

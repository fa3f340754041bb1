// The lists that stored updates hold, read without a Yjs document, which takes its time over each run that ever wrote to it. Knows the bytes
// of updates (encoding v1), see `Item.write` and `writeDeleteSet` in Yjs; nothing of what stands in the lists.
import * as decoding from 'lib0/decoding'

/** Where an item of an update is, or what it stands behind. */
interface Place {
  readonly client: number
  readonly clock: number
}

/** What an item says of its place: what it was put behind, or, as the first, the list or the root list that it is in. */
interface Position {
  readonly behind: Place | undefined
  readonly inside: Place | string | undefined
  /** Whether it was put before something, or is a value of a map. */
  readonly isElsewhere: boolean
}

/** A list of the root, and what was appended to it. */
interface StoredList {
  readonly client: number
  readonly clock: number
  readonly elements: { readonly clock: number; readonly value: unknown }[]
  /** Clock of the last element, a deleted one too; that of the list itself before the first. */
  last: number
  /** Clocks of all elements, deleted ones too, from and to. */
  readonly runs: [number, number][]
}

/** What an item holds: the array is of elements that stand in a list. */
type Content = 'a list' | { readonly deleted: number } | readonly unknown[]

/** Thrown at what only Yjs can say the outcome of. */
class Unclear extends Error {}

// Kinds of structs, in the low bits of their first byte, and flags of items, in the high ones.
const KIND = 0b11111
const GC = 0
const DELETED = 1
const BINARY = 3
const TYPE = 7
const ANY = 8
const HAS_KEY = 0b100000
const HAS_RIGHT = 0b1000000
const HAS_LEFT = 0b10000000
/** The type of a list. */
const ARRAY = 0

/** How many client ids wrote what one update holds; the most of several. */
export const clientsOf = (updates: readonly Uint8Array[]): number =>
  updates.reduce((most, update) => Math.max(most, decoding.readVarUint(decoding.createDecoder(update))), 0)

/**
 * The elements of each list that a document of these updates has in one of its root lists, in order, as far as they are not deleted.
 *
 * Takes lists that were only ever appended to, each by its own client, as row logs write them.
 *
 * @param updates - All that the document consists of.
 * @param root - Name of the root list.
 * @returns undefined if there is anything else, so that a document has to be asked.
 * @throws if the bytes are no updates.
 */
export const storedLists = (updates: readonly Uint8Array[], root: string): (readonly unknown[])[] | undefined => {
  const reader = new ListReader(root)
  const decoders = updates.map((update) => decoding.createDecoder(update))
  try {
    for (const decoder of decoders) reader.readStructs(decoder)
    reader.assertClear()
    for (const decoder of decoders) reader.readDeletes(decoder)
    return reader.lists()
  } catch (error) {
    if (error instanceof Unclear) return undefined
    throw error
  }
}

class ListReader {
  readonly #root: string
  /** The clock up to which each client's structs have been read. */
  readonly #ends = new Map<number, number>()
  readonly #lists = new Map<number, StoredList[]>()
  /** What items of the root were put behind. */
  readonly #origins: Place[] = []

  constructor(root: string) {
    this.#root = root
  }

  readStructs(decoder: decoding.Decoder): void {
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      let structs = decoding.readVarUint(decoder)
      const client = decoding.readVarUint(decoder)
      let clock = decoding.readVarUint(decoder)
      for (; structs > 0; structs--) clock += this.#readStruct(decoder, client, clock)
    }
  }

  /** Behind the structs: which of them are deleted. Most clients have nothing left that could be. */
  readDeletes(decoder: decoding.Decoder): void {
    for (let clients = decoding.readVarUint(decoder); clients > 0; clients--) {
      const lists = this.#lists.get(decoding.readVarUint(decoder))
      for (let ranges = decoding.readVarUint(decoder); ranges > 0; ranges--) {
        const clock = decoding.readVarUint(decoder)
        const end = clock + decoding.readVarUint(decoder)
        if (lists !== undefined) for (const list of lists.splice(0)) lists.push(...withoutDeleted(list, clock, end))
      }
    }
  }

  /** An item that stands behind another stands in the same list, so one behind an element is none of the root's. */
  assertClear(): void {
    if (this.#origins.some((origin) => this.#isElement(origin))) throw new Unclear()
  }

  lists(): (readonly unknown[])[] {
    return [...this.#lists.values()].flat().map(({ elements }) => elements.map(({ value }) => value))
  }

  /** @returns How many clocks it takes up. */
  #readStruct(decoder: decoding.Decoder, client: number, clock: number): number {
    const info = decoding.readUint8(decoder)
    if ((info & KIND) === GC) {
      const length = decoding.readVarUint(decoder)
      this.#isNew(client, clock, length)
      return length
    }
    const position = readPosition(decoder, info)
    const content = readContent(decoder, info & KIND)
    const length = content === 'a list' ? 1 : 'deleted' in content ? content.deleted : content.length
    if (this.#isNew(client, clock, length)) this.#take({ client, clock, length }, position, content)
    return length
  }

  /** What lies in several updates is taken once. */
  #isNew(client: number, clock: number, length: number): boolean {
    const known = this.#ends.get(client) ?? 0
    const end = clock + length
    if (length === 0 || clock > known || (clock < known && known < end)) throw new Unclear()
    if (end > known) this.#ends.set(client, end)
    return end > known
  }

  #take(item: Place & { readonly length: number }, position: Position, content: Content): void {
    const { client, clock, length } = item
    const lists = this.#lists.get(client)
    const list = lists?.findLast((other) => isAppended(position, other))
    if (list !== undefined) {
      if (content === 'a list') throw new Unclear()
      if (!('deleted' in content)) content.forEach((value, at) => list.elements.push({ clock: clock + at, value }))
      list.last = clock + length - 1
      list.runs.push([clock, list.last])
      return
    }
    const { behind, inside, isElsewhere } = position
    if (isElsewhere || (behind === undefined && inside !== this.#root)) throw new Unclear()
    if (behind !== undefined) this.#origins.push(behind)
    if (content === 'a list') {
      const begun: StoredList = { client, clock, elements: [], last: clock, runs: [] }
      if (lists === undefined) this.#lists.set(client, [begun])
      else lists.push(begun)
    } else if (!('deleted' in content)) throw new Unclear()
  }

  #isElement({ client, clock }: Place): boolean {
    return this.#lists.get(client)?.some(({ runs }) => runs.some(([from, to]) => from <= clock && clock <= to)) ?? false
  }
}

const readPlace = (decoder: decoding.Decoder): Place => ({
  client: decoding.readVarUint(decoder),
  clock: decoding.readVarUint(decoder),
})

const readPosition = (decoder: decoding.Decoder, info: number): Position => {
  const behind = (info & HAS_LEFT) === 0 ? undefined : readPlace(decoder)
  if ((info & HAS_RIGHT) !== 0) readPlace(decoder)
  let isElsewhere = (info & HAS_RIGHT) !== 0
  let inside: Place | string | undefined
  if ((info & (HAS_LEFT | HAS_RIGHT)) === 0) {
    inside = decoding.readVarUint(decoder) === 1 ? decoding.readVarString(decoder) : readPlace(decoder)
    if ((info & HAS_KEY) !== 0) {
      decoding.readVarString(decoder)
      isElsewhere = true
    }
  }
  return { behind, inside, isElsewhere }
}

const readContent = (decoder: decoding.Decoder, kind: number): Content => {
  switch (kind) {
    case DELETED:
      return { deleted: decoding.readVarUint(decoder) }
    case BINARY:
      return [decoding.readVarUint8Array(decoder)]
    case TYPE:
      if (decoding.readVarUint(decoder) === ARRAY) return 'a list'
      break
    case ANY: {
      const elements: unknown[] = []
      for (let left = decoding.readVarUint(decoder); left > 0; left--) elements.push(decoding.readAny(decoder))
      return elements
    }
  }
  throw new Unclear()
}

/** Whether an item was put at the end of a list by the list's own client. */
const isAppended = ({ behind, inside, isElsewhere }: Position, list: StoredList): boolean => {
  const before = list.last === list.clock ? inside : behind
  return !isElsewhere && typeof before === 'object' && before.client === list.client && before.clock === list.last
}

/** What is left of a list without a range of clocks; nothing if that has the list itself. */
const withoutDeleted = (list: StoredList, from: number, end: number): readonly StoredList[] => {
  if (from <= list.clock && list.clock < end) return []
  if (end <= list.clock || list.last < from) return [list]
  return [{ ...list, elements: list.elements.filter(({ clock }) => clock < from || end <= clock) }]
}

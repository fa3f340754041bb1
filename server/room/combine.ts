// Accepted updates of one document put together as one, by bytes: a reader then integrates once what became durable at once. Knows the
// Yjs encoding (v1) as far as structs follow one another in it; the guard has read what lies within.
import * as encoding from 'lib0/encoding'
import { joined, type Span } from '../guard/update.ts'
import type { StructRange, Verdict } from '../guard/verdict.ts'

/** An accepted update and where its structs lie. */
export type Part = Pick<Extract<Verdict, { kind: 'accepted' }>, 'update' | 'ranges' | 'deletes'>

/** Updates up to so many bytes are combined; copying more takes longer than sending it by itself. */
const MAX_COMBINED_BYTES = 64 * 1024

/**
 * Combines updates that follow one another in a document's log.
 *
 * @param parts - In the order of the log; at least one.
 * @returns What they say, in the same order, as few updates: as many as are large, or do not follow one another.
 */
export const combined = (parts: readonly Part[]): readonly Uint8Array[] => {
  if (parts.length === 1) return parts.map(({ update }) => update)
  const updates: Uint8Array[] = []
  let group = new Group()
  for (const part of parts) {
    if (!group.takes(part)) {
      updates.push(group.encode())
      group = new Group()
    }
    group.add(part)
  }
  return [...updates, group.encode()]
}

/** The structs of one client, in clock order, piece by piece. */
interface Run {
  readonly from: number
  to: number
  structs: number
  readonly pieces: Uint8Array[]
}

class Group {
  readonly #parts: Part[] = []
  readonly #runs = new Map<number, Run>()
  readonly #deletes = new Map<number, Span[]>()
  #bytes = 0

  takes({ update, ranges }: Part): boolean {
    if (this.#parts.length === 0) return true
    return this.#bytes + update.length <= MAX_COMBINED_BYTES && ranges.every((range) => this.#follows(range))
  }

  add(part: Part): void {
    this.#parts.push(part)
    this.#bytes += part.update.length
    for (const range of part.ranges) this.#extend(range, part.update.subarray(range.bytes.from, range.bytes.to))
    for (const [client, spans] of part.deletes) {
      const known = this.#deletes.get(client)
      if (known === undefined) this.#deletes.set(client, [...spans])
      else known.push(...spans)
    }
  }

  encode(): Uint8Array {
    const [first] = this.#parts
    if (first !== undefined && this.#parts.length === 1) return first.update
    const encoder = encoding.createEncoder()
    encoding.writeVarUint(encoder, this.#runs.size)
    for (const [client, { from, structs, pieces }] of highestFirst(this.#runs)) {
      encoding.writeVarUint(encoder, structs)
      encoding.writeVarUint(encoder, client)
      encoding.writeVarUint(encoder, from)
      for (const piece of pieces) encoding.writeUint8Array(encoder, piece)
    }
    encoding.writeVarUint(encoder, this.#deletes.size)
    for (const [client, spans] of highestFirst(this.#deletes)) writeSpans(encoder, client, joined(spans))
    return encoding.toUint8Array(encoder)
  }

  #follows({ client, from }: StructRange): boolean {
    const run = this.#runs.get(client)
    return run === undefined || run.to === from
  }

  #extend({ client, from, to, structs }: StructRange, piece: Uint8Array): void {
    const run = this.#runs.get(client)
    if (run === undefined) this.#runs.set(client, { from, to, structs, pieces: [piece] })
    else {
      run.to = to
      run.structs += structs
      run.pieces.push(piece)
    }
  }
}

/** Yjs writes clients so. */
const highestFirst = <T>(byClient: ReadonlyMap<number, T>): readonly (readonly [client: number, T])[] =>
  [...byClient].sort(([a], [b]) => b - a)

const writeSpans = (encoder: encoding.Encoder, client: number, spans: readonly Span[]): void => {
  encoding.writeVarUint(encoder, client)
  encoding.writeVarUint(encoder, spans.length)
  for (const { from, to } of spans) {
    encoding.writeVarUint(encoder, from)
    encoding.writeVarUint(encoder, to - from)
  }
}

// What the guard must remember of a document beside its log: whether it is a table, who may use which client id, where segments
// count their stamps from, roots and depth. Bounded, and rests as short records in a log of its own. Knows no updates.
import type { Base } from './table.ts'

/** Name of the log that holds a document's notes; no document can be called so. */
export const notesOf = (document: string): string => `#guard/${document}`

/** Who uses a client id, and the day it was last seen on (days since the epoch). */
export interface Lease {
  readonly subject: string
  readonly day: number
}

/** After so many days without a write a client id is free again, so that others may bring what its user wrote. */
export const LEASE_DAYS = 30
/** A lease is written anew after so many days, not at each write. */
const RENEWAL_DAYS = 5
const MAX_BASES = 4
const MAX_BASE_CLIENTS = 1000
const DAY_MS = 24 * 60 * 60 * 1000

/** One thing to remember, as it rests. */
type Note =
  | readonly ['table']
  | readonly ['root', string]
  | readonly ['deep', number]
  | readonly ['lease', number, string, number]
  | readonly ['base', number, number, number]
  | readonly ['refused', string]

/** The notes of one document. Changes gather until they are taken, to be stored before the update that caused them. */
export class Notes {
  readonly #now: () => number
  readonly #leases = new Map<number, Lease>()
  readonly #bases = new Map<number, Base[]>()
  readonly #roots = new Set<string>()
  readonly #refused = new Set<string>()
  #isTable = false
  #deepest = 1
  #fresh: Note[] = []

  /** @param now - Wall clock, milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
  }

  /** Whether the document is a table. */
  get isTable(): boolean {
    return this.#isTable
  }
  /** Names of root types. */
  get roots(): ReadonlySet<string> {
    return this.#roots
  }
  /** No type lies deeper. */
  get deepest(): number {
    return this.#deepest
  }
  /** Hashes of updates that broke the document. */
  get refused(): ReadonlySet<string> {
    return this.#refused
  }

  /** The document is a table from now on. */
  noteTable(): void {
    this.#note(['table'])
  }
  /** A root type is there. */
  noteRoot(name: string): void {
    if (!this.#roots.has(name)) this.#note(['root', name])
  }
  /** How deep types lie. */
  noteDepth(depth: number): void {
    if (depth !== this.#deepest) this.#note(['deep', depth])
  }
  /** An update is never taken again. */
  noteRefused(hash: string): void {
    this.#note(['refused', hash])
  }
  /** Where elements count their stamps from. */
  noteBase(base: Base): void {
    if (this.base(base.client, base.clock) !== base.since) this.#note(['base', base.client, base.clock, base.since])
  }

  /** The stamp that an element counts from; 0 if that is not known. */
  base(client: number, clock: number): number {
    return this.#bases.get(client)?.findLast((base) => base.clock <= clock)?.since ?? 0
  }

  /** Who else uses a client id now; undefined if it is free or the subject's own. */
  otherHolder(client: number, subject: string): string | undefined {
    const lease = this.#leases.get(client)
    return lease === undefined || lease.subject === subject || this.#isOver(lease) ? undefined : lease.subject
  }

  /** Leases a client id, which is free or the subject's own. */
  lease(client: number, subject: string): void {
    const day = Math.floor(this.#now() / DAY_MS)
    const held = this.#leases.get(client)
    if (held?.subject === subject && day - held.day < RENEWAL_DAYS) return
    this.#note(['lease', client, subject, day])
  }

  /** Takes the changes, as one record; undefined if there are none. */
  take(): Uint8Array | undefined {
    if (this.#fresh.length === 0) return undefined
    const record = encode(this.#fresh)
    this.#fresh = []
    return record
  }

  /** Takes in a record: one that was stored, or one whose storing failed and has to be tried again. */
  read(record: Uint8Array, isStored: boolean): void {
    const notes = decode(record)
    for (const note of notes) this.#apply(note)
    if (!isStored) this.#fresh.unshift(...notes)
  }

  /** All that still counts, as one record. */
  whole(): Uint8Array {
    const notes: Note[] = this.#isTable ? [['table']] : []
    for (const root of this.#roots) notes.push(['root', root])
    notes.push(['deep', this.#deepest])
    for (const hash of this.#refused) notes.push(['refused', hash])
    for (const [client, lease] of this.#leases)
      if (!this.#isOver(lease)) notes.push(['lease', client, lease.subject, lease.day])
    for (const { client, clock, since } of [...this.#bases.values()].flat()) notes.push(['base', client, clock, since])
    return encode(notes)
  }

  #isOver({ day }: Lease): boolean {
    return Math.floor(this.#now() / DAY_MS) - day > LEASE_DAYS
  }

  #note(note: Note): void {
    this.#fresh.push(note)
    this.#apply(note)
  }

  #apply(note: Note): void {
    switch (note[0]) {
      case 'table':
        this.#isTable = true
        return
      case 'root':
        this.#roots.add(note[1])
        return
      case 'deep':
        this.#deepest = note[1]
        return
      case 'refused':
        this.#refused.add(note[1])
        return
      case 'lease':
        this.#leases.set(note[1], { subject: note[2], day: note[3] })
        return
      case 'base':
        this.#addBase({ client: note[1], clock: note[2], since: note[3] })
    }
  }

  /** Writers append to their last segment, so the last few suffice. */
  #addBase(base: Base): void {
    const bases = [...(this.#bases.get(base.client) ?? []).slice(1 - MAX_BASES), base]
    this.#bases.delete(base.client)
    this.#bases.set(base.client, bases)
    const [oldest] = this.#bases.keys()
    if (this.#bases.size > MAX_BASE_CLIENTS && oldest !== undefined) this.#bases.delete(oldest)
  }
}

const encode = (notes: readonly Note[]): Uint8Array => new TextEncoder().encode(JSON.stringify(notes))
const decode = (record: Uint8Array): readonly Note[] => JSON.parse(new TextDecoder().decode(record)) as readonly Note[]

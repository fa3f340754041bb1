// The guard of one document: judges every update before anything else sees it. Knows clocks, leases and shapes; keeps no content.
import { createHash } from 'node:crypto'
import { completenessOf } from './dependencies.ts'
import { Notes } from './notes.ts'
import { type Growth, Outline } from './outline.ts'
import { type Base, beginsTable, readTable, type TableReading } from './table.ts'
import { readUpdate, type Update } from './update.ts'
import { type ClockRange, StateVector } from './vector.ts'
import { refused, type Sender, type Verdict } from './verdict.ts'

/** An update's new part, as bytes and read. */
interface News {
  readonly overlap: readonly ClockRange[]
  readonly update: Uint8Array
  readonly news: Update
}

/** A document that the guard has not seen from its beginning is taken to be this deep. */
const UNKNOWN_DEPTH = 250
/** What cannot be placed counts as the deepest, so the depth is measured when it seems to have grown by so much. */
const VAGUE_DEPTH = 300

/** Judges the updates of one document, and remembers what it needs for that. */
export class DocumentGuard {
  readonly #now: () => number
  /** What was accepted, stored already or about to be. */
  readonly #accepted = new StateVector()
  #notes: Notes
  #outline = new Outline([], 1)
  #measured = 0

  /** @param now - Wall clock, milliseconds since the epoch. */
  constructor(now: () => number) {
    this.#now = now
    this.#notes = new Notes(now)
  }

  /** Starts from what is stored: the document's clocks and the records of its notes. */
  load(stored: StateVector, records: readonly Uint8Array[]): void {
    this.#accepted.become(stored)
    this.#notes = new Notes(this.#now)
    for (const record of records) this.#notes.read(record, true)
    const isUnseen = records.length === 0 && !stored.isEmpty
    this.#outline = new Outline(this.#notes.roots, isUnseen ? UNKNOWN_DEPTH : this.#notes.deepest)
  }

  /** An accepted update is stored. */
  noteStored(ranges: readonly ClockRange[]): void {
    this.#accepted.add(ranges)
  }

  /** What was accepted last could not be stored: goes back to what is. */
  revert(stored: StateVector, notes: Uint8Array | undefined): void {
    this.#accepted.become(stored)
    if (notes !== undefined) this.#notes.read(notes, false)
  }

  /** All notes as one record, to replace those that are stored. */
  get notes(): Uint8Array {
    return this.#notes.whole()
  }

  /** Whether an update was found to break the document. */
  isBroken(update: Uint8Array): boolean {
    return this.hasBroken && this.#notes.refused.has(hashOf(update))
  }

  /** Whether any is known. */
  get hasBroken(): boolean {
    return this.#notes.refused.size > 0
  }

  /** Refuses an update from now on. */
  refuse(update: Uint8Array): void {
    this.#notes.noteRefused(hashOf(update))
  }

  /** Takes what has to be stored beside no update; undefined if there is nothing. */
  takeNotes(): Uint8Array | undefined {
    return this.#notes.take()
  }

  /** Whether another subject uses a client id. */
  isHeldByAnother(client: number, subject: string): boolean {
    return this.#notes.otherHolder(client, subject) !== undefined
  }

  /** Leases a client id to a subject that announces it. @returns Whether it may have it. */
  lease(client: number, subject: string): boolean {
    if (this.isHeldByAnother(client, subject)) return false
    this.#notes.lease(client, subject)
    return true
  }

  /** Judges an update. One that is accepted counts as known from then on. */
  judge(bytes: Uint8Array, sender: Sender): Verdict {
    const read = this.#readNews(bytes)
    if (!sender.mayWrite) return readerVerdict(read, sender)
    if ('kind' in read) return read
    const { news } = read
    const foreign = this.#foreignClient(news, sender)
    if (foreign !== undefined) return foreign
    const growth = this.#outline.growthOf(news)
    const tooLarge = this.#outline.refusal(growth)
    if (tooLarge !== undefined) return refused('too_large', tooLarge)
    const table = this.#tableReading(news)
    if ('refusal' in table) return refused('shape', table.refusal)
    return this.#accept(read, growth, table.bases, sender)
  }

  /** No type lies deeper, as far as can be told without the document. */
  get deepest(): number {
    return this.#outline.deepest
  }

  /** Whether types may lie so deep that somebody should look. */
  get isDepthVague(): boolean {
    return this.deepest > this.#measured + VAGUE_DEPTH
  }

  /**
   * Corrects how deep types lie.
   *
   * @param depth - As somebody found it.
   * @param assumed - What {@link DocumentGuard.deepest} was when he began to look.
   */
  measured(depth: number, assumed: number): void {
    const corrected = depth + this.deepest - assumed
    this.#measured = corrected
    this.#outline.measured(corrected)
    this.#notes.noteDepth(corrected)
  }

  /** Reads an update and takes away what is known already, so that nobody gets other content under clocks that are taken. */
  #readNews(bytes: Uint8Array): Verdict | News {
    try {
      if (this.isBroken(bytes)) return refused('broken', 'this update broke the document')
      const whole = readUpdate(bytes)
      const known = (client: number): number => this.#accepted.clock(client)
      const completeness = completenessOf(whole, known)
      if (completeness.kind === 'missing') return completeness
      if (completeness.kind === 'impossible') return refused('impossible', completeness.reason)
      const overlap = overlapOf(whole, known)
      const clients = overlap.map(({ client }) => client)
      const update = clients.length === 0 ? bytes : this.#accepted.lacking(bytes, clients)
      const news = clients.length === 0 ? whole : readUpdate(update)
      return news.sections.length + news.deletes.size === 0 ? { kind: 'nothing', overlap } : { update, news, overlap }
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error)
      return refused('malformed', `an update of ${bytes.length} B cannot be read: ${reason}`)
    }
  }

  #foreignClient(news: Update, { subject, isAnswer }: Sender): Verdict | undefined {
    if (subject === undefined) return undefined
    for (const { client } of news.sections) {
      if (this.isHeldByAnother(client, subject))
        return refused('foreign_client', `client id ${client} is another user's`)
    }
    // Live writes come under one client id: whoever brings those of several is asked to bring all that is lacking.
    if (!isAnswer && news.sections.length > 1) return { kind: 'missing', reason: 'writes of several clients' }
    return undefined
  }

  #tableReading(news: Update): TableReading {
    const isTable = this.#accepted.isEmpty ? beginsTable(news) : this.#notes.isTable
    if (!isTable) return { bases: [] }
    return readTable(news, this.#now(), (client, clock) => this.#notes.base(client, clock))
  }

  #accept({ update, news, overlap }: News, growth: Growth, bases: readonly Base[], sender: Sender): Verdict {
    if (this.#accepted.isEmpty && beginsTable(news)) this.#notes.noteTable()
    this.#outline.grow(growth)
    for (const root of growth.roots) this.#notes.noteRoot(root)
    this.#notes.noteDepth(growth.deepest)
    for (const base of bases) this.#notes.noteBase(base)
    if (sender.subject !== undefined && !sender.isAnswer)
      for (const { client } of news.sections) this.#notes.lease(client, sender.subject)
    // Not the values: what waits for the disk is small.
    const ranges = news.sections.map(({ client, from, to, structs, bytes }) => ({
      client,
      from,
      to,
      structs: structs.length,
      bytes,
    }))
    this.#accepted.add(ranges)
    return { kind: 'accepted', update, ranges, deletes: news.deletes, notes: this.#notes.take(), overlap }
  }
}

const overlapOf = ({ sections }: Update, known: (client: number) => number): readonly ClockRange[] =>
  sections
    .filter(({ client, from }) => from < known(client))
    .map(({ client, from, to }) => ({ client, from, to: Math.min(to, known(client)) }))

/** A reader's answer holds deletes that the relay knows; whether it knows them is not looked up, they are just not stored. */
const readerVerdict = (read: Verdict | News, { isAnswer }: Sender): Verdict => {
  if ('kind' in read && read.kind !== 'missing') return read
  if (isAnswer && 'news' in read && read.news.sections.length === 0) return { kind: 'nothing', overlap: read.overlap }
  return refused('read_only', 'the token allows to read this document, not to write it')
}

const hashOf = (update: Uint8Array): string => createHash('sha256').update(update).digest('base64url')

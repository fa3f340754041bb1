// What a room knows of its document, and the way to its log: guarded updates in, content out. Knows no members and no frames.
import { depthOf } from '../guard/depth.ts'
import { DocumentGuard } from '../guard/guard.ts'
import { notesOf } from '../guard/notes.ts'
import { type ClockRange, rangesOf, StateVector } from '../guard/vector.ts'
import type { Sender, Verdict } from '../guard/verdict.ts'
import { contentOfEntries } from '../log/content.ts'
import type { Log, LogContent } from '../log/port.ts'
import { updatesOf } from './answer.ts'
import type { Taken } from './keeper.ts'

/** How a {@link RoomDocument} is set up. */
export interface DocumentOptions {
  readonly log: Log
  /** Wall clock, milliseconds since the epoch. */
  readonly now: () => number
  /** Most bytes of one document, snapshot and tail together. */
  readonly maxDocumentBytes: number
}

/** So many records of notes are made into one when a document is loaded. */
const MAX_NOTE_RECORDS = 64
/** The state vector of notes, which are no Yjs document. */
const NO_CLOCKS = Uint8Array.of(0)
const NO_DELETES = Uint8Array.of(0, 0)

/** One document's log behind its guard. */
export class RoomDocument {
  readonly name: string
  readonly #options: DocumentOptions
  readonly #vector = new StateVector()
  readonly #guard: DocumentGuard
  #snapshotBytes = 0
  #isMeasuring = false
  #tail = { updates: 0, bytes: 0 }
  #lastAppend: Promise<void> = Promise.resolve()

  constructor(name: string, options: DocumentOptions) {
    this.name = name
    this.#options = options
    this.#guard = new DocumentGuard(options.now)
  }

  /** What the log holds beyond its snapshot. */
  get tail(): { readonly updates: number; readonly bytes: number } {
    return this.#tail
  }

  /** Length of its snapshot, in bytes. */
  get snapshotBytes(): number {
    return this.#snapshotBytes
  }

  /** Its state vector, encoded (v1): what is durable. */
  get stateVector(): Uint8Array {
    return this.#vector.encode()
  }

  /**
   * What of a state vector (v1) concerns this document.
   *
   * @throws {@link MerrowError} `invalid_frame` if it cannot be decoded.
   */
  known(stateVector: Uint8Array): Uint8Array {
    return this.#vector.known(stateVector)
  }

  /** Reads log and notes. */
  async load(): Promise<void> {
    const { log } = this.#options
    const notes = await log.read(notesOf(this.name))
    const records = [...(notes.snapshot === undefined ? [] : [await notes.snapshot.state()]), ...updatesIn(notes)]
    this.#guard.load(this.#vector, records)
    const { snapshot, entries } = await this.read()
    this.#vector.reset(snapshot?.stateVector)
    this.#snapshotBytes = snapshot?.bytes ?? 0
    for (const { update } of entries) this.#count(update, rangesOf(update))
    this.#guard.load(this.#vector, records)
    const { upTo } = notes
    if (notes.entries.length > MAX_NOTE_RECORDS)
      await log.putSnapshot(notesOf(this.name), {
        upTo,
        state: this.#guard.notes,
        stateVector: NO_CLOCKS,
        deletes: NO_DELETES,
      })
  }

  /** Reads the log, without the updates that were found to break the document. */
  async read(): Promise<LogContent> {
    const content = await this.#options.log.read(this.name)
    if (!this.#guard.hasBroken) return content
    const sound = content.entries.filter(({ update }) => !this.#guard.isBroken(update))
    return contentOfEntries(content.snapshot, sound)
  }

  /** Judges an update; one that is accepted has to be appended then. */
  judge(update: Uint8Array, sender: Sender): Verdict {
    const { maxDocumentBytes } = this.#options
    if (this.#snapshotBytes + this.#tail.bytes + update.length > maxDocumentBytes)
      return { kind: 'refused', refusal: 'too_large', reason: `a document has at most ${maxDocumentBytes} B` }
    return this.#guard.judge(update, sender)
  }

  /**
   * Stores an accepted update.
   *
   * @returns Resolves once it is durable. Calls finish in order, whatever their notes take.
   */
  append({ update, ranges, notes }: Extract<Verdict, { kind: 'accepted' }>): Promise<void> {
    const { log } = this.#options
    // Both in one turn, so that a log which groups its commits writes them together.
    const noted = notes === undefined ? undefined : log.append(notesOf(this.name), [notes])
    const appending = log.append(this.name, [update])
    const stored: Promise<unknown> = noted === undefined ? appending : Promise.all([noted, appending])
    const appended = this.#lastAppend
      .then(() => stored)
      .then(
        () => {
          this.#count(update, ranges)
          this.#guard.noteStored(ranges)
        },
        (error) => {
          this.#guard.revert(this.#vector, notes)
          throw error
        },
      )
    // It may fail before those before it have ended.
    stored.catch(() => {})
    this.#lastAppend = appended.catch(() => {})
    return appended
  }

  /** Whether somebody should look how deep the document is. */
  get isDepthVague(): boolean {
    return this.#guard.isDepthVague && !this.#isMeasuring
  }

  /** Looks how deep the document is, which loads it. */
  async measureDepth(): Promise<void> {
    this.#isMeasuring = true
    try {
      await this.#lastAppend
      const assumed = this.#guard.deepest
      this.#guard.measured(depthOf(await updatesOf(await this.read())), assumed)
      await this.#storeNotes()
    } finally {
      this.#isMeasuring = false
    }
  }

  /** Resolves once everything that was appended so far is stored, or has failed. */
  get appended(): Promise<void> {
    return this.#lastAppend
  }

  /** Whether somebody else uses a client id. */
  isHeldByAnother(client: number, subject: string): boolean {
    return this.#guard.isHeldByAnother(client, subject)
  }

  /** Leases a client id to a subject. @returns Whether it may have it, once that is durable. */
  async lease(client: number, subject: string): Promise<boolean> {
    if (!this.#guard.lease(client, subject)) return false
    await this.#storeNotes()
    return true
  }

  /** Refuses an update from now on: it broke the document. */
  async refuse(update: Uint8Array): Promise<void> {
    this.#guard.refuse(update)
    await this.#storeNotes()
  }

  /** Updates up to a snapshot have gone from the tail. */
  noteTaken({ updates, bytes, stateBytes }: Taken): void {
    this.#snapshotBytes = stateBytes
    this.#tail = { updates: Math.max(0, this.#tail.updates - updates), bytes: Math.max(0, this.#tail.bytes - bytes) }
  }

  async #storeNotes(): Promise<void> {
    const notes = this.#guard.takeNotes()
    if (notes !== undefined) await this.#options.log.append(notesOf(this.name), [notes])
  }

  #count(update: Uint8Array, ranges: readonly ClockRange[]): void {
    this.#vector.add(ranges)
    this.#tail = { updates: this.#tail.updates + 1, bytes: this.#tail.bytes + update.length }
  }
}

const updatesIn = ({ entries }: LogContent): readonly Uint8Array[] => entries.map(({ update }) => update)

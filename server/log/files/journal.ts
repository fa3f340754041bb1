// The journal: one file after another that every append goes to first, so that many documents share one sync of the disk.
// Knows records and segments; `file-log.ts` moves them on to the documents' own files.
import { MerrowError } from '../../../src/errors.ts'
import type { Disk, ReadableFile, WritableFile } from './disk.ts'
import { END_MARK, type RecordHead } from './record.ts'
import {
  encodeSegmentHead,
  type FormerSegment,
  type ScannedSegment,
  SEGMENT_HEAD_BYTES,
  scanSegment,
} from './segment.ts'

/** Where in the journal a record lies. */
export interface Place {
  readonly segment: number
  readonly head: RecordHead
}

/** What a journal holds when it is opened. */
export interface FoundJournal {
  readonly places: readonly Place[]
  readonly damaged: readonly string[]
  /** Bytes at the end that were being written when the relay was killed. */
  readonly tornBytes: number
}

interface Current {
  readonly number: number
  readonly file: WritableFile
  bytes: number
}

const nameOf = (number: number): string => `${String(number).padStart(12, '0')}.journal`
const numberOf = (name: string): number | undefined => {
  const digits = /^(\d{12})\.journal$/.exec(name)?.[1]
  return digits === undefined ? undefined : Number(digits)
}

/** What lies between two records is read with them if it is not more than this. */
const MAX_GAP_BYTES = 1024

/** How many of the places from one on are in one segment with little between them. */
const closeTogether = (places: readonly Place[], from: number): number => {
  let count = 1
  for (;;) {
    const [last, next] = [places[from + count - 1] as Place, places[from + count]]
    const isClose =
      next?.segment === last.segment && next.head.bodyAt - (last.head.bodyAt + last.head.bodyBytes) <= MAX_GAP_BYTES
    if (!isClose) return count
    count += 1
  }
}

/** The files of one journal. Appends are made one at a time, by {@link GroupCommit}. */
export class Journal {
  readonly #disk: Disk
  readonly #folder: string
  readonly #segmentBytes: number
  readonly #readers = new Map<number, ReadableFile>()
  #current: Current | undefined
  #isFull = false
  /** The last segment that is no longer written, and how much of it counts. */
  #former: FormerSegment = { number: 0, bytes: 0 }
  readonly #finished = new Map<number, number>()

  constructor(disk: Disk, folder: string, segmentBytes: number) {
    this.#disk = disk
    this.#folder = folder
    this.#segmentBytes = segmentBytes
  }

  /**
   * Finds what the journal holds. Nothing is written, and what is there is never appended to again.
   *
   * @throws {@link MerrowError} `folder_unusable` if it is damaged where that cannot be told from the loss of whole records.
   */
  open(): FoundJournal {
    const numbers = this.segments()
    const places: Place[] = []
    const damaged: string[] = []
    let tornBytes = 0
    /** What the segment after the one that is looked at says of it; nothing if that one is torn. */
    let expected: FormerSegment | undefined
    for (const number of numbers.toReversed()) {
      // A segment that the next one passes over was given up at its first write.
      if (expected !== undefined && number > expected.number) continue
      const reader = this.#disk.openToRead(this.#pathOf(number))
      // Kept open: who only reads still has it when the relay removes it.
      this.#readers.set(number, reader)
      const bytes = reader.read(0, reader.bytes)
      this.#finished.set(number, bytes.length)
      const found = scanSegment(bytes.subarray(0, expected?.bytes), number, expected === undefined)
      this.#requireSound(number, found, expected, bytes.length)
      if (expected === undefined) tornBytes += bytes.length - found.goodBytes
      if (this.#former.number === 0 && found.former !== undefined) this.#former = { number, bytes: found.goodBytes }
      places.push(...found.records.map((head) => ({ segment: number, head })).reverse())
      damaged.push(...found.damaged)
      expected = found.former
    }
    return { places: places.reverse(), damaged, tornBytes }
  }

  /** Numbers of the segments on disk, oldest first. */
  segments(): readonly number[] {
    const numbers = this.#disk.list(this.#folder).map(numberOf)
    return numbers.filter((number) => number !== undefined).sort((a, b) => a - b)
  }

  /** Number of the segment that is written now; segments below it are finished. */
  get current(): number {
    return this.#current?.number ?? this.#former.number + 1
  }

  /** Bytes of the segments that are finished and still there. */
  get finishedBytes(): number {
    return [...this.#finished.values()].reduce((sum, bytes) => sum + bytes, 0)
  }

  /**
   * Appends records durably.
   *
   * After a failure nobody knows what of it is on disk, so the segment is left, and the next one says how much of it counts.
   *
   * @returns Where each one begins, once all are on disk.
   */
  async append(records: readonly Buffer[]): Promise<{ readonly segment: number; readonly starts: readonly number[] }> {
    if (this.#isFull || (this.#current?.bytes ?? 0) >= this.#segmentBytes) await this.#leave()
    const isNew = this.#current === undefined
    const current = this.#current ?? (await this.#begin())
    const head = isNew ? [encodeSegmentHead(current.number, this.#former)] : []
    let end = current.bytes + (isNew ? SEGMENT_HEAD_BYTES : 0)
    const starts = records.map((record) => {
      end += record.length
      return end - record.length
    })
    try {
      await current.file.append(Buffer.concat([...head, ...records]))
      await current.file.sync()
      if (isNew) await this.#disk.syncFolder(this.#folder)
    } catch (cause) {
      await (isNew ? this.#abandon(current) : this.#leave())
      throw cause
    }
    current.bytes = end
    return { segment: current.number, starts }
  }

  /** Reads the updates of records, as they are on disk. Those that lie close together are read in one go. */
  read(places: readonly Place[]): readonly Buffer[] {
    const read: Buffer[] = []
    while (read.length < places.length) {
      const from = read.length
      const run = closeTogether(places, from)
      const [first, last] = [places[from] as Place, places[from + run - 1] as Place]
      const start = first.head.bodyAt
      const bytes = this.#readerOf(first.segment).read(start, last.head.bodyAt + last.head.bodyBytes - start)
      for (const { head } of places.slice(from, from + run))
        read.push(bytes.subarray(head.bodyAt - start, head.bodyAt - start + head.bodyBytes))
    }
    return read
  }

  #readerOf(segment: number): ReadableFile {
    const known = this.#readers.get(segment)
    if (known !== undefined) return known
    const reader = this.#disk.openToRead(this.#pathOf(segment))
    this.#readers.set(segment, reader)
    return reader
  }

  /** Starts a new segment with the next append, so that those before it can go. */
  rotate(): void {
    this.#isFull = true
  }

  /** Removes a finished segment, whose records are elsewhere by now. */
  async removeSegment(number: number): Promise<void> {
    this.#readers.get(number)?.close()
    this.#readers.delete(number)
    await this.#disk.remove(this.#pathOf(number))
    this.#finished.delete(number)
  }

  /** Marks the end, so that a later loss of the last records shows, and lets go of the files. */
  async close(): Promise<void> {
    try {
      if (this.#current !== undefined) await this.append([END_MARK])
    } finally {
      for (const reader of this.#readers.values()) reader.close()
      this.#readers.clear()
      await this.#leave()
    }
  }

  async #begin(): Promise<Current> {
    await this.#disk.makeFolder(this.#folder)
    const number = Math.max(this.#former.number, ...this.segments()) + 1
    const file = await this.#disk.create(this.#pathOf(number))
    this.#current = { number, file, bytes: 0 }
    return this.#current
  }

  async #leave(): Promise<void> {
    this.#isFull = false
    const current = this.#current
    if (current === undefined) return
    this.#current = undefined
    this.#former = { number: current.number, bytes: current.bytes }
    this.#finished.set(current.number, current.bytes)
    await current.file.close()
  }

  /** Gives up a segment at its first write. The next one passes over it, so removing it only saves room. */
  async #abandon(current: Current): Promise<void> {
    this.#current = undefined
    await Promise.allSettled([current.file.close(), this.#disk.remove(this.#pathOf(current.number))])
  }

  #requireSound(number: number, { fault }: ScannedSegment, expected: FormerSegment | undefined, bytes: number): void {
    const reason =
      fault ??
      (bytes < (expected?.bytes ?? 0)
        ? 'its end is missing'
        : number < (expected?.number ?? number)
          ? `segment ${expected?.number} after it is missing`
          : undefined)
    if (reason === undefined) return
    throw new MerrowError(
      'folder_unusable',
      `Cannot open the journal ${this.#pathOf(number)}: ${reason}. The disk has changed it. Restore the data folder from a backup.`,
    )
  }

  #pathOf(number: number): string {
    return `${this.#folder}/${nameOf(number)}`
  }
}

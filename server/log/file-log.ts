// The log on disk: appends go to a journal that all documents share, and from there, when it has grown, to each document's
// own files. Holds in memory only where the journal's records lie. Knows nothing of what updates mean.
import { join } from 'node:path'
import { MerrowError } from '../../src/errors.ts'
import { lmdbFailure as diskFailure } from '../../src/storage/lmdb-failure.ts'
import { errorFields, type Logger } from '../logger.ts'
import { contentOf } from './content.ts'
import { damaged, deleted } from './fault.ts'
import { type Disk, isCode, nodeDisk } from './files/disk.ts'
import { DocumentFiles } from './files/document-files.ts'
import { type Folder, openFolder, takeFolder } from './files/folder.ts'
import { Journal } from './files/journal.ts'
import { encodeRecord } from './files/record.ts'
import { GroupCommit } from './group-commit.ts'
import { type Held, JournalIndex } from './journal-index.ts'
import type { Log, LogContent, Retention, Snapshot, SnapshotInfo, StoredSnapshot } from './port.ts'
import { DEFAULT_RETENTION } from './retention.ts'

/** How the log on disk is set up. */
export interface FileLogOptions {
  /** Absolute, or relative to the working directory; made if it is missing. */
  readonly folder: string
  /** Which former snapshots are kept; by default a hundred, an hour apart, for thirty days. */
  readonly retention?: Retention | undefined
  /** The journal's records are moved on to their documents each time it has grown by so many bytes (default 8 MiB). */
  readonly journalBytes?: number | undefined
  /** Only reads: the folder may be in use by a relay, and nothing is written. */
  readonly isReadOnly?: boolean | undefined
  /** Told what was found or failed without anybody waiting for it. */
  readonly logger?: Logger | undefined
  readonly disk?: Disk | undefined
  /** Milliseconds since 1970. */
  readonly now?: (() => number) | undefined
}

/** Updates of one document, and the number of the first. */
interface Write {
  readonly document: string
  readonly held: Held
  readonly first: number
  readonly updates: readonly Uint8Array[]
}

/** Updates of one document in one commit become one record, up to so many bytes: a record costs its head and two checksums. */
const MAX_JOINED_BYTES = 1024 * 1024

/** Joins writes to the same document, whose numbers follow one another. */
const joinedWrites = (writes: readonly Write[]): readonly Write[] => {
  const joined: (Write & { readonly updates: Uint8Array[] })[] = []
  const last = new Map<Held, { readonly updates: Uint8Array[]; bytes: number }>()
  for (const write of writes) {
    const bytes = write.updates.reduce((sum, { length }) => sum + length, 0)
    const before = last.get(write.held)
    if (before !== undefined && before.bytes + bytes <= MAX_JOINED_BYTES) {
      for (const update of write.updates) before.updates.push(update)
      before.bytes += bytes
    } else {
      const updates = [...write.updates]
      joined.push({ ...write, updates })
      last.set(write.held, { updates, bytes })
    }
  }
  return joined
}

/**
 * Opens the log in a folder, which is made if it is missing.
 *
 * An append resolves after its bytes are in the journal and `fdatasync` has returned.
 *
 * @throws {@link MerrowError} `folder_unusable` if it cannot be written, another relay holds it, or it is damaged as a
 * whole; `newer_format` if another version made it.
 */
export const openFileLog = async (options: FileLogOptions): Promise<Log> => {
  const folder = options.isReadOnly ? openFolder(options.folder) : await takeFolder(options.folder, options.logger)
  try {
    return new FileLog(folder, options)
  } catch (cause) {
    folder.release()
    throw cause
  }
}

class FileLog implements Log {
  readonly #folder: Folder
  readonly #journal: Journal
  readonly #files: DocumentFiles
  readonly #retention: Retention
  readonly #logger: Logger
  readonly #now: () => number
  readonly #journalBytes: number
  readonly #index: JournalIndex
  readonly #queue: GroupCommit<Write>
  /** Whatever changes documents' own files, one after another. */
  #filing: Promise<unknown> = Promise.resolve()
  /** Segments up to this one are being moved on, or were tried. */
  #filedUpTo = -1
  #isFilingDue = false
  #isOpen = true

  constructor(folder: Folder, options: FileLogOptions) {
    const { disk = nodeDisk, journalBytes = 8 * 1024 * 1024, now = Date.now, logger = () => {} } = options
    this.#folder = folder
    this.#journal = new Journal(disk, join(folder.path, 'journal'), journalBytes)
    this.#files = new DocumentFiles(disk, join(folder.path, 'docs'))
    this.#index = new JournalIndex(this.#journal, this.#files)
    this.#retention = options.retention ?? DEFAULT_RETENTION
    this.#logger = logger
    this.#now = now
    this.#journalBytes = journalBytes
    this.#queue = new GroupCommit({
      commit: (writes) => this.#commit(writes),
      onFailure: (cause) => {
        this.#index.dropPlans()
        return diskFailure(cause, 'the log in', folder.path)
      },
    })
    this.#index.load(this.#journal.open(), logger)
  }

  async append(document: string, updates: readonly Uint8Array[]): Promise<number> {
    this.#requireOpen()
    return this.#queue.add(() => {
      const held = this.#index.hold(document)
      if (held.isDeleted) throw deleted(document)
      if (held.isDamaged) throw unreadable(document)
      const first = held.planned + 1
      held.planned += updates.length
      return { writes: [{ document, held, first, updates }], result: held.planned }
    })
  }

  async read(document: string): Promise<LogContent> {
    this.#requireOpen()
    return retried(() => {
      // One look at the files, and all of it in one go: a rename may happen at any time.
      const files = this.#files.list(document)
      const held = this.#index.get(document)
      if (files.isDeleted || held?.isDeleted) throw deleted(document)
      if (held?.isDamaged) throw unreadable(document)
      const snapshot = files.upTo === 0 ? undefined : this.#files.openSnapshot(document, files.upTo)
      return contentOf(snapshot, this.#index.pieces(document, files))
    })
  }

  async putSnapshot(document: string, snapshot: Snapshot): Promise<boolean> {
    this.#requireOpen()
    return this.#file(async () => {
      const { isDeleted, upTo } = this.#files.list(document)
      if (isDeleted || this.#index.get(document)?.isDeleted) throw deleted(document)
      if (snapshot.upTo <= upTo) return false
      await this.#files.writeSnapshot(document, snapshot, this.#now())
      this.#index.forget(document, snapshot.upTo)
      await this.#files.prune(document, this.#retention, this.#now())
      return true
    })
  }

  async snapshots(document: string): Promise<readonly SnapshotInfo[]> {
    this.#requireOpen()
    if (this.#files.list(document).isDeleted) throw deleted(document)
    return retried(() => this.#files.snapshots(document))
  }

  async readSnapshot(document: string, upTo: number): Promise<StoredSnapshot | undefined> {
    this.#requireOpen()
    const { states, isDeleted } = this.#files.list(document)
    if (isDeleted) throw deleted(document)
    return states.includes(upTo) ? this.#files.openSnapshot(document, upTo) : undefined
  }

  async remove(document: string): Promise<boolean> {
    this.#requireOpen()
    const held = this.#index.hold(document)
    // What was called before this is kept until it is done; what comes later is refused.
    const isThere = await this.#queue.add(() => {
      const result = !held.isDeleted && held.planned > 0
      held.isDeleted ||= result
      return { writes: [], result }
    })
    if (!isThere) {
      this.#index.forget(document, 0)
      return false
    }
    try {
      await this.#file(() => this.#files.remove(document))
    } catch (error) {
      held.isDeleted = this.#files.list(document).isDeleted
      throw error
    }
    held.places = []
    // The journal still has its bytes: they go with the next write.
    this.#journal.rotate()
    this.#isFilingDue = true
    return true
  }

  async documents(): Promise<readonly string[]> {
    this.#requireOpen()
    const names = new Set(
      await this.#files.names((folder) => this.#logger('error', 'a document is damaged', { folder })),
    )
    for (const [document, held] of this.#index.all()) if (!held.isDeleted && held.durable > 0) names.add(document)
    return [...names].sort()
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#queue.settled()
    await this.#filing
    try {
      await this.#journal.close()
    } catch (error) {
      this.#logger('warn', 'the journal was not closed', errorFields(error))
    }
    this.#folder.release()
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    this.#requireHeld()
    const joined = joinedWrites(writes)
    const records = joined.map(({ document, first, updates }) => encodeRecord(document, first, updates))
    const { segment, starts } = await this.#journal.append(records)
    for (const [at, { held }] of joined.entries())
      this.#index.note(held, records[at] as Buffer, segment, starts[at] ?? 0)
    const isDue = this.#isFilingDue || this.#journal.finishedBytes >= this.#journalBytes
    if (isDue && segment - 1 > this.#filedUpTo) void this.#fileJournal()
  }

  /** Moves what finished segments hold on to the documents' own files, then removes them. */
  #fileJournal(): Promise<void> {
    const last = this.#journal.current - 1
    this.#filedUpTo = Math.max(this.#filedUpTo, last)
    this.#isFilingDue = false
    return this.#file(async () => {
      try {
        for (const [document, held] of this.#index.all()) {
          // Who ends does not wait for this: the segments are there at the next start.
          if (!this.#isOpen) return
          await this.#fileTail(document, held, last)
        }
        if (this.#index.isDamaged) return
        for (const number of this.#journal.segments()) if (number <= last) await this.#journal.removeSegment(number)
      } catch (error) {
        // The segments stay, and with the next one it is tried again.
        this.#logger('warn', 'the journal could not be moved on', errorFields(error))
      }
    })
  }

  async #fileTail(document: string, held: Held, last: number): Promise<void> {
    if (held.isDamaged) return
    if (!held.isDeleted && held.places.some(({ segment }) => segment <= last)) {
      const files = this.#files.list(document)
      const pieces = this.#index.pieces(document, files)
      if (pieces.length > 0) await this.#files.writeTail(document, pieces)
      this.#index.forget(document, pieces.at(-1)?.last ?? files.upTo)
    } else if (held.places.length === 0) this.#index.forget(document, 0)
  }

  #file<T>(task: () => Promise<T>): Promise<T> {
    const held = async (): Promise<T> => {
      this.#requireHeld()
      return task()
    }
    const run = this.#filing.then(held).catch(async (error) => {
      throw error instanceof MerrowError ? error : await diskFailure(error, 'the log in', this.#folder.path)
    })
    this.#filing = run.catch(() => {})
    return run
  }

  /** Two relays would overwrite each other. */
  #requireHeld(): void {
    if (this.#folder.isLost) throw new Error('another process has taken the folder; end this one, or that')
  }

  #requireOpen(): void {
    if (this.#isOpen) return
    throw new MerrowError(
      'storage_failed',
      `Cannot use the log in ${this.#folder.path}: it is closed. Open it again first.`,
    )
  }
}

const TRIES = 10

/** Who only reads may find a file gone that was listed a moment ago: the relay has moved on, and so does the next look. */
const retried = <T>(look: () => T): T => {
  for (let attempt = 1; ; attempt++) {
    try {
      return look()
    } catch (error) {
      if (!isCode(error, 'ENOENT') || attempt === TRIES) throw error
    }
  }
}

const unreadable = (document: string): MerrowError =>
  damaged(document, 'an update in the journal does not match its checksum')

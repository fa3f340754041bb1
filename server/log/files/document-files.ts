// One document's own files: its snapshots, and the updates after the last one as far as they have left the journal. Every
// file is written whole and renamed; none is ever changed. Knows no journal.
//
//   <root>/ab/abcdef.../   by hash, since names know capitals and slashes and file systems do not all
//     000000000500.state   a snapshot up to update 500
//     000000000620.tail    updates after the last snapshot, up to 620
//     deleted              the document was deleted
import { createHash } from 'node:crypto'
import { join } from 'node:path'
import { MerrowError } from '../../../src/errors.ts'
import { type Piece, pieceAfter } from '../content.ts'
import { damaged } from '../fault.ts'
import type { Retention, Snapshot, SnapshotInfo, StoredSnapshot } from '../port.ts'
import { keptOf } from '../retention.ts'
import { type Disk, type ReadableFile, readFile, writeFileDurably } from './disk.ts'
import { END_MARK, encodePieces, encodeRecord, pieceOf, readHead } from './record.ts'
import { encodeState, openState, readStateHead } from './state-file.ts'

const DELETED = 'deleted'
/** Temporary files of the disk's own; what else is in a folder is not ours, and left alone. */
const readWhole = (file: ReadableFile): Buffer => file.read(0, file.bytes)
const NAME = /^(\d{12})\.(state|tail)$/
const nameOf = (seq: number, kind: 'state' | 'tail'): string => `${String(seq).padStart(12, '0')}.${kind}`

/** Which files a document has. */
export interface FileList {
  readonly isDeleted: boolean
  /** What its snapshots are up to, newest first. */
  readonly states: readonly number[]
  /** Last update of its tail; 0 if there is none that counts. */
  readonly tail: number
  /** Number of its last update in these files. */
  readonly head: number
  readonly upTo: number
}

/** The files of all documents of one log. */
export class DocumentFiles {
  readonly #disk: Disk
  readonly #root: string

  constructor(disk: Disk, root: string) {
    this.#disk = disk
    this.#root = root
  }

  /** Says which files a document has, without reading them. */
  list(document: string): FileList {
    return this.#listFolder(this.#folderOf(document))
  }

  /**
   * Reads the updates after the snapshot that have left the journal.
   *
   * @throws {@link MerrowError} `storage_failed` if they are not what was written.
   */
  readTail(document: string, { tail, upTo }: FileList): Piece | undefined {
    if (tail === 0) return undefined
    const bytes = readFile(this.#disk, join(this.#folderOf(document), nameOf(tail, 'tail')))
    const head = readHead(bytes, 0)
    const end = head && readHead(bytes, head.bodyAt + head.bodyBytes)
    if (head?.document !== document || end?.document !== '' || end.bodyAt !== bytes.length)
      throw damaged(document, `the head of its tail ${tail} does not match its checksum`)
    const piece = pieceOf(bytes.subarray(head.bodyAt, head.bodyAt + head.bodyBytes), head)
    if (head.last !== tail) throw damaged(document, `its tail does not end with update ${tail}`)
    return pieceAfter(piece, upTo)
  }

  /** Opens one of a document's snapshots. */
  openSnapshot(document: string, upTo: number): StoredSnapshot {
    return openState(this.#disk, join(this.#folderOf(document), nameOf(upTo, 'state')), upTo, document)
  }

  /** Stores the updates after the snapshot, without holes and not none; they replace the former tail. */
  async writeTail(document: string, pieces: readonly Piece[]): Promise<void> {
    const last = pieces.at(-1)?.last ?? 0
    const former = this.list(document).tail
    const record = encodePieces(document, pieces)
    await writeFileDurably(this.#disk, { folder: this.#folderOf(document), name: nameOf(last, 'tail') }, [
      record,
      END_MARK,
    ])
    if (former !== 0 && former !== last) await this.#remove(document, [nameOf(former, 'tail')])
  }

  /** Stores a snapshot that has proved to load, reads the file again, and only then removes the tail that it holds. */
  async writeSnapshot(document: string, snapshot: Snapshot, takenAt: number): Promise<void> {
    const folder = this.#folderOf(document)
    const path = { folder, name: nameOf(snapshot.upTo, 'state') }
    await writeFileDurably(this.#disk, path, encodeState(document, snapshot, takenAt), async (aside) => {
      for await (const _ of openState(this.#disk, aside, snapshot.upTo, document).stream());
    })
    const { tail } = this.list(document)
    const stale = this.#disk.list(folder).filter((name) => name.endsWith('.tail') && name !== nameOf(tail, 'tail'))
    await this.#remove(document, stale)
  }

  /** Removes the snapshots that need not be kept. */
  async prune(document: string, retention: Retention, now: number): Promise<void> {
    const infos: SnapshotInfo[] = []
    for (const upTo of this.list(document).states) {
      infos.push(this.#info(document, upTo))
      // There may be a hundred; they must not hold up the sockets.
      await new Promise((resolve) => setImmediate(resolve))
    }
    const kept = new Set(keptOf(infos, retention, now))
    const gone = infos.filter((info) => !kept.has(info)).map(({ upTo }) => nameOf(upTo, 'state'))
    await this.#remove(document, gone)
  }

  /** What is kept of a document, newest first. */
  snapshots(document: string): readonly SnapshotInfo[] {
    return this.list(document).states.map((upTo) => this.#info(document, upTo))
  }

  #info(document: string, upTo: number): SnapshotInfo {
    const { takenAt, bytes } = this.openSnapshot(document, upTo)
    return { upTo, takenAt, bytes }
  }

  /** Deletes a document: first its name is taken for good, then its files go. */
  async remove(document: string): Promise<void> {
    const folder = this.#folderOf(document)
    await writeFileDurably(this.#disk, { folder, name: DELETED }, [encodeRecord(document, 0, []), END_MARK])
    await this.#remove(
      document,
      this.#disk.list(folder).filter((name) => NAME.test(name)),
    )
  }

  /**
   * Names of all documents that have files and are not deleted.
   *
   * @param onDamaged - Told of a folder in which nothing says whose it is.
   */
  async names(onDamaged: (folder: string) => void): Promise<readonly string[]> {
    const names: string[] = []
    for (const shard of this.#disk.list(this.#root)) {
      for (const name of this.#disk.list(join(this.#root, shard))) {
        const folder = join(this.#root, shard, name)
        const { isDeleted, states, tail } = this.#listFolder(folder)
        if (isDeleted || states.length + tail === 0) continue
        const document = this.#nameIn(folder, states, tail)
        if (document === undefined) onDamaged(folder)
        else names.push(document)
      }
      // Many documents must not hold up the sockets.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return names
  }

  /** Any file of a document says whose it is. */
  #nameIn(folder: string, states: readonly number[], tail: number): string | undefined {
    for (const upTo of states) {
      const document = this.#read(join(folder, nameOf(upTo, 'state')), (file) => readStateHead(file, upTo).document)
      if (document !== undefined) return document
    }
    const head = tail === 0 ? undefined : this.#read(join(folder, nameOf(tail, 'tail')), readWhole)
    return head && readHead(head, 0)?.document
  }

  #read<T>(path: string, read: (file: ReadableFile) => T): T | undefined {
    const file = this.#disk.openToRead(path)
    try {
      return read(file)
    } catch (error) {
      if (error instanceof MerrowError) return undefined
      throw error
    } finally {
      file.close()
    }
  }

  #listFolder(folder: string): FileList {
    const names = this.#disk.list(folder)
    const seqs = (kind: string) =>
      names.flatMap((name) => {
        const [, digits, found] = NAME.exec(name) ?? []
        return found === kind ? [Number(digits)] : []
      })
    const states = seqs('state').sort((a, b) => b - a)
    const upTo = states[0] ?? 0
    const tail = Math.max(0, ...seqs('tail').filter((last) => last > upTo))
    return { isDeleted: names.includes(DELETED), states, tail, upTo, head: Math.max(upTo, tail) }
  }

  async #remove(document: string, names: readonly string[]): Promise<void> {
    for (const name of names) await this.#disk.remove(join(this.#folderOf(document), name))
  }

  #folderOf(document: string): string {
    const hash = createHash('sha256').update(document).digest('hex').slice(0, 32)
    return join(this.#root, hash.slice(0, 2), hash)
  }
}

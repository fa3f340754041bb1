// The log on disk: one LMDB environment in one folder, several appends to a commit. Knows nothing of what updates mean.
import { join } from 'node:path'
import { type Database, open, type RootDatabase } from 'lmdb'
import { MerrowError } from '../../src/errors.ts'
import { lmdbFailure, reasonOf } from '../../src/storage/lmdb-failure.ts'
import { type Folder, takeFolder } from './folder.ts'
import { GroupCommit } from './group-commit.ts'
import type { Log, LogContent, Snapshot } from './port.ts'
import { openRecord, sealRecord } from './record.ts'

/**
 * Opens the log in a folder, which is made if it is missing.
 *
 * An append resolves after LMDB's commit: data pages, `fdatasync`, then the meta page through a file opened with `O_DSYNC`.
 *
 * @param options - `folder`: absolute, or relative to the working directory.
 * @throws {@link MerrowError} `folder_unusable` if it cannot be written or another relay holds it,
 * `newer_format` if a newer version made it.
 */
export const openLmdbLog = async ({ folder }: { readonly folder: string }): Promise<Log> => {
  const taken = takeFolder(folder)
  try {
    return new LmdbLog(taken)
  } catch (cause) {
    taken.release()
    throw new MerrowError(
      'folder_unusable',
      `Cannot open the log in ${taken.path}: ${reasonOf(cause)}. Give another folder with --data, or restore this one.`,
      { cause },
    )
  }
}

/** One thing to write: `undefined` removes. */
type Write = readonly [db: Database<Buffer>, key: string | [string, number], value: Buffer | undefined]

/** Where a document's log stands, counting what is planned and not yet on disk. */
interface Place {
  head: number
  upTo: number
}

const MAX_PLACES = 10_000
const UP_TO_BYTES = 8

class LmdbLog implements Log {
  readonly #folder: Folder
  readonly #root: RootDatabase<Buffer>
  readonly #updates: Database<Buffer, [string, number | string]>
  readonly #states: Database<Buffer, string>
  readonly #vectors: Database<Buffer, string>
  readonly #places = new Map<string, Place>()
  readonly #queue: GroupCommit<Write>
  #isOpen = true

  constructor(folder: Folder) {
    this.#folder = folder
    // overlappingSync would resolve a write before it is on disk.
    this.#root = open({
      path: join(folder.path, 'log.mdb'),
      overlappingSync: false,
      // Batching of its own would leave a promise that nobody holds, and a full disk would end the process.
      eventTurnBatching: false,
      maxDbs: 8,
      encoding: 'binary',
    })
    this.#updates = this.#root.openDB('updates', { encoding: 'binary' })
    this.#states = this.#root.openDB('states', { encoding: 'binary' })
    this.#vectors = this.#root.openDB('vectors', { encoding: 'binary' })
    this.#queue = new GroupCommit({
      commit: (writes) => this.#commit(writes),
      onFailure: (cause) => {
        // Nothing of the commit is on disk, so what was counted for it is wrong.
        this.#places.clear()
        return lmdbFailure(cause, 'the log in', folder.path)
      },
    })
  }

  async append(document: string, updates: readonly Uint8Array[]): Promise<number> {
    const records = updates.map(sealRecord)
    this.#requireOpen()
    return this.#queue.add(() => {
      const place = this.#place(document)
      const first = place.head + 1
      place.head += records.length
      return {
        writes: records.map((record, at): Write => [this.#updates, [document, first + at], record]),
        result: place.head,
      }
    })
  }

  async read(document: string): Promise<LogContent> {
    this.#requireOpen()
    const entries = []
    for (const { key, value } of this.#updates.getRange({ start: [document, 0], end: [document, ''] })) {
      const seq = Number(key[1])
      entries.push({ seq, update: openRecord(value, `update ${seq} of document "${document}"`) })
    }
    return { snapshot: this.#snapshot(document), entries }
  }

  async putSnapshot(document: string, snapshot: Snapshot): Promise<boolean> {
    const state = sealRecord(snapshot.state)
    const vector = sealRecord(encodeVector(snapshot))
    this.#requireOpen()
    return this.#queue.add<boolean>(() => {
      const place = this.#place(document)
      if (snapshot.upTo <= place.upTo) return { writes: [], result: false }
      place.upTo = snapshot.upTo
      place.head = Math.max(place.head, snapshot.upTo)
      const held = this.#updates.getKeys({ start: [document, 0], end: [document, snapshot.upTo + 1] })
      return {
        writes: [
          [this.#states, document, state],
          [this.#vectors, document, vector],
          ...[...held].map((key): Write => [this.#updates, [document, Number(key[1])], undefined]),
        ],
        result: true,
      }
    })
  }

  async documents(): Promise<readonly string[]> {
    this.#requireOpen()
    const names = new Set<string>(this.#vectors.getKeys())
    // A string sorts after every number, so each step lands on the first update of the next document.
    let from: [string, number | string] = ['', 0]
    for (;;) {
      const [key] = this.#updates.getKeys({ start: from, limit: 1 })
      if (key === undefined) return [...names].sort()
      names.add(key[0])
      from = [key[0], '']
    }
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return
    this.#isOpen = false
    await this.#queue.settled()
    await this.#root.close()
    this.#folder.release()
  }

  #requireOpen(): void {
    if (this.#isOpen) return
    throw new MerrowError(
      'storage_failed',
      `Cannot use the log in ${this.#folder.path}: it is closed. Open it again first.`,
    )
  }

  async #commit(writes: readonly Write[]): Promise<void> {
    await this.#root.batch(() => {
      for (const [db, key, value] of writes) value === undefined ? db.remove(key) : db.put(key, value)
    })
    if (this.#places.size > MAX_PLACES) this.#places.clear()
  }

  #place(document: string): Place {
    let place = this.#places.get(document)
    if (place === undefined) {
      const upTo = this.#vector(document)?.upTo ?? 0
      const [last] = this.#updates.getKeys({
        start: [document, ''],
        end: [document, 0],
        reverse: true,
        limit: 1,
      })
      place = { upTo, head: Math.max(upTo, Number(last?.[1] ?? 0)) }
      this.#places.set(document, place)
    }
    return place
  }

  #snapshot(document: string): Snapshot | undefined {
    const vector = this.#vector(document)
    const state = this.#states.get(document)
    if (vector === undefined || state === undefined) return undefined
    return { ...vector, state: openRecord(state, `the snapshot of document "${document}"`) }
  }

  #vector(document: string): Omit<Snapshot, 'state'> | undefined {
    const record = this.#vectors.get(document)
    return record && decodeVector(openRecord(record, `the snapshot's state vector of document "${document}"`))
  }
}

const encodeVector = ({ upTo, stateVector }: Snapshot): Buffer => {
  const bytes = Buffer.allocUnsafe(UP_TO_BYTES + stateVector.length)
  bytes.writeBigUInt64LE(BigInt(upTo), 0)
  bytes.set(stateVector, UP_TO_BYTES)
  return bytes
}

const decodeVector = (bytes: Uint8Array) => ({
  upTo: Number(new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(0, true)),
  stateVector: bytes.subarray(UP_TO_BYTES),
})

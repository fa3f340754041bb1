// Storage through stock y-indexeddb: one IndexedDB database a document. Knows the port and npm `y-indexeddb`.
import { IndexeddbPersistence, PREFERRED_TRIM_SIZE, storeState } from 'y-indexeddb'
import { MerrowError } from '../errors.ts'
import type { DocumentUpdate, ScratchDocuments, Storage, StorageAdapter, StorageContext, StoredUpdate } from './port.ts'

interface OpenDocument {
  readonly scratch: object
  readonly persistence: IndexeddbPersistence
}

/** The document in whose database the meta texts live. */
const META = ''
const EMPTY_UPDATE_BYTES = 2

/**
 * Storage in IndexedDB by way of y-indexeddb, as it is: for browsers.
 *
 * Its bounds are y-indexeddb's: an append of several documents is one transaction each, not one in all; it keeps a second
 * copy of each document in memory; it compacts by itself, at 500 updates; a damaged record keeps the database from opening.
 * An update counts as stored when its transaction has completed.
 */
export const yIndexedDb = (): StorageAdapter => ({
  async open({ database, scratch }: StorageContext) {
    if (typeof indexedDB === 'undefined')
      throw new MerrowError(
        'unsupported',
        'yIndexedDb() needs IndexedDB, which this runtime lacks. In Node use lmdb({ path }) or memory().',
      )
    await probe()
    return new YIndexedDbStorage(`merrow/${database}`, scratch, await takeLock(`merrow/${database}`))
  },
})

class YIndexedDbStorage implements Storage {
  readonly #prefix: string
  readonly #scratch: ScratchDocuments
  readonly #lock: Lock
  readonly #documents = new Map<string, Promise<OpenDocument>>()
  #appending: Promise<unknown> = Promise.resolve()
  #isOpen = true

  constructor(prefix: string, scratch: ScratchDocuments, lock: Lock) {
    this.#prefix = prefix
    this.#scratch = scratch
    this.#lock = lock
  }

  get isAlone(): boolean {
    return this.#lock.isAlone
  }

  async readMeta(key: string): Promise<string | undefined> {
    const { persistence } = await this.#document(META)
    const value: unknown = await persistence.get(key)
    return typeof value === 'string' ? value : undefined
  }

  async writeMeta(key: string, value: string): Promise<void> {
    const { persistence } = await this.#document(META)
    await persistence.set(key, value)
  }

  async load(document: string): Promise<readonly StoredUpdate[]> {
    const { scratch } = await this.#document(document)
    const update = this.#scratch.encode(scratch)
    return update.length <= EMPTY_UPDATE_BYTES ? [] : [{ key: 0, update }]
  }

  append(batch: readonly DocumentUpdate[]): Promise<readonly number[]> {
    const appended = this.#appending.then(() => this.#append(batch))
    this.#appending = appended.catch(() => undefined)
    return appended
  }

  /** Nothing to do: y-indexeddb compacts by itself. */
  async compact(): Promise<number> {
    return 0
  }

  async remove(document: string): Promise<void> {
    const { persistence } = await this.#document(document)
    this.#documents.delete(document)
    await persistence.clearData()
  }

  async close(): Promise<void> {
    this.#isOpen = false
    await this.#appending
    for (const { persistence } of await Promise.all(this.#documents.values())) await persistence.destroy()
    this.#lock.release()
  }

  async #append(batch: readonly DocumentUpdate[]): Promise<readonly number[]> {
    const updates = new Map<string, Uint8Array[]>()
    for (const { document, update } of batch) updates.set(document, [...(updates.get(document) ?? []), update])
    await Promise.all(
      [...updates].map(async ([document, list]) => this.#appendTo(await this.#document(document), list)),
    )
    return batch.map(() => 0)
  }

  /** A transaction of our own on y-indexeddb's store: its own tells nobody when it completes, or that it did not. */
  async #appendTo({ scratch, persistence }: OpenDocument, updates: readonly Uint8Array[]): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const transaction = (persistence.db as IDBDatabase).transaction(['updates'], 'readwrite')
      const refuse = (): void => reject(refusal(transaction.error))
      transaction.oncomplete = () => resolve()
      transaction.onabort = refuse
      transaction.onerror = refuse
      for (const update of updates) transaction.objectStore('updates').add(update)
    })
    // Only now, and as y-indexeddb's own, so that it is not stored twice.
    for (const update of updates) this.#scratch.apply(scratch, update, persistence)
    persistence._dbsize += updates.length
    if (persistence._dbsize >= PREFERRED_TRIM_SIZE) await storeState(persistence, false)
  }

  #document(name: string): Promise<OpenDocument> {
    if (!this.#isOpen) throw new MerrowError('storage_failed', 'This store is closed. Open it again.')
    let document = this.#documents.get(name)
    if (document === undefined) {
      const scratch = this.#scratch.create()
      const persistence = new IndexeddbPersistence(
        `${this.#prefix}/${name}`,
        scratch as ConstructorParameters<typeof IndexeddbPersistence>[1],
      )
      document = persistence.whenSynced.then(() => ({ scratch, persistence }))
      this.#documents.set(name, document)
    }
    return document
  }
}

const refusal = (cause: DOMException | null): MerrowError =>
  cause?.name === 'QuotaExceededError'
    ? new MerrowError(
        'storage_full',
        'IndexedDB has no room left: nothing of this write was stored. Free some space.',
        { cause },
      )
    : new MerrowError('storage_failed', `IndexedDB did not keep a write: ${cause?.message ?? 'it was aborted'}.`, {
        cause,
      })

const PROBE = 'merrow-probe'

/** Finds out whether IndexedDB can be opened at all: y-indexeddb would wait for ever. */
const probe = (): Promise<void> =>
  new Promise((resolve, reject) => {
    const refuse = (cause: unknown): void =>
      reject(
        new MerrowError(
          'storage_failed',
          `IndexedDB cannot be opened: ${String(cause)}. Is storage switched off for this site?`,
          { cause },
        ),
      )
    try {
      const request = indexedDB.open(PROBE)
      request.onerror = () => refuse(request.error)
      request.onsuccess = () => {
        request.result.close()
        indexedDB.deleteDatabase(PROBE)
        resolve()
      }
    } catch (cause) {
      refuse(cause)
    }
  })

interface Lock {
  readonly isAlone: boolean
  release(): void
}

/** Takes a Web Lock alone if nobody holds it, else shares it: whoever gets it alone later knows that all others are gone. */
const takeLock = async (name: string): Promise<Lock> => {
  const locks = typeof navigator === 'undefined' ? undefined : navigator.locks
  if (locks === undefined) return { isAlone: false, release: () => {} }
  let release = (): void => {}
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  const isAlone = await new Promise<boolean>((resolve, reject) => {
    locks
      .request(name, { mode: 'exclusive', ifAvailable: true }, (lock) => {
        resolve(lock !== null)
        return lock === null ? undefined : released
      })
      .catch(reject)
  })
  if (!isAlone) void locks.request(name, { mode: 'shared' }, () => released)
  return { isAlone, release }
}

// Storage in LMDB, for Node and desktop apps. Knows the port and npm `lmdb`; loads that only when a store is opened.
import type { Database, RootDatabase } from 'lmdb'
import { MerrowError } from '../errors.ts'
import { lmdbFailure, reasonOf } from './lmdb-failure.ts'
import type { DocumentUpdate, Storage, StorageAdapter, StorageContext, StoredUpdate } from './port.ts'

type UpdateKey = [document: string, key: number]

interface Tables {
  readonly root: RootDatabase<unknown, string>
  readonly updates: Database<Uint8Array, UpdateKey>
  readonly meta: Database<string, string>
  /** Who has the store open: process id and a number of its own. */
  readonly openers: Database<true, [processId: number, opener: string]>
}

/** Openers of this very process; what another record says of our process id is left over from an earlier one. */
const ownOpeners = new Set<string>()
const LAST_KEY = 'last key'

/**
 * Storage in an LMDB environment: one folder, one subfolder a database.
 *
 * An append is one LMDB transaction, durable (synced to disk) when it resolves. Several processes may open the same store;
 * each sees what the others wrote when it opens it next.
 *
 * @param options.path - Folder; made if it is not there.
 */
export const lmdb = ({ path }: { readonly path: string }): StorageAdapter => ({
  async open({ database }: StorageContext) {
    const [{ open }, { makeFolder }] = await Promise.all([import('lmdb'), import('./make-folder.ts')])
    const folder = `${path}/${database}`
    try {
      makeFolder(folder)
      // Overlapping syncs would resolve a write before it is on disk; batching by event turn would leave a rejected promise that
      // nobody holds when the disk is full.
      const root = open<unknown, string>({
        path: folder,
        maxDbs: 8,
        overlappingSync: false,
        eventTurnBatching: false,
      })
      const updates = root.openDB<Uint8Array, UpdateKey>({ name: 'updates', encoding: 'binary' })
      const meta = root.openDB<string, string>({ name: 'meta', encoding: 'string' })
      const openers = root.openDB<true, [number, string]>({ name: 'openers', encoding: 'json' })
      return LmdbStorage.open(folder, { root, updates, meta, openers })
    } catch (cause) {
      throw new MerrowError(
        'folder_unusable',
        `Cannot open a store in "${folder}": ${reasonOf(cause)}. Give a folder that this process may write to.`,
        { cause },
      )
    }
  },
})

class LmdbStorage implements Storage {
  readonly isAlone: boolean
  readonly #folder: string
  readonly #tables: Tables
  readonly #opener: string
  #closing: Promise<void> | undefined

  static open(folder: string, tables: Tables): LmdbStorage {
    const opener = crypto.randomUUID()
    const isAlone = tables.root.transactionSync(() => {
      for (const key of tables.openers.getKeys()) if (!isAlive(key)) tables.openers.removeSync(key)
      const alone = tables.openers.getKeysCount() === 0
      tables.openers.putSync([process.pid, opener], true)
      return alone
    })
    ownOpeners.add(opener)
    return new LmdbStorage(folder, tables, opener, isAlone)
  }

  private constructor(folder: string, tables: Tables, opener: string, isAlone: boolean) {
    this.#folder = folder
    this.#tables = tables
    this.#opener = opener
    this.isAlone = isAlone
  }

  async readMeta(key: string): Promise<string | undefined> {
    return this.#open().meta.get(key)
  }

  async writeMeta(key: string, value: string): Promise<void> {
    const { meta } = this.#open()
    await this.#durable(() => meta.put(key, value))
  }

  async load(document: string): Promise<readonly StoredUpdate[]> {
    const { updates } = this.#open()
    const range = updates.getRange({ start: [document, 0], end: [document, Number.MAX_SAFE_INTEGER] })
    return Array.from(range, ({ key, value }) => ({ key: key[1], update: new Uint8Array(value) }))
  }

  async append(batch: readonly DocumentUpdate[]): Promise<readonly number[]> {
    const tables = this.#open()
    return this.#durable(() =>
      tables.root.transaction(() => batch.map(({ document, update }) => put(tables, document, update))),
    )
  }

  async compact(document: string, state: Uint8Array, replaced: readonly number[]): Promise<number> {
    const tables = this.#open()
    return this.#durable(() =>
      tables.root.transaction(() => {
        for (const key of replaced) tables.updates.removeSync([document, key])
        return put(tables, document, state)
      }),
    )
  }

  async remove(document: string): Promise<void> {
    const { root, updates } = this.#open()
    await this.#durable(() =>
      root.transaction(() => {
        for (const key of [...updates.getKeys({ start: [document, 0], end: [document, Number.MAX_SAFE_INTEGER] })])
          updates.removeSync(key)
      }),
    )
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    const { root, openers } = this.#tables
    await this.#durable(() => openers.remove([process.pid, this.#opener]))
    ownOpeners.delete(this.#opener)
    await root.close()
  }

  async #durable<T>(write: () => Promise<T>): Promise<T> {
    try {
      return await write()
    } catch (error) {
      throw await lmdbFailure(error, 'the store in', this.#folder)
    }
  }

  #open(): Tables {
    if (this.#closing) throw new MerrowError('storage_failed', 'This store is closed. Open it again.')
    return this.#tables
  }
}

/** Within a transaction. */
const put = ({ updates, meta }: Tables, document: string, update: Uint8Array): number => {
  const key = Number(meta.get(LAST_KEY) ?? 0) + 1
  meta.putSync(LAST_KEY, String(key))
  updates.putSync([document, key], update)
  return key
}

const isAlive = ([processId, opener]: readonly [number, string]): boolean => {
  if (processId === process.pid) return ownOpeners.has(opener)
  try {
    process.kill(processId, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}

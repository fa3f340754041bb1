// Storage in memory. Knows the port alone.
import { MerrowError } from '../errors.ts'
import type { DocumentUpdate, Storage, StorageAdapter, StorageContext, StoredUpdate } from './port.ts'

interface Shelf {
  readonly documents: Map<string, StoredUpdate[]>
  readonly meta: Map<string, string>
  lastKey: number
  openers: number
}

/**
 * Storage for tests, server rendering and databases that nothing should remain of.
 *
 * What is stored lives as long as the adapter object: a database that is opened again with the same object finds its rows.
 */
export const memory = (): StorageAdapter => {
  const shelves = new Map<string, Shelf>()
  return {
    async open({ database }: StorageContext) {
      const shelf = shelves.get(database) ?? { documents: new Map(), meta: new Map(), lastKey: 0, openers: 0 }
      shelves.set(database, shelf)
      return new MemoryStorage(shelf)
    },
  }
}

class MemoryStorage implements Storage {
  readonly isAlone: boolean
  readonly #shelf: Shelf
  #isOpen = true

  constructor(shelf: Shelf) {
    this.#shelf = shelf
    this.isAlone = shelf.openers === 0
    shelf.openers += 1
  }

  async readMeta(key: string): Promise<string | undefined> {
    return this.#open().meta.get(key)
  }

  async writeMeta(key: string, value: string): Promise<void> {
    this.#open().meta.set(key, value)
  }

  async load(document: string): Promise<readonly StoredUpdate[]> {
    return [...(this.#open().documents.get(document) ?? [])]
  }

  async append(batch: readonly DocumentUpdate[]): Promise<readonly number[]> {
    const shelf = this.#open()
    return batch.map(({ document, update }) => {
      const stored = { key: ++shelf.lastKey, update: update.slice() }
      const updates = shelf.documents.get(document)
      if (updates === undefined) shelf.documents.set(document, [stored])
      else updates.push(stored)
      return stored.key
    })
  }

  async compact(document: string, state: Uint8Array, replaced: readonly number[]): Promise<number> {
    const shelf = this.#open()
    const gone = new Set(replaced)
    const kept = (shelf.documents.get(document) ?? []).filter(({ key }) => !gone.has(key))
    const stored = { key: ++shelf.lastKey, update: state.slice() }
    shelf.documents.set(document, [...kept, stored])
    return stored.key
  }

  async remove(document: string): Promise<void> {
    this.#open().documents.delete(document)
  }

  async close(): Promise<void> {
    if (this.#isOpen) this.#shelf.openers -= 1
    this.#isOpen = false
  }

  #open(): Shelf {
    if (!this.#isOpen) throw new MerrowError('storage_failed', 'This store is closed. Open it again.')
    return this.#shelf
  }
}

// Storage for Merrow in the bench: holds updates in memory, lets go of those it was made with once they are loaded (a disk
// would not keep them in memory either), and gives the whole as one update. Knows the storage port alone.
import type { Storage, StorageAdapter, StorageContext } from '../src/storage/index.ts'

/** A storage adapter for one database with one table. */
export class BenchStorage implements StorageAdapter {
  readonly #updates = new Map<number, Uint8Array>()
  readonly #meta = new Map<string, string>()
  #scratch: StorageContext['scratch'] | undefined
  #initial: Uint8Array | undefined
  #lastKey = 0

  /** @param initial - What is stored when the database opens, as one update. */
  constructor(initial?: Uint8Array) {
    this.#initial = initial
  }

  /** All that lies here as one update, as compacting makes it. */
  state(): Uint8Array {
    if (this.#scratch === undefined) throw new Error('The storage was never opened.')
    const document = this.#scratch.create()
    for (const update of this.#updates.values()) this.#scratch.apply(document, update)
    return this.#scratch.encode(document)
  }

  async open({ scratch }: StorageContext): Promise<Storage> {
    this.#scratch = scratch
    return {
      isAlone: true,
      readMeta: async (key) => this.#meta.get(key),
      writeMeta: async (key, value) => {
        this.#meta.set(key, value)
      },
      load: async () => this.#takeInitial(),
      append: async (batch) => batch.map(({ update }) => this.#put(update)),
      compact: async (_document, state, replaced) => {
        for (const key of replaced) this.#updates.delete(key)
        return this.#put(state)
      },
      remove: async () => this.#updates.clear(),
      close: async () => {},
    }
  }

  #takeInitial() {
    const update = this.#initial
    this.#initial = undefined
    return update === undefined ? [] : [{ key: 0, update }]
  }

  #put(update: Uint8Array): number {
    this.#lastKey += 1
    this.#updates.set(this.#lastKey, update)
    return this.#lastKey
  }
}

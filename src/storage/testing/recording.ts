// Storage that keeps account of what it is asked, for tests.
import { memory, type Storage, type StorageAdapter } from '../index.ts'

/** A storage adapter that counts, and refuses when told to; what it takes it passes on. */
export const recording = (inner: StorageAdapter = memory()) => {
  const batches: Parameters<Storage['append']>[0][] = []
  let refusal: Error | undefined
  let compactionRefusal: Error | undefined
  let compactions = 0
  const adapter: StorageAdapter = {
    async open(context) {
      const storage = await inner.open(context)
      return {
        isAlone: storage.isAlone,
        readMeta: (key) => storage.readMeta(key),
        writeMeta: (key, value) => storage.writeMeta(key, value),
        load: (document) => storage.load(document),
        remove: (document) => storage.remove(document),
        close: () => storage.close(),
        async compact(...args) {
          compactions += 1
          if (compactionRefusal !== undefined) throw compactionRefusal
          return storage.compact(...args)
        },
        async append(batch) {
          if (refusal !== undefined) throw refusal
          batches.push(batch)
          return storage.append(batch)
        },
      }
    },
  }
  return {
    adapter,
    batches,
    compactions: () => compactions,
    refuse: (error: Error | undefined) => {
      refusal = error
    },
    refuseCompaction: (error: Error) => {
      compactionRefusal = error
    },
  }
}

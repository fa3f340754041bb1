// The storage adapters of browsers: `merrow/storage` there. LMDB stays out of the bundle, and says so when asked for.
import { MerrowError } from '../errors.ts'
import type { StorageAdapter } from './port.ts'

export { memory } from './memory.ts'
export type {
  DocumentUpdate,
  ScratchDocuments,
  Storage,
  StorageAdapter,
  StorageContext,
  StoredUpdate,
} from './port.ts'
export { yIndexedDb } from './y-indexeddb.ts'

/** Not in browsers. @throws {@link MerrowError} `unsupported` when the store is opened. */
export const lmdb = (_options: { readonly path: string }): StorageAdapter => ({
  async open() {
    throw new MerrowError(
      'unsupported',
      'lmdb() runs in Node and desktop apps. In a browser use yIndexedDb() or memory().',
    )
  },
})

// The storage adapters of Node and of everything else: `merrow/storage`.
export { lmdb } from './lmdb.ts'
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

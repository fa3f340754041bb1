// Plain Yjs documents for storage adapters that insist on one. Knows Yjs alone.
import * as Y from 'yjs'
import { createDocument } from './document.ts'

/** Makes, fills and reads a document that stands for no table. */
export const scratchDocuments = {
  create: createDocument as () => object,
  apply: (document: object, update: Uint8Array, origin?: unknown): void =>
    Y.applyUpdate(document as Y.Doc, update, origin),
  encode: (document: object): Uint8Array => Y.encodeStateAsUpdate(document as Y.Doc),
}

// An empty Yjs document. Knows Yjs alone.
import * as Y from 'yjs'

/** Makes a document without a guid of its own: nothing here reads it, and drawing one costs twenty times the document. */
export const createDocument = (): Y.Doc => new Y.Doc({ guid: 'merrow' })

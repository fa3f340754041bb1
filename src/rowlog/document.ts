// An empty Yjs document. Knows Yjs alone.
import * as Y from 'yjs'
import type { RandomBytes } from '../ids.ts'

/** Draws the client id of a document, which decides the order of what is written at once. */
export const drawClientId = (random: RandomBytes): number => new DataView(random(new Uint8Array(4)).buffer).getUint32(0)

/**
 * Makes a document without a guid of its own: nothing here reads it, and drawing one costs twenty times the document.
 *
 * @param random - Source of its client id; Yjs's own if left out.
 */
export const createDocument = (random?: RandomBytes): Y.Doc => {
  const document = new Y.Doc({ guid: 'merrow' })
  if (random !== undefined) document.clientID = drawClientId(random)
  return document
}

// Brings Yjs documents of one name to the same state. Knows Yjs alone.
import * as Y from 'yjs'
import { createDocument } from '../document.ts'

interface HasDocuments {
  readonly db: { saved(): Promise<void> }
  readonly documents: ReadonlyMap<string, Y.Doc>
}

/** Commits what is staged everywhere, then gives every replica what any of them has; by way of a passive server. */
export const exchange = async (...replicas: readonly HasDocuments[]): Promise<void> => {
  for (const { db } of replicas) await db.saved()
  for (const name of replicas[0]?.documents.keys() ?? []) {
    const server = createDocument()
    const documents = replicas.map(({ documents: own }) => own.get(name) as Y.Doc)
    for (const document of documents) bring(document, server)
    for (const document of documents) bring(server, document, 'server')
  }
}

/** What one lacks of the other, and every delete, as the sync protocol does. */
const bring = (from: Y.Doc, to: Y.Doc, origin?: string): void =>
  Y.applyUpdate(to, Y.encodeStateAsUpdate(from, Y.encodeStateVector(to)), origin)
